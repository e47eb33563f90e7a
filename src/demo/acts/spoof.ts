import type { Cast } from '../cast.ts';
import { measured, type Narrator } from '../narrator.ts';
import type { Stage } from '../stage.ts';

/** An address of the subnet that the cloud has given to nobody. */
const stolen = '10.40.0.250';
const count = 5;

/** A container that takes an address which the cloud did not permit. */
export async function showSpoof({ fabric, a, b }: Stage, { web, db }: Cast, narrator: Narrator): Promise<void> {
  narrator.chapter('2. The cloud still decides who may use which address');
  await narrator.step('web pings db with its own address', async () => {
    const before = await b.pingsSeen(db.name);
    await a.ping(web.name, db.address, count);
    const seen = (await b.pingsSeen(db.name)) - before;
    measured(seen === count, `db saw ${seen} of ${count} pings with web's own address`);
    return `web pings db with its own address: ${seen} of ${count} arrive`;
  });
  await narrator.step(`web pings db as ${stolen}`, async () => {
    await a.inside(web.name, `ip address add ${stolen}/32 dev eth0`);
    const seenBefore = await b.pingsSeen(db.name);
    const droppedBefore = await drops(stolen);
    await a.ping(web.name, db.address, count, `-i 0.05 -I ${stolen}`);
    const dropped = (await drops(stolen)) - droppedBefore;
    const seen = (await b.pingsSeen(db.name)) - seenBefore;
    await a.inside(web.name, `ip address delete ${stolen}/32 dev eth0`);
    measured(seen === 0, `${seen} of ${count} pings from ${stolen}, which the cloud did not permit, reached db`);
    measured(dropped >= count, `the VM's port dropped ${dropped} frames from ${stolen}, not ${count}`);
    return `web pings db as ${stolen}, which is not on the VM's port: ${seen} arrive, the port dropped ${dropped}`;
  });

  async function drops(address: string): Promise<number> {
    const { dropped } = await fabric.switch.counters(a.name);
    return dropped[`source address ${address}`] ?? 0;
  }
}
