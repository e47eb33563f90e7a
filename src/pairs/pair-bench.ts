import { silentLogger } from '../observe/logger.ts';
import { type Observe, silentObserve } from '../observe/observe.ts';
import { FakeNeutron } from '../openstack/fake-neutron.ts';
import type { AddressPair } from '../openstack/neutron.ts';
import { FakeClock } from '../time/fake-clock.ts';
import { fakeRandom } from '../time/random.ts';
import type { Pair } from './pair-writer.ts';
import { PortPairWriters } from './port-pair-writers.ts';

/** A VM port in a Neutron in memory and its writer, for tests of the writer. */
export function pairBench(foreign: readonly AddressPair[] = [], securityOff = false, observe: Observe = silentObserve) {
  const neutron = new FakeNeutron();
  const network = neutron.addNetwork();
  neutron.addSubnet({ network_id: network.id, cidr: '10.0.0.0/24' });
  const vm = neutron.addPort({
    network_id: network.id,
    allowed_address_pairs: foreign,
    port_security_enabled: !securityOff,
  });
  const clock = new FakeClock();
  /** Addresses that the ledger says are ours. */
  const ledger = new Set<string>();
  const ownership = { owns: (portId: string, pair: Pair) => portId === vm.id && ledger.has(pair.address) };
  const writers = new PortPairWriters({
    ...{ neutron, ownership, clock, logger: silentLogger, observe },
    random: fakeRandom([0.1, 0.9, 0.5]),
  });
  const writer = writers.of(vm.id);
  return {
    ...{ neutron, vm, clock, ledger, writers, writer },
    /** Records the pair as ours and adds it. */
    add(address: string, mac?: string, signal = never) {
      ledger.add(address);
      return writer.add({ address, mac }, signal);
    },
    remove: (address: string, mac?: string) => writer.remove({ address, mac }, never),
    /** Lets time pass until the work is done. */
    async done<T>(work: Promise<T>): Promise<T> {
      let open = true;
      const close = () => {
        open = false;
      };
      work.then(close, close);
      while (open) await clock.advance(20);
      return work;
    },
    stored: () => neutron.peek(vm.id)?.allowed_address_pairs ?? [],
    addresses: () => (neutron.peek(vm.id)?.allowed_address_pairs ?? []).map(pair => pair.ip_address),
    /** Calls since the last time, by method. */
    calls: () => neutron.calls.splice(0).map(call => (call.method === 'port' ? 'GET' : 'PUT')),
  };
}

export const never = new AbortController().signal;
