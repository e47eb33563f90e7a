import { showKill } from './acts/kill.ts';
import { compareWithOverlay } from './acts/overlay.ts';
import { showPlaces } from './acts/places.ts';
import { showReach } from './acts/reach.ts';
import { showReturn } from './acts/return.ts';
import { showSpoof } from './acts/spoof.ts';
import type { Actor, Cast } from './cast.ts';
import { subnet } from './cloud.ts';
import type { Narrator } from './narrator.ts';
import type { Fault } from './options.ts';
import type { Stage } from './stage.ts';
import type { Vm } from './vm.ts';

/**
 * Shows what Kuryr is for, act by act. Each act says only what it has measured.
 * @throws NotMeasured at the first sentence that does not hold
 */
export async function tell(stage: Stage, narrator: Narrator, fault: Fault | undefined): Promise<void> {
  const cast = await begin(stage, narrator);
  await showReach(stage, cast, narrator);
  await showSpoof(stage, cast, narrator);
  await showPlaces(stage, cast, narrator);
  // What is broken on purpose is not seen there, and it takes long.
  if (fault === undefined) await compareWithOverlay(stage, cast, narrator);
  await showKill(cast, narrator, fault === 'kill');
  await showReturn(stage, cast, narrator);
}

async function begin(stage: Stage, narrator: Narrator): Promise<Cast> {
  const { a, b, containers } = stage;
  const actor = async (vm: Vm, name: string): Promise<Actor> => {
    await containers.network(vm, subnet.cidr);
    return { vm, name, address: await containers.run(vm, name) };
  };
  let cast!: Cast;
  await narrator.step('a container in each', async () => {
    const [web, db] = await Promise.all([actor(a, 'web'), actor(b, 'db')]);
    cast = { web, db };
    return `a container in each: web ${web.address} in ${a.name}, db ${db.address} in ${b.name}`;
  });
  return cast;
}
