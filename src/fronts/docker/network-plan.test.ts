import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NeutronNics } from '../../nic/neutron-nics.ts';
import { silentLogger } from '../../observe/logger.ts';
import { fakeVm } from './fake-engine.ts';
import { networkPlan } from './network-plan.ts';

const signal = new AbortController().signal;

/** The subnets of the docker command that a request comes to. */
async function subnetsOf(request: { subnets: readonly string[]; ipv6: boolean }): Promise<string[]> {
  const { kernel, neutron } = fakeVm();
  const logger = silentLogger;
  const nics = new NeutronNics({
    ...{ kernel, neutron, ownPorts: async () => undefined, master: undefined, logger, life: signal },
  });
  const { command } = await networkPlan(nics, { name: 'net', options: {}, ...request }, signal);
  return command.filter((_, index) => command[index - 1] === '--subnet');
}

test('plans a network over the IPv4 subnet, and over the IPv6 one where that is asked for', async () => {
  assert.deepEqual(await subnetsOf({ subnets: [], ipv6: false }), ['10.30.0.0/24']);
  assert.deepEqual(await subnetsOf({ subnets: [], ipv6: true }), ['10.30.0.0/24', 'fd30::/64']);
});

test('adds the IPv6 subnet to IPv4 ones that are named, and none twice', async () => {
  const [v4, v6] = ['10.30.0.0/24', 'fd30::/64'];
  assert.deepEqual(await subnetsOf({ subnets: [v4], ipv6: false }), [v4]);
  assert.deepEqual(await subnetsOf({ subnets: [v4], ipv6: true }), [v4, v6]);
  assert.deepEqual(await subnetsOf({ subnets: [v4, v6], ipv6: true }), [v4, v6]);
});
