import { type EmbeddedCloud, startCloud } from '../../cloud/index.ts';
import { RESERVATION_OWNER, reservationDevice } from '../ipam/ipam.ts';

/** A port as the cloud shows it. */
export type PortView = ReturnType<EmbeddedCloud['ports']>[number];

/** The network that the demo's VMs are on. */
export const subnet = {
  cidr: '10.40.0.0/24',
  gateway: '10.40.0.1',
  prefix: 24,
  pool: { start: '10.40.0.10', end: '10.40.0.199' },
} as const;
/** What a Neutron network over geneve leaves of 1500. */
export const mtu = 1442;
/** The one who owns the VMs. */
const owner = { user: 'demo', password: 'demopw', project: 'demo' };

/** OpenStack, in memory, and what a tenant of it has: a network and the ports of two VMs. */
export class DemoCloud {
  readonly embedded: EmbeddedCloud;
  readonly #pairless: boolean;
  #token = '';
  #network = '';

  private constructor(embedded: EmbeddedCloud, pairless: boolean) {
    this.embedded = embedded;
    this.#pairless = pairless;
  }

  /**
   * Starts it on an address of this network namespace, with a network in it.
   * @param pairless plants a fault: ports have no pairs, whatever is written
   */
  static async start(host: string, pairless: boolean): Promise<DemoCloud> {
    const cloud = new DemoCloud(await startCloud({ host }), pairless);
    await cloud.#login();
    const { network } = await cloud.call('POST', '/networks', { network: { name: 'lan' } });
    cloud.#network = network.id;
    const wanted = {
      name: 'lan4',
      network_id: network.id,
      ip_version: 4,
      cidr: subnet.cidr,
      gateway_ip: subnet.gateway,
      allocation_pools: [subnet.pool],
    };
    await cloud.call('POST', '/subnets', { subnet: wanted });
    return cloud;
  }

  /** What Nova does for a new VM. */
  async vmPort(name: string): Promise<PortView> {
    const wanted = { network_id: this.#network, name, device_owner: 'compute:nova' };
    const { port } = await this.call('POST', '/ports', { port: wanted });
    return this.port(port.id);
  }

  /** As it stands now. @throws Error where there is none */
  port(id: string): PortView {
    const found = this.embedded.ports().find(port => port.id === id);
    if (found === undefined) throw new Error(`the cloud has no port ${id}`);
    return this.#pairless ? { ...found, allowed_address_pairs: [] } : found;
  }

  /** Kuryr's reservations for a VM port. */
  reservations(vmPort: string): readonly PortView[] {
    const device = reservationDevice(vmPort);
    return this.embedded.ports().filter(port => port.device_owner === RESERVATION_OWNER && port.device_id === device);
  }

  /** One call to Neutron, as the tenant. @throws Error unless it is answered well */
  // biome-ignore lint/suspicious/noExplicitAny: Neutron's JSON is what the caller reads of it
  async call(method: string, path: string, body: object): Promise<Record<string, any>> {
    const headers = { 'content-type': 'application/json', 'x-auth-token': this.#token };
    const url = `${this.embedded.neutronUrl}/v2.0${path}`;
    const answer = await fetch(url, {
      method,
      headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Record<string, { id: string }>;
  }

  async #login(): Promise<void> {
    const domain = { id: 'default' };
    const password = { user: { name: owner.user, domain, password: owner.password } };
    const auth = { identity: { methods: ['password'], password }, scope: { project: { name: owner.project, domain } } };
    const answer = await fetch(`${this.embedded.authUrl}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth }),
      signal: AbortSignal.timeout(10_000),
    });
    this.#token = answer.headers.get('x-subject-token') ?? '';
    if (this.#token === '') throw new Error(`no token: ${answer.status} ${await answer.text()}`);
  }
}
