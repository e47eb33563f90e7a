import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Vm } from '../hostaccess/vm.ts';
import type { Bench } from './bench.ts';
import { Figures, type Row } from './figures.ts';

const slaves = 1000;

/** When a slave is told to make no link-local address and not to ask for routers, as slaves.py calls it. */
const peers = {
  "kernel's defaults": 'never',
  'asleep until it is silent': 'asleep',
  'silent before it is up': 'before',
};

/** What slaves.py counts. */
const figures = {
  coming: 'CPU until all are up, s',
  after: 'CPU in the 10 s afterwards, s',
  mld: 'MLD reports of the slaves',
  solicits: 'router solicitations of the slaves',
  frames: 'frames that left by the master',
};

export const quiet: Bench = {
  name: 'quiet',
  title: `${slaves} ipvlan slaves with IPv6 come up`,
  rounds: 3,
  measure,
};

async function measure(rounds: number): Promise<readonly Row[]> {
  await using vm = await Vm.boot();
  copyFileSync(join(import.meta.dirname, 'slaves.py'), join(vm.guest.folder, 'slaves.py'));
  await vm.guest.ok('cp /mnt/slaves.py /run/');
  const found = new Figures();
  for (let round = 0; round < rounds; round++)
    for (const [peer, order] of Object.entries(peers)) {
      const text = await vm.guest.ok(`python3 /run/slaves.py ${order} ${slaves}`, 200);
      console.log(`round ${round + 1}, ${peer}: ${text.trim()}`);
      const seen = JSON.parse(text) as Record<keyof typeof figures, number>;
      for (const [key, figure] of Object.entries(figures) as [keyof typeof figures, string][])
        found.add(figure, peer, seen[key]);
      await vm.guest.ok('ip -n many link del group 7 && ip netns del many', 120);
    }
  return found.rows();
}
