import ipaddr from 'ipaddr.js';
import { eui64, nthAddress, usableSize } from './fake-addresses.ts';
import type { AddressPair, Filter, Network, Neutron, Port, PortCreate, Subnet } from './neutron.ts';
import { refusalError } from './refusal.ts';

/** A call that reached the fake, in order of arrival. */
export interface FakeCall {
  readonly method: keyof Neutron;
  readonly args: readonly unknown[];
}

/** Runs before or after a call's effect; may throw in its place, wait, or write as another client would. */
export type FakeHook = (call: FakeCall) => void | Promise<void>;

/** A port with what Kuryr writes but never reads. */
export interface FakePort extends Port {
  readonly admin_state_up: boolean;
  readonly tags: readonly string[];
}

const FILTERS = [
  'id',
  'name',
  'network_id',
  'project_id',
  'mac_address',
  'device_owner',
  'device_id',
  'cidr',
  'ip_version',
];
const UPDATABLE = [
  ...['name', 'description', 'device_owner', 'device_id', 'admin_state_up', 'security_groups'],
  ...['allowed_address_pairs', 'port_security_enabled'],
];

/** Neutron in memory, with the refusals and races that were seen on real ones. Every answer is a copy. */
export class FakeNeutron implements Neutron {
  /** Every call, also those that a hook failed. */
  readonly calls: FakeCall[] = [];
  /** max_allowed_address_pair. */
  pairLimit = 10;
  /** Ports that may exist. */
  portQuota = Number.POSITIVE_INFINITY;
  /** Writes of pairs at the same moment all succeed, whatever their If-Match, and end as the union (Neutron to 2025.1). */
  mergeRaces = false;
  /** Neutron ≥ 28.0.1 on OVN: a pair's MAC that is not the port's is refused. */
  refuseForeignMacs = false;
  aliases = new Set([
    ...['allowed-address-pairs', 'port-security', 'security-group', 'net-mtu', 'standard-attr-revisions'],
    ...['revision-if-match', 'standard-attr-tag', 'filter-validation'],
  ]);
  readonly #networks = new Map<string, Network>();
  readonly #subnets = new Map<string, Subnet>();
  readonly #ports = new Map<string, FakePort>();
  readonly #hooks = { before: new Map<string, FakeHook[]>(), after: new Map<string, FakeHook[]>() };
  #made = 0;

  /** Adds a network; what is left out is made up. */
  addNetwork(fields: Partial<Network> = {}): Network {
    const id = fields.id ?? this.#id();
    const network = { id, name: `net-${id}`, project_id: 'project', mtu: 1450, shared: false, ...fields };
    this.#networks.set(id, network);
    return network;
  }

  /** Adds a subnet; its gateway is the first address unless told. */
  addSubnet(fields: Partial<Subnet> & Pick<Subnet, 'network_id' | 'cidr'>): Subnet {
    const id = fields.id ?? this.#id();
    const subnet: Subnet = {
      ...{ id, name: `subnet-${id}`, ip_version: fields.cidr.includes(':') ? 6 : 4, host_routes: [] },
      ...{ gateway_ip: nthAddress(fields.cidr, 1), ipv6_address_mode: null },
      ...fields,
    };
    this.#subnets.set(id, subnet);
    return subnet;
  }

