import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Nic, Nics } from '../nic/nic.ts';
import { HealthBoard } from '../observe/health-board.ts';
import { silentLogger } from '../observe/logger.ts';
import { FakeNeutron } from '../openstack/fake-neutron.ts';
import { FakeClock } from '../time/fake-clock.ts';
import { Pulse } from './pulse.ts';

function bench() {
  const clock = new FakeClock();
  const neutron = new FakeNeutron();
  const health = new HealthBoard(() => clock.now());
  const ending = new AbortController();
  let found: readonly Nic[] = [{} as Nic];
  const find = async () => {
    throw new KuryrError('VM_PORT_UNKNOWN', { master: 'eth0', reason: 'no port has its address' });
  };
  const nics: Nics = { all: async () => found, find, byPort: find, belongs: async () => true, forget() {} };
  /** At what time it had other values looked at, and whether all. */
  const looks: [at: number, all: boolean][] = [];
  const recheck = { look: async (all: boolean) => void looks.push([clock.now(), all]) };
  const pulse = new Pulse({ clock, neutron, health, nics, recheck, logger: silentLogger, life: ending.signal });
  return {
    ...{ clock, neutron, health, looks, pulse, running: pulse.run() },
    find: (next: readonly Nic[]) => {
      found = next;
    },
    end: () => ending.abort(new Error('over')),
  };
}

test('asks nothing of a cloud that is well, every half minute one that was away, until it answers', async () => {
  const { clock, neutron, health, running, end } = bench();
  await clock.advance(1000);
  const first = neutron.calls.length;
  await clock.advance(600_000);
  assert.equal(neutron.calls.length, first);
  health.set('NEUTRON_UNREACHABLE', { reason: 'it answers 503' });
  await clock.advance(90_000);
  assert.deepEqual(
    neutron.calls.slice(first).map(({ method }) => method),
    ['networks', 'networks', 'networks'],
  );
  health.clear('NEUTRON_UNREACHABLE');
  await clock.advance(600_000);
  assert.equal(neutron.calls.length, first + 3);
  end();
  await running;
});

test('tells that no NIC is known, and notices when one is', async () => {
  const { clock, health, running, find, end } = bench();
  const other = bench();
  await clock.advance(1000);
  assert.equal(health.report().status, 'ok');
  other.find([]);
  other.health.set('NIC_UNKNOWN', { reason: 'of before' });
  await other.clock.advance(31_000);
  assert.match(other.health.report().problems[0]?.text ?? '', /no port has its address/);
  other.find([{} as Nic]);
  await other.clock.advance(31_000);
  assert.equal(other.health.report().status, 'ok');
  find([]);
  for (const each of [end, other.end]) each();
  await Promise.all([running, other.running]);
});

test('has what else is set looked at every half minute, and all of it at once when it is told to', async () => {
  const { clock, neutron, looks, pulse, running, end } = bench();
  const start = clock.now();
  await clock.advance(70_000);
  neutron.calls.splice(0);
  pulse.soon();
  await clock.advance(0);
  assert.deepEqual(
    neutron.calls.map(({ method }) => method),
    ['extensions'],
    'what the first attach would ask',
  );
  await clock.advance(30_000);
  assert.deepEqual(
    looks.map(([at, all]) => [at - start, all]),
    [
      [30_000, false],
      [60_000, false],
      [70_000, true],
      [100_000, false],
    ],
  );
  end();
  await running;
});

test('is told to look while it looks, and does so once more', async () => {
  const { clock, neutron, health, looks, pulse, running, end } = bench();
  await clock.advance(1000);
  const answered = neutron.before('networks', () => {
    answered();
    pulse.soon();
  });
  health.set('NEUTRON_UNREACHABLE', { reason: 'it answers 503' });
  await clock.advance(29_000);
  assert.deepEqual(
    looks.map(([, all]) => all),
    [false, true],
  );
  end();
  await running;
});

test('a VM whose port has gone, and has no other NIC, is one without a NIC', async () => {
  const { clock, health, find, running, end } = bench();
  await clock.advance(1000);
  health.set('VM_PORT_GONE', { subject: 'p1' });
  find([]);
  await clock.advance(30_000);
  health.clear('VM_PORT_GONE', 'p1');
  assert.equal(health.report().problems[0]?.code, 'NIC_UNKNOWN');
  end();
  await running;
});
