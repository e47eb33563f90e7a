import type { Cast } from '../cast.ts';
import { measured, type Narrator } from '../narrator.ts';
import type { Stage } from '../stage.ts';

/** Container to container, across VMs. */
export async function showReach({ a, b }: Stage, { web, db }: Cast, narrator: Narrator): Promise<void> {
  narrator.chapter(
    '1. A container talks to a container in another VM, with an address of its own on the cloud’s network',
  );
  await narrator.step(`web pings db`, async () => {
    const { sent, received, average } = await a.ping(web.name, db.address, 20);
    measured(received === sent, `web ${web.address} → db ${db.address}: ${received} of ${sent} pings came back`);
    return `web → db: ${received} of ${sent} pings came back, ${average.toFixed(2)} ms on average`;
  });
  await narrator.step(`${a.name} pings ${b.name}`, async () => {
    const { sent, received, average } = await a.ping(undefined, b.address, 20);
    measured(received === sent, `${a.name} → ${b.name}: ${received} of ${sent} pings came back`);
    return `between the VMs themselves: ${average.toFixed(2)} ms on average`;
  });
}