  /** Adds a port as it stands, a VM's for instance: nothing is checked. An address is taken where none is given. */
  addPort(fields: Partial<FakePort> & Pick<Port, 'network_id'>): FakePort {
    const mac = fields.mac_address ?? `fa:16:3e:00:${hex(this.#made >> 8)}:${hex(this.#made & 255)}`;
    const subnets = this.#subnetsOf(fields.network_id);
    const port: FakePort = {
      ...{ id: this.#id(), name: '', project_id: 'project', device_owner: '', device_id: '', security_groups: [] },
      ...{ allowed_address_pairs: [], port_security_enabled: true, revision_number: 1, admin_state_up: true, tags: [] },
      mac_address: mac,
      fixed_ips: fields.fixed_ips ?? subnets.slice(0, 1).map(subnet => this.#allocate(subnet, undefined, mac)),
      ...fields,
    };
    this.#ports.set(port.id, port);
    return structuredClone(port);
  }

  /** The port as it stands now; not counted as a call. */
  peek(id: string): FakePort | undefined {
    return structuredClone(this.#ports.get(id));
  }

  /** All ports as they stand now; not counted as a call. */
  peekAll(): readonly FakePort[] {
    return structuredClone([...this.#ports.values()]);
  }

  /** Changes a port as another client would: no hooks, no checks, a new revision. */
  meddle(id: string, fields: Partial<FakePort>): void {
    const port = this.#need(id);
    this.#ports.set(id, { ...port, ...fields, revision_number: port.revision_number + 1 });
  }

  /** Runs the hook before each call of that method takes effect; the returned function removes it. */
  before(method: keyof Neutron, hook: FakeHook): () => void {
    return this.#hook('before', method, hook);
  }

  /** Runs the hook after the effect and before the answer: throwing here is an answer that was lost. */
  after(method: keyof Neutron, hook: FakeHook): () => void {
    return this.#hook('after', method, hook);
  }

  extensions(signal: AbortSignal): Promise<ReadonlySet<string>> {
    return this.#call('extensions', [], signal, () => new Set(this.aliases));
  }

  port(id: string, signal: AbortSignal): Promise<Port> {
    return this.#call('port', [id], signal, () => this.#need(id));
  }

  ports(filter: Filter, signal: AbortSignal): Promise<readonly Port[]> {
    return this.#call('ports', [filter], signal, () => pick('ports', [...this.#ports.values()], filter));
  }

  networks(filter: Filter, signal: AbortSignal): Promise<readonly Network[]> {
    return this.#call('networks', [filter], signal, () => pick('networks', [...this.#networks.values()], filter));
  }

  subnets(filter: Filter, signal: AbortSignal): Promise<readonly Subnet[]> {
    return this.#call('subnets', [filter], signal, () => pick('subnets', [...this.#subnets.values()], filter));
  }

  createPort(body: PortCreate, signal: AbortSignal): Promise<Port> {
    return this.#call('createPort', [body], signal, () => this.#create(body));
  }

  updatePort(id: string, fields: Readonly<Record<string, unknown>>, revision: number | undefined, signal: AbortSignal) {
    const seen = this.#ports.get(id);
    return this.#call('updatePort', [id, fields, revision], signal, () => this.#update(id, fields, revision, seen));
  }

  deletePort(id: string, signal: AbortSignal): Promise<void> {
    return this.#call('deletePort', [id], signal, () => void this.#ports.delete(id));
  }

  async #call<T>(method: keyof Neutron, args: readonly unknown[], signal: AbortSignal, act: () => T): Promise<T> {
    signal.throwIfAborted();
    const call: FakeCall = structuredClone({ method, args });
    this.calls.push(call);
    await Promise.resolve();
    for (const hook of this.#hooks.before.get(method) ?? []) await hook(call);
    signal.throwIfAborted();
    const answer = structuredClone(act());
    for (const hook of this.#hooks.after.get(method) ?? []) await hook(call);
    return answer;
  }

  #hook(when: 'before' | 'after', method: keyof Neutron, hook: FakeHook): () => void {
    const hooks = this.#hooks[when];
    hooks.set(method, [...(hooks.get(method) ?? []), hook]);
    return () =>
      void hooks.set(
        method,
        (hooks.get(method) ?? []).filter(other => other !== hook),
      );
  }

  #create(body: PortCreate): Port {
    const refusal = (status: number, type: string, message?: string) => refuse('POST', '/ports', status, type, message);
    const subnets = this.#subnetsOf(body.network_id);
    if (!this.#networks.has(body.network_id)) refusal(404, 'NetworkNotFound');
    if (this.#ports.size >= this.portQuota) refusal(409, 'OverQuota', "Quota exceeded for resources: ['port'].");
    const { fixed_ips: wanted, tags = [], port_security_enabled: secure = true, ...rest } = body;
    if (!secure && (body.security_groups?.length ?? 0) > 0) refusal(400, 'PortSecurityAndIPRequiredForSecurityGroups');
    const mac = `fa:16:3e:00:${hex(this.#made >> 8)}:${hex(this.#made & 255)}`;
    const asked = wanted.length > 0 ? wanted : subnets.slice(0, 1).map(({ id }) => ({ subnet_id: id }));
    // A port that asks for anything but an automatic subnet alone gets an address of each automatic one besides.
    const implicit = asked.every(({ subnet_id }) => isAutomatic(this.#subnets.get(subnet_id)))
      ? []
      : subnets.filter(subnet => isAutomatic(subnet) && !asked.some(({ subnet_id }) => subnet_id === subnet.id));
    const fixedIps = [...asked, ...implicit.map(({ id }) => ({ subnet_id: id, ip_address: undefined }))].map(entry => {
      const subnet = this.#subnets.get(entry.subnet_id) ?? refusal(404, 'SubnetNotFound');
      return this.#allocate(subnet, 'ip_address' in entry ? entry.ip_address : undefined, mac);
    });
    const { id } = this.addPort({
      ...{ ...rest, mac_address: mac, fixed_ips: fixedIps, port_security_enabled: secure },
      security_groups: body.security_groups ?? (secure ? ['default'] : []),
      tags: this.aliases.has('tag-ports-during-bulk-creation') ? tags : [],
    });
    return this.#need(id);
  }

  #update(
    id: string,
    fields: Readonly<Record<string, unknown>>,
    revision: number | undefined,
    seen: FakePort | undefined,
  ) {
    const refusal = (status: number, type: string, message?: string) =>
      refuse('PUT', `/ports/${id}`, status, type, message);
    const unknown = Object.keys(fields).filter(name => !UPDATABLE.includes(name));
    if (unknown.length > 0) refusal(400, 'HTTPBadRequest', `Unrecognized attribute(s) '${unknown.join(', ')}'`);
    const asked = fields['allowed_address_pairs'] as readonly AddressPair[] | undefined;
    if (asked !== undefined) this.#judge(asked, refusal);
    const port = this.#need(id);
    const pairs = asked?.map(pair => ({ mac_address: port.mac_address, ...pair }));
    const next: FakePort = { ...port, ...fields, ...(pairs === undefined ? {} : { allowed_address_pairs: pairs }) };
    if (JSON.stringify(next) === JSON.stringify(port)) return port;
    const judged = this.mergeRaces && pairs !== undefined ? (seen ?? port) : port;
    if (revision !== undefined && revision !== judged.revision_number) {
      const message = `Constrained to ${revision}, but current revision is ${judged.revision_number}`;
      refusal(412, 'RevisionNumberConstraintFailed', message);
    }
    if (!next.port_security_enabled) {
      if (next.allowed_address_pairs.length > 0) refusal(409, 'AddressPairAndPortSecurityRequired');
      if (next.security_groups.length > 0) refusal(409, 'PortSecurityPortHasSecurityGroup');
    }
    if (this.refuseForeignMacs && next.allowed_address_pairs.some(pair => pair.mac_address !== port.mac_address)) {
      refusal(400, 'InvalidVirtualMACAddress');
    }
    const raced = judged.revision_number !== port.revision_number;
    const merged = raced && pairs !== undefined ? union(port.allowed_address_pairs, pairs) : next.allowed_address_pairs;
    // The answer's number lags behind what the next GET shows, as Neutron's does after some changes.
    this.#ports.set(id, { ...next, allowed_address_pairs: merged, revision_number: port.revision_number + 2 });
    return { ...next, revision_number: port.revision_number + 1 };
  }

  /** What Neutron checks of a list before it looks at policy, port or revision. */
  #judge(pairs: readonly AddressPair[], refusal: (status: number, type: string, message?: string) => never): void {
    if (pairs.length > this.pairLimit) {
      const message = `The number of allowed address pair exceeds the maximum ${this.pairLimit}.`;
      refusal(400, 'AllowedAddressPairExhausted', message);
    }
    if (pairs.some(pair => pair.ip_address === undefined)) refusal(400, 'AllowedAddressPairsMissingIP');
    if (union(pairs, []).length < pairs.length) refusal(400, 'DuplicateAddressPairInRequest');
  }

  #allocate(subnet: Subnet, wanted: string | undefined, mac: string) {
    const refusal = (status: number, type: string, message: string) => refuse('POST', '/ports', status, type, message);
    const of = (address: string) => ({ subnet_id: subnet.id, ip_address: address });
    const taken = new Set(
      [...this.#ports.values()].flatMap(port => port.fixed_ips.map(ip => ip.ip_address + ip.subnet_id)),
    );
    if (wanted === undefined) {
      if (isAutomatic(subnet)) return of(eui64(subnet.cidr, mac));
      for (let n = 2; n < usableSize(subnet.cidr); n++) {
        const address = nthAddress(subnet.cidr, n);
        if (address !== subnet.gateway_ip && !taken.has(address + subnet.id)) return of(address);
      }
      return refusal(
        409,
        'IpAddressGenerationFailure',
        `No more IP addresses available on network ${subnet.network_id}.`,
      );
    }
    const address = ipaddr.parse(wanted).toString();
    const where = `port on subnet ${subnet.id} as the subnet is configured for automatic addresses`;
    if (isAutomatic(subnet)) {
      refusal(
        400,
        'AllocationOnAutoAddressSubnet',
        `IPv6 address ${address} can not be directly assigned to a ${where}`,
      );
    }
    if (!ipaddr.parse(address).match(ipaddr.parseCIDR(subnet.cidr) as [ipaddr.IPv4, number])) {
      refusal(400, 'InvalidIpForSubnet', `IP address ${address} is not a valid IP for the specified subnet.`);
    }
    if (taken.has(address + subnet.id)) {
      const message = `IP address ${address} already allocated in subnet ${subnet.id}`;
      refusal(409, 'IpAddressAlreadyAllocated', message);
    }
    return of(address);
  }

  #need(id: string): FakePort {
    return this.#ports.get(id) ?? refuse('GET', `/ports/${id}`, 404, 'PortNotFound', `Port ${id} could not be found.`);
  }

  #subnetsOf(networkId: string): readonly Subnet[] {
    return [...this.#subnets.values()].filter(subnet => subnet.network_id === networkId);
  }

  #id(): string {
    return `10000000-0000-4000-8000-${(++this.#made).toString(16).padStart(12, '0')}`;
  }
}

function refuse(method: string, path: string, status: number, type: string, message = type): never {
  throw refusalError({ method, path, status, type, message, requestId: 'req-fake' });
}

function pick<T extends object>(kind: string, all: readonly T[], filter: Filter): readonly T[] {
  const entries = Object.entries(filter).map(([key, value]) => [key, [value].flat()] as const);
  const unknown = entries.filter(([key]) => key !== 'fixed_ips' && !FILTERS.includes(key)).map(([key]) => `'${key}'`);
  if (unknown.length > 0) {
    refuse('GET', `/${kind}`, 400, 'HTTPBadRequest', `[${unknown.join(', ')}] is invalid attribute for filtering`);
  }
  return all.filter(one =>
    entries.every(([key, values]) => {
      if (key !== 'fixed_ips') return values.includes(String(Reflect.get(one, key)));
      const wanted = Map.groupBy(values, value => value.split('=')[0] ?? '');
      const ips = Reflect.get(one, 'fixed_ips') as Port['fixed_ips'];
      return ips.some(ip => [...wanted].every(([name, texts]) => texts.includes(`${name}=${Reflect.get(ip, name)}`)));
    }),
  );
}

function union(first: readonly AddressPair[], second: readonly AddressPair[]): readonly AddressPair[] {
  return [...new Map([...first, ...second].map(pair => [`${pair.mac_address} ${pair.ip_address}`, pair])).values()];
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
const isAutomatic = (subnet: Subnet | undefined): boolean =>
  subnet?.ipv6_address_mode === 'slaac' || subnet?.ipv6_address_mode === 'dhcpv6-stateless';
