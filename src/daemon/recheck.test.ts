import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttachmentRecord } from '../attach/records.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Nic } from '../nic/nic.ts';
import { HealthBoard } from '../observe/health-board.ts';
import { silentLogger } from '../observe/logger.ts';
import { silentObserve } from '../observe/observe.ts';
import { CloudHealth } from '../openstack/cloud-health.ts';
import { FakeNeutron } from '../openstack/fake-neutron.ts';
import type { Neutron } from '../openstack/neutron.ts';
import { client } from '../openstack/neutron-bench.ts';
import { refusalError } from '../openstack/refusal.ts';
import { PortPairWriters } from '../pairs/port-pair-writers.ts';
import { FakeClock } from '../time/fake-clock.ts';
import { fakeRandom } from '../time/random.ts';
import { harmless } from './harmless.ts';
import { watchSources } from './health-sources.ts';
import { Recheck } from './recheck.ts';

const HALF_MINUTE = 30_000;
const MINUTES = 60_000;

function bench(cloud?: Neutron) {
  const clock = new FakeClock();
  const fake = new FakeNeutron();
  const network = fake.addNetwork();
  fake.addSubnet({ network_id: network.id, cidr: '10.0.0.0/24' });
  const vm = fake.addPort({ network_id: network.id });
  const health = new HealthBoard(() => clock.now());
  const life = new AbortController().signal;
  const observe = { ...silentObserve, health };
  const writers = new PortPairWriters({
    ...{ neutron: fake, ownership: { owns: () => false }, clock, random: fakeRandom(), logger: silentLogger, observe },
  });
  watchSources(health, {
    ...{ attachments: { unanswered: 0 }, guards: { posts: [] }, flips: { of: () => undefined }, clock, writers },
    hostAccess: { state: { is: 'unused' }, shieldFault: undefined },
  });
  let attached: readonly string[] = [];
  /** What is remembered of the VM's NICs, and what would be found anew. */
  const nics = { remembered: [vm.id], found: [vm.id] };
  const proofs: KuryrError[] = [];
  let proved = 0;
  const recheck = new Recheck({
    ...{ neutron: cloud ?? fake, health, clock, life, pairs: writers, writers, logger: silentLogger },
    ledger: {
      async prove() {
        proved += 1;
        const failure = proofs.shift();
        if (failure !== undefined) throw failure;
        health.clear('LEDGER_UNWRITABLE');
      },
    },
    records: {
      holdings: () => [],
      attachments: () => attached.map(vmPort => ({ vmPort }) as AttachmentRecord),
    },
    nics: {
      all: async () => nics.remembered.map(id => ({ port: { id } }) as Nic),
      forget: () => {
        nics.remembered = nics.found;
      },
    },
  });
  return {
    ...{ clock, neutron: fake, vm, health, writers, recheck, nics, proofs, proved: () => proved },
    attach: (...ports: readonly string[]) => {
      attached = ports;
    },
    codes: () => health.report().problems.map(({ code }) => code),
    calls: () => fake.calls.splice(0).map(({ method }) => method),
    /** As often as the daemon looks in that time. */
    async pass(ms: number) {
      for (let passed = 0; passed < ms; passed += HALF_MINUTE) {
        await clock.advance(HALF_MINUTE);
        await recheck.look(false);
      }
    },
  };
}

const forbidden = () => {
  throw refusalError({ method: 'PUT', path: '/ports/p', status: 403, type: 'PolicyNotAuthorized', message: 'no' });
};

test('asks nobody anything as long as all is well', async () => {
  const { pass, calls, writers, vm, proved } = bench();
  await writers.of(vm.id).refresh(AbortSignal.timeout(1000));
  calls();
  await pass(60 * MINUTES);
  assert.deepEqual([calls(), proved()], [[], 0]);
});

test('looks at all that it was asked for as soon as the cloud is there again', async () => {
  const { health, recheck, clock, calls } = bench();
  health.set('CLOCK_OFF', { reason: '9 s' });
  await clock.advance(6 * MINUTES);
  await recheck.look(false);
  health.set('KEYSTONE_UNREACHABLE', { reason: 'away' });
  calls();
  await recheck.look(true);
  assert.deepEqual(calls(), []);
  health.clear('KEYSTONE_UNREACHABLE');
  await recheck.look(false);
  assert.deepEqual(calls(), ['networks']);
  await recheck.look(false);
  assert.deepEqual(calls(), []);
});

