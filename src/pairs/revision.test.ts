import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairBench } from './pair-bench.ts';

test("takes the revision of the next write from a read, since a write's answer can lag", async () => {
  const bench = pairBench();
  const { neutron, done, add, calls, addresses } = bench;
  const updatePort = neutron.updatePort.bind(neutron);
  const late: FakeUpdate = async (id, fields, revision, signal) => {
    const port = await updatePort(id, fields, revision, signal);
    return { ...port, revision_number: port.revision_number - 1 };
  };
  neutron.updatePort = late;
  await done(add('10.0.0.10'));
  calls();
  await done(add('10.0.0.11'));
  assert.deepEqual(calls(), ['PUT', 'GET'], 'no write was refused as stale');
  assert.deepEqual(addresses(), ['10.0.0.10', '10.0.0.11']);
});

type FakeUpdate = ReturnType<typeof pairBench>['neutron']['updatePort'];
