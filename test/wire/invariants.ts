import assert from 'node:assert/strict';
import type { EngineHands } from './engine-hands.ts';
import type { Rig } from './rig.ts';

/** Between two commands: each pair of ours has its reservation, each link its endpoint, and foreign pairs stand. */
export async function assertInvariants(rig: Rig, hands: EngineHands): Promise<void> {
  await rig.settled();
  const foreign = rig.pairs().filter(address => rig.foreign.includes(address));
  assert.deepEqual(foreign, rig.foreign, 'the foreign pair of each port');
  const ours = rig.pairs().filter(address => !rig.foreign.includes(address));
  assert.deepEqual(ours.sort(), attachedAddresses(rig).sort());
  const slaves = ['host' as const, ...rig.kernel.namespaces()]
    .flatMap(netns => rig.kernel.links(netns))
    .filter(({ kind }) => kind === 'ipvlan');
  assert.equal(slaves.length, hands.joined);
}

/** Addresses that a container has, or is about to have; those set aside have no pair. */
function attachedAddresses(rig: Rig): string[] {
  const reserved = new Set(rig.reserved());
  const holdings = rig.holdings();
  for (const { reservation } of holdings) assert.ok(reserved.has(reservation?.address ?? ''), 'held but not reserved');
  assert.equal(holdings.length, reserved.size, 'reserved but not held');
  return holdings.flatMap(({ pair }) => (pair === undefined ? [] : [pair.address]));
}

export function assertNothingLeft(rig: Rig, links: number): void {
  assert.deepEqual(rig.reserved(), []);
  assert.deepEqual(rig.pairs(), rig.foreign);
  assert.equal(rig.kernel.links('host').length, links);
  assert.deepEqual(rig.kernel.namespaces(), []);
  assert.deepEqual(rig.ledger(), {});
}
