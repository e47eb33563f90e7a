import assert from 'node:assert/strict';
import type { Bed } from './bed.ts';
import type { Row } from './rows.ts';
import { lost, until } from './traffic.ts';

/**
 * How far apart the two may be, seconds: probes come every half second by then, and a kernel that had no answer from its
 * gateway asks again after one (retrans_time_ms).
 */
const APART_S = 1.6;

/** Takes a running container's pair away, lets the daemon write it again, and sees when what gets through first. */
export function coincidence(link: 'ipvlan' | 'macvlan'): Row {
  return {
    name: `first answered probe and first ping that passes coincide: ${link}`,
    async run(bed) {
      const network = await bed.network(`--link ${link}`);
      const one = await bed.a.container(bed.name('ca'), network);
      const gateway = bed.lab.network.v4?.gateway ?? '';
      await bed.a.stopKuryr('KILL');
      await bed.setPairs(bed.a, []);
      await until('the filter takes the address away', () => lost(one, gateway));
      const logged = (await bed.a.log()).length;
      const firstPing = bed.a.ok(
        `docker exec ${one.name} ping -i 0.1 -c 600 -W 1 ${gateway} |
        while read -r line; do case $line in "64 bytes"*) echo $EPOCHREALTIME; break;; esac; done`,
        120,
      );
      await bed.a.startKuryr();
      const probe = await until('the daemon sees frames pass', () => answered(bed, logged));
      const ping = Number(await firstPing);
      const apart = ping - probe;
      console.log(`${link}: first ping ${apart.toFixed(2)} s after the first answered probe`);
      assert.ok(Math.abs(apart) < APART_S, `${apart} s apart`);
      await bed.remove(one);
      await bed.assertClean();
    },
  };
}

/** When the log says that frames pass, seconds of the guest's clock. */
async function answered(bed: Bed, from: number): Promise<number | undefined> {
  const line = (await bed.a.log())
    .slice(from)
    .split('\n')
    .find(each => each.includes('"frames pass"'));
  return line === undefined ? undefined : Date.parse(JSON.parse(line).time) / 1000;
}
