import type { Neutron, PortCreate } from '../openstack/neutron.ts';

/** No port has it: it is none that a UUID's makers give out. */
const NO_ID = '00000000-0000-4000-8000-000000000000';

/** Not even the shape of a network's id: refused before anything is made. */
const NO_PORT: PortCreate = {
  ...{ name: 'kuryr-pulse', network_id: '', fixed_ips: [], device_owner: '', device_id: '', admin_state_up: false },
};

const named = { name: 'kuryr-pulse' };

/**
 * For each kind of request a question that nothing comes of, to see whether access rules let that kind pass: they are judged by
 * method and path, before Neutron looks at anything else. Writes to a port have one of their own (askPairRight).
 */
export const harmless = {
  'GET /extensions': (neutron, signal) => neutron.extensions(signal),
  'GET /networks': (neutron, signal) => neutron.networks(named, signal),
  'GET /subnets': (neutron, signal) => neutron.subnets(named, signal),
  'GET /ports': (neutron, signal) => neutron.ports(named, signal),
  'GET /ports/{id}': (neutron, signal) => neutron.port(NO_ID, signal),
  'POST /ports': (neutron, signal) => neutron.createPort(NO_PORT, signal),
  'DELETE /ports/{id}': (neutron, signal) => neutron.deletePort(NO_ID, signal),
} as const satisfies Record<string, (neutron: Neutron, signal: AbortSignal) => Promise<unknown>>;