test('tries every half minute whether the ledger can be written again, also with the cloud away', async () => {
  const { health, proofs, proved, pass, codes, calls } = bench();
  health.set('NEUTRON_UNREACHABLE', { reason: 'it answers 503' });
  health.set('LEDGER_UNWRITABLE', { reason: 'ENOSPC' });
  for (let n = 0; n < 30; n++) proofs.push(new KuryrError('LEDGER_UNWRITABLE', { reason: 'ENOSPC' }));
  await pass(15 * MINUTES);
  assert.equal(proved(), 30);
  assert.ok(codes().includes('LEDGER_UNWRITABLE'));
  await pass(HALF_MINUTE);
  assert.deepEqual(codes(), ['NEUTRON_UNREACHABLE']);
  assert.deepEqual(calls(), []);
});

test('drops what is about a port that no NIC and no record names any more, and asks the cloud nothing of it', async () => {
  const { health, neutron, writers, vm, nics, attach, pass, codes, calls } = bench();
  neutron.meddle(vm.id, { allowed_address_pairs: [{ ip_address: '10.0.0.9', mac_address: 'fa:16:3e:00:00:09' }] });
  neutron.pairLimit = 1;
  await writers.of(vm.id).limit(AbortSignal.timeout(1000));
  await writers.of(vm.id).refresh(AbortSignal.timeout(1000));
  const set = () => {
    for (const code of ['VM_PORT_GONE', 'GROUPS_NOT_FOLLOWED'] as const) health.set(code, { subject: vm.id });
  };
  set();
  nics.found = [];
  attach('another');
  calls();
  await pass(5 * MINUTES);
  assert.deepEqual(codes(), []);
  assert.deepEqual(calls(), []);
  set();
  attach(vm.id);
  await pass(HALF_MINUTE);
  assert.deepEqual(
    codes(),
    ['PAIRS_FULL', 'GROUPS_NOT_FOLLOWED'],
    'a container is there, and the port as it turns out',
  );
});

test('a full list that has been given room, by others or the operator, is told full no longer', async () => {
  const pair = (n: number) => ({ ip_address: `10.0.0.${n}`, mac_address: 'fa:16:3e:00:00:09' });
  const mends = [
    (neutron: FakeNeutron) => {
      neutron.pairLimit = 4;
    },
    (neutron: FakeNeutron, id: string) => neutron.meddle(id, { allowed_address_pairs: [pair(7)] }),
  ];
  for (const mend of mends) {
    const { neutron, writers, vm, pass, codes } = bench();
    neutron.pairLimit = 2;
    neutron.meddle(vm.id, { allowed_address_pairs: [pair(7), pair(8)] });
    await writers.of(vm.id).refresh(AbortSignal.timeout(1000));
    await writers.of(vm.id).limit(AbortSignal.timeout(1000));
    await pass(5 * MINUTES);
    assert.deepEqual(codes(), ['PAIRS_FULL']);
    mend(neutron, vm.id);
    await pass(5 * MINUTES);
    assert.deepEqual(codes(), []);
  }
});

test('a VM port is gone until it is read again, or its NIC was replaced', async () => {
  const { health, neutron, vm, nics, attach, pass, codes } = bench();
  const gone = neutron.before('port', () => {
    throw new KuryrError('NEUTRON_NOT_FOUND', { status: 404 });
  });
  health.set('VM_PORT_GONE', { subject: vm.id });
  attach(vm.id);
  await pass(10 * MINUTES);
  assert.deepEqual(codes(), ['VM_PORT_GONE']);
  attach();
  nics.found = ['another'];
  await pass(5 * MINUTES);
  assert.deepEqual(codes(), []);
  assert.deepEqual(nics.remembered, ['another']);
  health.set('VM_PORT_GONE', { subject: vm.id });
  attach(vm.id);
  gone();
  await pass(HALF_MINUTE);
  assert.deepEqual(codes(), []);
});

