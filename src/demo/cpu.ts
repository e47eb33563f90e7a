import { readdir, readFile } from 'node:fs/promises';
import type { Way } from './options.ts';

/** USER_HZ, in which the kernel tells CPU time; 100 on every Linux that Node runs on. */
const ticks = 100;

/**
 * CPU seconds that carrying packets has taken so far. Guests: of their processes, kernel and all. Where VMs share this
 * machine's kernel, a packet's way is walked by whoever holds the CPU: of the VMs' processes, the switch's, and the time
 * that the kernel counts for nobody.
 */
export async function cpuSeconds(way: Way, vms: readonly number[], switchPid: number): Promise<number> {
  const processes = await allProcesses();
  const own = vms.flatMap(pid => descendants(processes, pid)).map(pid => processes.get(pid)?.used ?? 0);
  const shared = way === 'guests' ? 0 : (processes.get(switchPid)?.system ?? 0) + (await interruptTicks());
  return own.reduce((sum, used) => sum + used, shared) / ticks;
}

/** Of hard and soft interrupts, all processors together. */
async function interruptTicks(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n', 1);
  const fields = line.split(/\s+/).map(Number);
  return (fields[6] ?? 0) + (fields[7] ?? 0);
}

interface Process {
  readonly parent: number;
  /** Ticks, those of children that have ended included. */
  readonly used: number;
  /** Ticks that the kernel worked in its name. */
  readonly system: number;
}

async function allProcesses(): Promise<Map<number, Process>> {
  const found = new Map<number, Process>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    // The name, in brackets, may hold blanks.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const used = [11, 12, 13, 14].reduce((sum, n) => sum + Number(fields[n]), 0);
    if (text !== '') found.set(Number(name), { parent: Number(fields[1]), used, system: Number(fields[12]) });
  }
  return found;
}

function descendants(processes: ReadonlyMap<number, Process>, pid: number): number[] {
  const children = [...processes].filter(([, { parent }]) => parent === pid).map(([child]) => child);
  return [pid, ...children.flatMap(child => descendants(processes, child))];
}
