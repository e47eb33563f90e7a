import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { fakeVm } from '../../src/fronts/docker/fake-engine.ts';
import { inhabited } from '../wire/inhabited.ts';
import type { FakeEdges } from '../wire/rig.ts';

export type Bed = Awaited<ReturnType<typeof livedIn>>;

/** The address of a pair that was on the VM's port before Kuryr. */
export const FOREIGN = '192.0.2.7';
/** How long what is on its way may take on the hasty clock, milliseconds. */
const PATIENCE_MS = 10_000;

/** A daemon that is lived in, over a cloud that would give more addresses than hostile input takes. */
export async function livedIn(edges: (vm: ReturnType<typeof fakeVm>) => FakeEdges | Promise<FakeEdges>) {
  const ends: (() => Promise<void>)[] = [];
  const stage = await inhabited({ after: end => void ends.push(end) }, async vm => {
    vm.neutron.pairLimit = 1000;
    return await edges(vm);
  });
  return {
    ...stage,
    async [Symbol.asyncDispose]() {
      for (const end of ends) await end();
    },
  };
}

/**
 * After all that came, an ordinary container lives and ends, and then everything can be taken away.
 * @param gc what an operator does where the cloud had lied about what it made
 */
export async function assertSound(bed: Bed, gc = async () => {}): Promise<void> {
  await assertOrdinary(bed);
  await assertUndone(bed, gc);
}

/** After all that came, an ordinary container lives and ends on a network of its own. */
export async function assertOrdinary({ rig, engine, world }: Bed): Promise<void> {
  // Networks of hostile input may have links of another kind, beside which none of the ordinary one can stand.
  for (const key of keys(rig.ledger(), 'docker/network/'))
    if (key !== world.network && key !== world.other)
      await engine.ok('NetworkDriver.DeleteNetwork', { NetworkID: key });
  const network = '9'.repeat(64);
  const [pool4 = ''] = await engine.network(network, ['10.30.0.0/24']);
  await engine.runAndRemove({ ...world, network, pool4 });
  assert.ok(rig.pairs().includes(FOREIGN), 'the foreign pair stands');
}

/** All endpoints, networks and pools can be taken away, and then nothing is left but what was never Kuryr's. */
async function assertUndone({ rig, engine, vm }: Bed, gc: () => Promise<void>): Promise<void> {
  const ledger = rig.ledger();
  for (const [key, value] of Object.entries(ledger)) {
    if (!key.startsWith('attachment/')) continue;
    const { id, network } = value as { id: string; network: string };
    await engine.ok('NetworkDriver.DeleteEndpoint', { NetworkID: network, EndpointID: id });
  }
  for (const id of keys(ledger, 'docker/network/')) await engine.ok('NetworkDriver.DeleteNetwork', { NetworkID: id });
  for (const id of keys(ledger, 'docker/pool/')) await engine.ok('IpamDriver.ReleasePool', { PoolID: id });
  const own = () => vm.neutron.peekAll().filter(({ device_id }) => device_id === `kuryr:${vm.port.id}`);
  const recorded = () => Object.values(rig.ledger());
  await until(
    () => recorded().length === 0,
    () => `recorded: ${JSON.stringify(recorded())}`,
  );
  await gc();
  const left = () => [...recorded(), ...own()];
  await until(
    () => left().length === 0,
    () => `left: ${JSON.stringify(left())}`,
  );
  assert.deepEqual(rig.pairs(), [FOREIGN]);
  assert.deepEqual(
    rig.kernel.links('host').filter(({ kind }) => kind === 'ipvlan' || kind === 'macvlan'),
    [],
  );
}

async function until(holds: () => boolean, otherwise: () => string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) assert.fail(otherwise());
    await delay(1);
  }
}

const keys = (ledger: object, prefix: string) =>
  Object.keys(ledger)
    .filter(key => key.startsWith(prefix))
    .map(key => key.slice(prefix.length));