test('pairs are forbidden until an answer shows that they are not', async () => {
  const { health, neutron, vm, pass, codes } = bench();
  const allow = neutron.before('updatePort', forbidden);
  health.set('PAIRS_FORBIDDEN', { subject: vm.id, reason: 'no' });
  await pass(10 * MINUTES);
  assert.deepEqual(codes(), ['PAIRS_FORBIDDEN']);
  allow();
  await pass(5 * MINUTES);
  assert.deepEqual(codes(), []);
});

test('pairs stay forbidden, and nothing is sent, where the question would be a write', async () => {
  const { health, neutron, vm, pass, codes, calls } = bench();
  neutron.aliases.delete('revision-if-match');
  health.set('PAIRS_FORBIDDEN', { subject: vm.id, reason: 'no' });
  await pass(10 * MINUTES);
  assert.deepEqual(codes(), ['PAIRS_FORBIDDEN']);
  assert.deepEqual(
    calls().filter(method => method === 'updatePort'),
    [],
  );
});

test('what has stood for long is asked for every five minutes only, and at once when somebody has it looked at', async () => {
  const { health, neutron, vm, recheck, pass, calls } = bench();
  neutron.before('updatePort', forbidden);
  health.set('PAIRS_FORBIDDEN', { subject: vm.id, reason: 'no' });
  health.set('CLOCK_OFF', { reason: '90 s' });
  const questions = () => {
    const made = calls();
    return ['updatePort', 'networks'].map(name => made.filter(method => method === name).length);
  };
  await pass(5 * MINUTES - HALF_MINUTE);
  assert.deepEqual(questions(), [9, 9]);
  await pass(60 * MINUTES);
  assert.deepEqual(questions(), [12, 12]);
  await recheck.look(true);
  assert.deepEqual(questions(), [1, 1]);
});

test('asks for each kind of request that was refused one that nothing comes of, until it is not refused', async () => {
  let status = 401;
  const { neutron, network, calls, through, shown } = client(() => ({ status, body: {} }));
  const { health, codes, recheck } = bench(neutron);
  const cloud = new CloudHealth(health, () => 0);
  const kinds = Object.keys(harmless) as (keyof typeof harmless)[];
  const life = new AbortController().signal;
  for (const kind of kinds) await through<unknown>(harmless[kind](neutron, life)).catch(() => undefined);
  const see = () => calls.splice(0).map(call => cloud.see(call));
  see();
  assert.deepEqual(
    health.standing('NEUTRON_UNAUTHORIZED').map(({ subject }) => subject),
    kinds,
  );
  const firsts = new Set<string | undefined>();
  for (let n = 0; n < kinds.length; n++) {
    network.splice(0);
    await through(recheck.look(true));
    assert.equal(network.length, 2, 'one question, once more with another token');
    firsts.add(shown()[0]);
    see();
  }
  assert.equal(firsts.size, kinds.length, 'not always the same');
  assert.equal(codes().length, kinds.length);
  status = 404;
  await through(recheck.look(true));
  see();
  assert.deepEqual(codes(), []);
});

test('knows a harmless question for each kind of request that the daemon makes', async () => {
  const { neutron, calls, through } = client({ status: 404, body: {} });
  const life = new AbortController().signal;
  const body = { ...{ name: 'n', network_id: 'n', device_id: '' }, ...{ device_owner: '', admin_state_up: false } };
  const all = {
    ...{ extensions: () => neutron.extensions(life), port: () => neutron.port('p', life) },
    ...{ ports: () => neutron.ports({}, life), networks: () => neutron.networks({}, life) },
    ...{ subnets: () => neutron.subnets({}, life), deletePort: () => neutron.deletePort('p', life) },
    createPort: () => neutron.createPort({ ...body, fixed_ips: [] }, life),
    // Of these the writer of pairs tells.
    updatePort: () => neutron.updatePort('p', {}, 1, life),
  } satisfies Record<keyof Neutron, () => Promise<unknown>>;
  for (const ask of Object.values(all)) await through<unknown>(ask()).catch(() => undefined);
  const kinds = calls.filter(({ service, method }) => service === 'network' && method !== 'PUT');
  assert.deepEqual(kinds.map(({ method, route }) => `${method} ${route}`).toSorted(), Object.keys(harmless).toSorted());
});
