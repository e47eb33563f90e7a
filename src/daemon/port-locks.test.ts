import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { FakeKernel } from '../linux/fake-kernel.ts';
import { pairBench } from '../pairs/pair-bench.ts';
import { PortLocks } from './port-locks.ts';

test('serves a VM port only while no other daemon does', () => {
  const kernel = new FakeKernel();
  const { writers, vm } = pairBench();
  const one = new PortLocks(kernel, '/run/kuryr', writers);
  const other = new PortLocks(kernel, '/run/kuryr', writers);
  assert.equal(one.of(vm.id), one.of(vm.id));
  assert.throws(
    () => other.of(vm.id),
    error => isKuryrError(error, 'VM_PORT_TAKEN'),
  );
  one[Symbol.dispose]();
  assert.equal(other.of(vm.id), writers.of(vm.id));
});
