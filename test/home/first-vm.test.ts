/** docs/guides/first-vm.md, typed word by word: two clean VMs, a user's own machine, a real OpenStack. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Lab } from '../lab/lab.ts';
import type { Vm } from '../lab/vm.ts';
import { followFirstVm } from './first-vm.ts';

const say = (line: string): void => console.log(line);

suite('the guide to the first VM', () => {
  const ending = new AbortController();
  let lab: Lab;
  let first: Vm;
  let second: Vm;

  before(
    async () => {
      lab = await Lab.up({ backend: 'linuxbridge', engine: 'trixie', say, signal: ending.signal });
      [first, second] = await lab.addVms(
        { name: 'first', host: 'h1', home: {} },
        { name: 'second', host: 'h2', home: {} },
      );
      for (const vm of [first, second]) await vm.ok('docker tag bb busybox', 60);
    },
    { timeout: 1_200_000 },
  );
  after(async () => {
    ending.abort();
    await lab?.down();
  });

  test('ends with three services that are reached from everywhere, in both families', {
    timeout: 900_000,
  }, async () => {
    const printed = await followFirstVm(lab, { first, second }, ending.signal);
    for (const [heading, text] of printed) say(`--- ${heading}\n${text}`);
    const reached = printed.get('7. From everywhere') ?? '';
    const count = (service: string) => reached.split('\n').filter(line => line === `this is ${service}`).length;
    // By the VM in two families, and web by the other VM's container in two; store by its name besides.
    assert.deepEqual({ web: count('web'), app: count('app'), store: count('store') }, { web: 4, app: 2, store: 3 });
    assert.equal(printed.get('6. Three services')?.match(/reachable/g)?.length, 3);
  });
});
