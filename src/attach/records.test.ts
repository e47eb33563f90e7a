import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryLedger } from '../ledger/memory-ledger.ts';
import { type Holding, Records } from './records.ts';

/** Records as version 0.1.0 has written them: later versions have to read these for ever. */
const written = {
  holding: {
    ...{ name: 'kuryr-1', vmPort: 'p1', subnetId: 's1', group: 'pool', purpose: 'container', since: 7, ending: false },
    wanted: '10.0.0.5',
    reservation: {
      ...{ portId: 'r1', name: 'kuryr-1', address: '10.0.0.5', family: 4, prefix: 24 },
      ...{ mac: 'fa:16:3e:00:00:05', subnetId: 's1' },
    },
    pair: { address: '10.0.0.5' },
    attachment: 'a1',
  },
  attachment: {
    ...{ id: 'a1', network: 'n1', vmPort: 'p1', mtu: 1442, mac: 'fa:16:3e:00:00:01', holdings: ['kuryr-1'] },
    spec: { kind: 'ipvlan', mode: 'l2', flag: 'bridge' },
    link: { name: 'kykpjk01', ifindex: 1258291201, master: 2, boot: 'b' },
    ...{ gateways: { 4: '10.0.0.1' }, sandbox: '/run/docker/netns/x', notes: [], since: 7, ending: false },
  },
};

test('reads what version 0.1.0 wrote', async () => {
  const ledger = memoryLedger();
  await ledger.write({ 'address/kuryr-1': written.holding, 'attachment/a1': written.attachment });
  const records = new Records(ledger);
  assert.deepEqual(records.holdings(), [written.holding]);
  assert.deepEqual(records.attachments(), [written.attachment]);
});

test('keeps fields of a newer Kuryr in the records that it changes, for the way up again', async () => {
  const ledger = memoryLedger();
  const newer = { ...written.holding, lease: { ends: 9 }, pair: { address: '10.0.0.5', weight: 1 } };
  await ledger.write({ 'address/kuryr-1': newer });
  const records = new Records(ledger);
  await records.save({ holdings: records.holdings().map(holding => ({ ...holding, ending: true })) });
  assert.deepEqual(ledger.get('address/kuryr-1'), { ...newer, ending: true });
});

test('owns a pair only on the port, with the text and with the MAC that were recorded', async () => {
  const records = new Records(memoryLedger());
  const holding: Holding = {
    ...{ name: 'kuryr-1', vmPort: 'p1', subnetId: 's1', group: 'pool', purpose: 'container' },
    ...{ pair: { address: '10.0.0.5', mac: 'fa:16:3e:00:00:05' }, since: 0, ending: false },
  };
  await records.save({ holdings: [holding] });
  assert.ok(records.owns('p1', { address: '10.0.0.5', mac: 'fa:16:3e:00:00:05' }));
  assert.ok(!records.owns('p2', { address: '10.0.0.5', mac: 'fa:16:3e:00:00:05' }));
  assert.ok(!records.owns('p1', { address: '10.0.0.5' }));
  assert.ok(!records.owns('p1', { address: '10.0.0.5/32', mac: 'fa:16:3e:00:00:05' }));
  await records.save({ forgetHoldings: ['kuryr-1'] });
  assert.ok(!records.owns('p1', { address: '10.0.0.5', mac: 'fa:16:3e:00:00:05' }));
});

test('reads the list of addresses once for all pairs of a port, as long as the ledger gives the same list', () => {
  let read = 0;
  const list = new Proxy([], {
    get(target, key) {
      if (key === 'map') read++;
      return Reflect.get(target, key);
    },
  });
  const records = new Records({ ...memoryLedger(), entries: () => list });
  for (let n = 0; n < 1000; n++) assert.ok(!records.owns('p1', { address: `10.0.0.${n}` }));
  assert.equal(read, 1);
});
