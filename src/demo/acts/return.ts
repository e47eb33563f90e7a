import type { Cast } from '../cast.ts';
import { measured, type Narrator } from '../narrator.ts';
import type { Stage } from '../stage.ts';
import { until } from '../until.ts';

/** How long Kuryr may take to give back what a container had, milliseconds. */
const patience = 15_000;

/** What is left in the cloud after the containers are gone. */
export async function showReturn({ fabric, containers }: Stage, { web, db }: Cast, narrator: Narrator): Promise<void> {
  narrator.chapter('6. What a container no longer has goes back to the cloud');
  await narrator.step('the containers are removed', async () => {
    await Promise.all([web, db].map(({ vm, name }) => containers.remove(vm, name)));
    const left = (): number =>
      [web.vm, db.vm].reduce(
        (sum, { port }) => sum + port.allowed_address_pairs.length + fabric.cloud.reservations(port.id).length,
        0,
      );
    measured(await until(() => left() === 0, patience), `${left()} pairs and reservations are left in the cloud`);
    return 'both containers removed: no pair and no reservation is left in the cloud';
  });
}
