import { contains } from '../../address/address.ts';
import { isKuryrError } from '../../errors/kuryr-error.ts';
import type { Reached } from '../../reach/reach.ts';
import { defineCheck } from '../check.ts';

/** As long as an attach waits at most: who has not answered then is of no use. */
const WITHIN_MS = 3_000;

export const gatewayCheck = defineCheck({
  id: 'gateway',
  title: 'the gateway',
  states: {
    answers: { state: 'ok', text: "The gateway {gateway} answers the VM's own address on {master}." },
    neighbour: {
      state: 'ok',
      text: 'The gateway {gateway} does not answer, but {target} does: it tells whether a container is reachable.',
    },
    silent: {
      state: 'warning',
      text: "Neither the gateway {gateway} nor a neighbour answers the VM's own address on {master}: what leaves the subnet is lost, and a container's start does not wait until its frames pass.",
      todo: 'Nothing on an isolated network; else look whether the subnet has a router: openstack router list.',
    },
    none: { state: 'skipped', text: 'The subnet {cidr} has no gateway: containers reach that subnet alone.' },
    'no-address': { state: 'skipped', text: 'Not asked: {master} has no address in {cidr}.' },
    unavailable: {
      state: 'skipped',
      text: 'Not asked: packet sockets need CAP_NET_RAW.',
      todo: 'Run kuryr doctor as root.',
    },
  },
  async examine(on, say, signal) {
    for (const nic of await on.nics()) {
      for (const { cidr, gateway_ip: gateway } of nic.subnets) {
        const details = { master: nic.master.name, cidr, gateway: gateway ?? undefined };
        const address = nic.master.addresses.find(each => contains(cidr, each));
        if (gateway === null) say('none', details);
        else if (address === undefined) say('no-address', details);
        else {
          const target = { nic, address, mac: nic.master.mac, gateway };
          const reached = await on.context.reach.probe(target, WITHIN_MS, signal).catch(unprivileged);
          const evidence = [`${reached.probes} requests as ${address}`];
          if (!reached.reachable) say(reached.reason === 'unavailable' ? 'unavailable' : 'silent', details, evidence);
          else if (reached.target === gateway)
            say('answers', details, [...evidence, `answered after ${Math.round(reached.afterMs)} ms`]);
          else say('neighbour', { ...details, target: reached.target }, evidence);
        }
      }
    }
  },
});

function unprivileged(error: unknown): Reached {
  if (isKuryrError(error, 'NOT_PRIVILEGED')) return { reachable: false, reason: 'unavailable', probes: 0 };
  throw error;
}
