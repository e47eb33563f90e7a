import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryLedger } from '../ledger/memory-ledger.ts';
import { type Holding, Records } from './records.ts';

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
