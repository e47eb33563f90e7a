import { HostileVm } from '../hostaccess/hostile-vm.ts';
import { Keeper } from '../hostaccess/keeper.ts';
import type { Bench } from './bench.ts';
import { Figures, type Row } from './figures.ts';

const times = 5000;

export const flips: Bench = {
  name: 'flips',
  title: `a container sets the flag of all links, and its own link's alias, ${times} times each`,
  rounds: 3,
  measure,
};

async function measure(rounds: number): Promise<readonly Row[]> {
  await using hostile = await HostileVm.boot();
  const keeper = new Keeper(hostile.guest);
  const found = new Figures();
  for (let round = 0; round < rounds; round++) {
    // Anew each time: it answers the more slowly the longer a container goes on.
    await keeper.start(['one', 'two', 'own']);
    const before = await keeper.look();
    found.add('CPU, s', 'the container', await hostile.flipOnAndOn(times));
    const after = await keeper.look();
    const us = (cpu: NodeJS.CpuUsage) => cpu.user + cpu.system;
    found.add('CPU, s', 'the daemon', (us(after.cpu) - us(before.cpu)) / 1e6);
    console.log(`round ${round + 1} of ${rounds}: put back ${after.putBacks - before.putBacks} times`);
    await keeper.kill();
  }
  return found.rows();
}
