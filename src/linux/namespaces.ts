import fs from 'node:fs';
import path from 'node:path';

/** Where Docker and iproute2 bind-mount namespaces that no process need be in. */
const KEPT_IN = ['/run/docker/netns', '/run/netns'];

/** One path for each network namespace that a path leads to, the calling thread's own apart. */
export function otherNamespaces(): readonly { readonly path: string }[] {
  const kept = KEPT_IN.flatMap(folder => entries(folder).map(name => path.join(folder, name)));
  const lived = entries('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(pid => `/proc/${pid}/ns/net`);
  const seen = new Set([identity('/proc/thread-self/ns/net')]);
  return [...kept, ...lived]
    .filter(each => {
      const id = identity(each);
      if (id === undefined || seen.has(id)) return false;
      seen.add(id);
      return true;
    })
    .map(each => ({ path: each }));
}

/** Device and inode, which tell namespaces apart (namespaces(7)); undefined for what is gone or kept from us. */
function identity(file: string): string | undefined {
  try {
    const { dev, ino } = fs.statSync(file);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

function entries(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
}
