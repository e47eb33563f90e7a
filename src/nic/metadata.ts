import * as v from 'valibot';
import { withDeadline } from '../openstack/deadline.ts';
import type { PlainGet } from '../openstack/plain-get.ts';
import type { Clock } from '../time/clock.ts';

export interface MetadataEdges {
  readonly get: (request: PlainGet, signal: AbortSignal) => Promise<{ readonly status: number; readonly body: string }>;
  /** Text of a file. Rejects where there is none. */
  readonly read: (path: string, signal: AbortSignal) => Promise<string>;
  readonly clock: Clock;
}

/** The format is Nova's, the same in the metadata service and on a config drive. */
const FILE = 'openstack/latest/network_data.json';
/** A service that is there answers at once; one that is not may swallow what is sent. */
const PATIENCE_MS = 3_000;
/** More links than a VM can have NICs. */
const MAX_LINKS = 256;

const networkData = v.object({
  links: v.pipe(v.array(v.object({ vif_id: v.optional(v.pipe(v.string(), v.uuid())) })), v.maxLength(MAX_LINKS)),
});

/**
 * Ids of the VM's own Neutron ports, as the metadata service or a mounted config drive tells them; undefined where there
 * is neither, which is no error: a VM may have none.
 */
export async function ownPortIds(edges: MetadataEdges, signal: AbortSignal): Promise<readonly string[] | undefined> {
  const { get, read, clock } = edges;
  const sources: readonly ((bound: AbortSignal) => Promise<string>)[] = [
    async bound => {
      const { status, body } = await get({ url: `http://169.254.169.254/${FILE}` }, bound);
      if (status !== 200) throw new Error(`answered ${status}`);
      return body;
    },
    async bound => read(`${configDrive(await read('/proc/self/mounts', bound))}/${FILE}`, bound),
  ];
  for (const source of sources) {
    try {
      const text = await withDeadline(clock, PATIENCE_MS, signal, deadline => source(deadline.signal));
      const { links } = v.parse(networkData, JSON.parse(text));
      return links.flatMap(({ vif_id }) => vif_id ?? []);
    } catch {
      signal.throwIfAborted();
    }
  }
  return undefined;
}

/** Where a file system as Nova makes config drives (iso9660 or vfat) is mounted; of several, one that says so in its path. */
function configDrive(mounts: string): string {
  const points = mounts.split('\n').flatMap(line => {
    const [, point, type] = line.split(' ');
    return point !== undefined && (type === 'iso9660' || type === 'vfat') ? [point.replaceAll('\\040', ' ')] : [];
  });
  return points.find(point => /config/i.test(point)) ?? points[0] ?? '';
}
