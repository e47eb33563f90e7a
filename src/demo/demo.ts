import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../../guest/command.ts';
import { fetchedKernel } from '../../guest/kernel.ts';
import { guestRoot } from '../../guest/root.ts';
import type { Say } from '../../guest/say.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { DemoOptions, Inner } from './options.ts';

/** Namespaces in which all of the demo is made, and with which all of it ends. */
const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** What this machine lets the demo do, found out by doing it. `shell` is all that a VM of namespaces runs. */
const attempts = `mount -t tmpfs tmpfs /run
for program in hostname nsenter ping setsid sysctl timeout; do command -v $program >/dev/null || missing="$missing $program"; done
[ -n "$missing" ] && echo "missing$missing" || echo shell
ip link add kv0 type veth peer name kv1 || { echo noveth; exit; }
ip link add link kv0 name ki0 type ipvlan mode l2 2>/dev/null && echo ipvlan
ip link add kx0 type vxlan id 7 dev kv0 dstport 4789 2>/dev/null && echo vxlan
ip tuntap add dev kt0 mode tap vnet_hdr 2>/dev/null && echo tap
true`;

/**
 * Runs the demo in namespaces of its own; gives its exit code: 0 when every sentence held. When this process ends, in
 * whatever way, the kernel ends all of it.
 * @throws DEMO_NEEDS_CHECKOUT, DEMO_NAMESPACES_REFUSED, DEMO_UNSUPPORTED, PROGRAM_MISSING
 */
export async function runDemo(options: DemoOptions, say: Say, signal: AbortSignal): Promise<number> {
  const inside = join(import.meta.dirname, 'inside.ts');
  if (!existsSync(inside)) throw new KuryrError('DEMO_NEEDS_CHECKOUT');
  // Where ip and sysctl are, and ordinary users' shells do not look.
  process.env['PATH'] += ':/usr/local/sbin:/usr/sbin:/sbin';
  const inner = await prepare(options, await abilities(), say);
  // Whoever is in there holds the pipe: once it is closed, nobody is left.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...enter(), process.execPath, inside, JSON.stringify(inner)], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  });
  const end = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', end);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return signal.aborted ? interrupted : (code ?? 1);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

const interrupted = 130;

/** The command that enters the namespaces; without root, as root of a user namespace. */
function enter(): string[] {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  return ['unshare', ...user, ...namespaces, '--'];
}

async function abilities(): Promise<ReadonlySet<string>> {
  for (const program of ['unshare', 'setpriv', 'ip']) {
    await command([program, '--version'])
      .catch(() => command([program, '-V']))
      .catch(error => {
        throw new KuryrError('PROGRAM_MISSING', { program, reason: (error as Error).message }, { cause: error });
      });
  }
  try {
    return new Set((await command([...enter(), 'sh', '-ec', attempts])).split('\n'));
  } catch (error) {
    const reason = ((error as Error).message.split('\n')[1] ?? '').trim();
    throw new KuryrError('DEMO_NAMESPACES_REFUSED', { reason }, { cause: error });
  }
}

async function prepare(options: DemoOptions, can: ReadonlySet<string>, say: Say): Promise<Inner> {
  const tap = can.has('tap');
  if (!options.docker && ['ipvlan', 'vxlan', 'shell'].every(each => can.has(each)))
    return { ...options, way: 'namespaces', tap, tree: '', kernel: '' };
  if (process.arch !== 'x64') throw new KuryrError('DEMO_UNSUPPORTED', { reason: `no guests on ${process.arch}` });
  try {
    const kernel = await fetchedKernel(say);
    const tree = await guestRoot(options.docker ? 'docker' : 'small', say);
    return { ...options, way: 'guests', tap, tree, kernel };
  } catch (error) {
    throw new KuryrError('DEMO_UNSUPPORTED', { reason: (error as Error).message }, { cause: error });
  }
}
