import * as v from 'valibot';
import { RESERVATION_OWNER } from '../../ipam/ipam.ts';
import { withDeadline } from '../../openstack/deadline.ts';
import { defineCheck } from '../check.ts';
import { reasonOf } from '../errno.ts';

/** The address of the metadata service in every OpenStack. */
const URL = 'http://169.254.169.254/openstack/latest/meta_data.json';
const WITHIN_MS = 5_000;

const answerSchema = v.pipe(v.string(), v.parseJson(), v.object({ uuid: v.string() }));

export const metadataCheck = defineCheck({
  id: 'metadata',
  title: 'the metadata service',
  states: {
    answers: {
      state: 'ok',
      text: 'The metadata service answers this VM: it tells VM ports apart where addresses overlap.',
    },
    silent: {
      state: 'skipped',
      text: 'The metadata service does not answer this VM. It is needed only where several ports have the same address and MAC.',
    },
    odd: {
      state: 'warning',
      text: 'Something at 169.254.169.254 answers, but not as the metadata service does.',
      todo: 'Look at what answers: curl -v {url}. Kuryr works without it; cloud-init may not.',
    },
  },
  async examine({ context }, say, signal) {
    const { clock, plainGet } = context;
    try {
      const got = await withDeadline(clock, WITHIN_MS, signal, deadline => plainGet({ url: URL }, deadline.signal));
      const answer = v.safeParse(answerSchema, got.body);
      if (got.status === 200 && answer.success)
        return say('answers', {}, [`server ${answer.output.uuid.slice(0, 36)}`]);
      return say('odd', { url: URL }, [`status ${got.status}`]);
    } catch (error) {
      if (signal.aborted) throw error;
      return say('silent', {}, [reasonOf(error)]);
    }
  },
});

export const userDataCheck = defineCheck({
  id: 'user-data',
  title: "who gets the VM's user-data",
  states: {
    safe: {
      state: 'ok',
      text: "The metadata service does not know a container's address as this VM's: no port of a permitted address names the server {server}.",
    },
    leak: {
      state: 'failure',
      text: "The port {port} holds the container address {address} and names this VM's server as its device: the metadata service gives the VM's user-data, and any credential in it, to that container.",
      todo: 'Change its device: openstack port set --device kuryr:{vmPort} {port}. If another program made it, mend that program.',
    },
    untold: {
      state: 'skipped',
      text: 'The VM port of {master} names no server, so the metadata service has nothing to give away.',
    },
  },
  async examine(on, say, signal) {
    const { neutron } = await on.cloud();
    for (const nic of await on.nics()) {
      const vm = await on.port(nic);
      if (vm.device_id === '') {
        say('untold', { master: nic.master.name });
        continue;
      }
      const permitted = vm.allowed_address_pairs.map(pair => pair.ip_address);
      const leaks = (await neutron.ports({ device_id: vm.device_id }, signal)).flatMap(port => {
        const isContainers = (address: string) =>
          permitted.includes(address) || port.device_owner === RESERVATION_OWNER;
        const address = port.fixed_ips.map(ip => ip.ip_address).find(isContainers);
        const isVms = port.id === vm.id || port.device_owner.startsWith('compute:');
        return isVms || address === undefined ? [] : [{ port: port.id, address }];
      });
      for (const leak of leaks) say('leak', { ...leak, vmPort: vm.id });
      if (leaks.length === 0)
        say('safe', { server: vm.device_id }, [`${permitted.length} permitted addresses looked at`]);
    }
  },
});
