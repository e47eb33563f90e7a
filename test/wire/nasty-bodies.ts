import { anyJson, type Kind, notJson, Raw, type Value, wrong } from './nasty-values.ts';

/** What stands when the nasty bodies come: one VM, one container that runs, one address that nobody has named yet. */
export interface World {
  readonly network: string;
  /** Another Docker network on the same subnets. */
  readonly other: string;
  readonly pool4: string;
  readonly pool6: string;
  readonly otherPool: string;
  /** A pool of which no network was made yet. */
  readonly freePool: string;
  readonly endpoint: string;
  readonly cidr4: string;
  readonly cidr6: string;
  /** Held for `network`, and named by nobody. */
  readonly provisional: string;
}

/** A request that no engine sends. */
export interface Nasty {
  readonly what: string;
  readonly body: (world: World) => unknown;
  /** The code of the refusal; undefined where the request is answered well, and does nothing. */
  readonly code: string | undefined;
}

interface Verb {
  /** A body that would be answered well. */
  readonly good: (world: World) => object;
  /** Fields by their path, such as `Interface.Address`. */
  readonly fields: Readonly<Record<string, Kind>>;
  /** Fields that may not be missing. */
  readonly required: readonly string[];
  /** Bodies that are well formed, and still mean what cannot be. */
  readonly meanings?: readonly Nasty[];
}

const INVALID = 'DOCKER_BODY_INVALID';
const fresh = 'f'.repeat(64);
const sandbox = '/var/run/docker/netns/aaaaaaaaaaaa';
const gateway = { RequestAddressType: 'com.docker.network.gateway' };
const generic = (options: unknown) => ({ 'com.docker.network.generic': options });

const nasty = (what: string, body: Nasty['body'], code?: string): Nasty => ({ what, body, code });

const pool = (what: string, change: object, code: string) =>
  nasty(
    what,
    () => ({ AddressSpace: 'kuryr', Pool: '10.30.0.0/24', SubPool: '', Options: {}, V6: false, ...change }),
    code,
  );
const ask = (Address: string, code: string, Options: object | null = null) =>
  nasty(
    `${Address}${Options === null ? '' : ' as the gateway'}`,
    world => ({ PoolID: world.pool4, Address, Options }),
    code,
  );
const net = (what: string, options: unknown, code: string) =>
  nasty(what, () => ({ NetworkID: fresh, Options: options, IPv4Data: [{ Pool: '10.30.0.0/24' }], IPv6Data: [] }), code);
const netOf = (what: string, IPv4Data: readonly object[]) =>
  nasty(what, () => ({ NetworkID: fresh, Options: {}, IPv4Data, IPv6Data: [] }), 'DOCKER_IPAM_MISSING');
const at = (Address: string, code = 'DOCKER_ADDRESS_UNKNOWN') =>
  nasty(
    `an endpoint at ${Address || 'no address'}`,
    ({ network }) => ({ NetworkID: network, EndpointID: fresh, Interface: { Address }, Options: {} }),
    code,
  );
const portmap = (what: string, ports: unknown) =>
  nasty(
    `a port map ${what}`,
    ({ network, provisional }) => ({
      ...{ NetworkID: network, EndpointID: fresh, Interface: { Address: provisional } },
      Options: { 'com.docker.network.portmap': ports },
    }),
    INVALID,
  );

const endpointFields = { NetworkID: 'id', EndpointID: 'id' } as const;
const endpointOf = ({ network, endpoint }: World) => ({ NetworkID: network, EndpointID: endpoint });
const unknownEndpoint = [
  nasty('an endpoint that was never made', ({ network }) => ({ NetworkID: network, EndpointID: fresh })),
  nasty('an endpoint called constructor', ({ network }) => ({ NetworkID: network, EndpointID: 'constructor' })),
  nasty('an endpoint of a network that was never made', () => ({ NetworkID: fresh, EndpointID: fresh })),
];
const toldOnly: Verb = {
  good: world => ({ ...endpointOf(world), Options: {} }),
  fields: endpointFields,
  required: ['NetworkID', 'EndpointID'],
  meanings: unknownEndpoint,
};

/** The verbs that read their body. */
const verbs: Readonly<Record<string, Verb>> = {
  'NetworkDriver.AllocateNetwork': {
    good: () => ({ NetworkID: fresh, Options: { a: 'b' }, IPv4Data: [], IPv6Data: [] }),
    fields: { Options: 'object', 'Options.a': 'text' },
    required: [],
    meanings: [
      nasty(
        'ten thousand levels',
        () => new Raw(`{"Options":{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}}`),
        INVALID,
      ),
      nasty('no options', () => ({})),
    ],
  },
  'NetworkDriver.CreateNetwork': {
    good: () => ({
      ...{ NetworkID: fresh, IPv4Data: [{ Pool: '10.30.0.0/24', Gateway: '10.30.0.1/24' }], IPv6Data: [] },
      Options: { ...generic({}), 'com.docker.network.internal': false },
    }),
    fields: {
      ...{ NetworkID: 'id', Options: 'object', IPv4Data: 'list', IPv6Data: 'list', 'IPv4Data.0.Pool': 'cidr' },
      ...{ 'IPv4Data.0.Gateway': 'cidr', 'Options.com~docker~network~generic': 'object' },
      'Options.com~docker~network~internal': 'boolean',
    },
    required: ['NetworkID'],
    meanings: [
      nasty('a network that stands, with other options', ({ network }) => ({
        ...{ NetworkID: network, Options: generic({ ipvlan_mode: 'l3' }), IPv4Data: [], IPv6Data: [] },
      })),
      netOf('no pool', []),
      netOf('all addresses', [{ Pool: '0.0.0.0/0' }]),
      netOf("the pool of Docker's own IPAM driver", [{ AddressSpace: 'LocalDefault', Pool: '172.17.0.0/16' }]),
      netOf('a part of the pool', [{ Pool: '10.30.0.0/25' }]),
      netOf('one pool twice', [{ Pool: '10.30.0.0/24' }, { Pool: '10.30.0.0/24' }]),
      netOf('an IPv4-mapped range', [{ Pool: '::ffff:10.30.0.0/120' }]),
      netOf('multicast', [{ Pool: '224.0.0.0/4' }]),
      net('an option that nobody knows', generic({ ipvlan_mod: 'l2' }), 'DOCKER_OPTION_UNKNOWN'),
      net('an option called constructor', generic({ constructor: 'a' }), 'DOCKER_OPTION_UNKNOWN'),
      nasty(
        'an option called __proto__',
        () =>
          new Raw(
            `{"NetworkID":"${fresh}","Options":{"com.docker.network.generic":{"__proto__":"a"}},"IPv4Data":[{"Pool":"10.30.0.0/24"}]}`,
          ),
        'DOCKER_OPTION_UNKNOWN',
      ),
      net('an option that is a number', generic({ parent: 7 }), INVALID),
      net('a parent that is not there', generic({ parent: '../eth0' }), 'DOCKER_OPTION_TWIN'),
      net('another network', generic({ 'neutron.net.uuid': "' OR 1=1" }), 'DOCKER_OPTION_TWIN'),
      net('ipvlan l3', generic({ ipvlan_mode: 'l3' }), 'LINK_MODE_UNSUPPORTED'),
      net('a mode called constructor', generic({ ipvlan_mode: 'constructor' }), 'LINK_MODE_UNSUPPORTED'),
      net('macvlan beside ipvlan', generic({ macvlan_mode: 'bridge' }), 'MODE_CLASH'),
      ...['-1', '0', '67', '65536', '1e9', 'NaN', 'Infinity', '1500.5', 'a', '\u0661\u0665\u0660\u0660'].map(mtu =>
        net(`an MTU of ${mtu}`, generic({ 'com.docker.network.driver.mtu': mtu }), INVALID),
      ),
      net('an MTU that is a number', generic({ 'com.docker.network.driver.mtu': 1500 }), INVALID),
    ],
  },
  'NetworkDriver.DeleteNetwork': {
    good: ({ network }) => ({ NetworkID: network }),
    fields: { NetworkID: 'id' },
    required: ['NetworkID'],
    meanings: [
      nasty('a network that was never made', () => ({ NetworkID: fresh })),
      nasty('a network called constructor', () => ({ NetworkID: 'constructor' })),
    ],
  },
  'NetworkDriver.CreateEndpoint': {
    good: ({ network, provisional }) => ({
      ...{ NetworkID: network, EndpointID: fresh, Options: {} },
      Interface: { Address: provisional, AddressIPv6: '', MacAddress: '' },
    }),
    fields: {
      ...{ ...endpointFields, Interface: 'object', Options: 'object', 'Interface.Address': 'cidr4' },
      ...{ 'Interface.AddressIPv6': 'cidr6', 'Interface.MacAddress': 'mac' },
    },
    required: ['NetworkID', 'EndpointID'],
    meanings: [
      at('', 'ATTACHMENT_WITHOUT_ADDRESS'),
      ...['10.31.0.5/24', '10.30.0.0/24', '10.30.0.255/24', '10.30.0.1/24', '10.30.0.11/24', '224.0.0.1/4'].map(cidr =>
        at(cidr),
      ),
      nasty(
        'an address that another endpoint has',
        ({ network, cidr4 }) => ({ NetworkID: network, EndpointID: fresh, Interface: { Address: cidr4 }, Options: {} }),
        'DOCKER_ADDRESS_UNKNOWN',
      ),
      nasty(
        'an address that is held for another network',
        ({ other, provisional }) => ({ NetworkID: other, EndpointID: fresh, Interface: { Address: provisional } }),
        'DOCKER_ADDRESS_UNKNOWN',
      ),
      nasty(
        'a network that was never made',
        ({ provisional }) => ({ NetworkID: fresh, EndpointID: fresh, Interface: { Address: provisional } }),
        'DOCKER_NETWORK_UNKNOWN',
      ),
      nasty(
        'a MAC address',
        ({ network, provisional }) => ({
          ...{ NetworkID: network, EndpointID: fresh },
          Interface: { Address: provisional, MacAddress: '02:42:0a:33:00:4d' },
        }),
        'DOCKER_MAC_CHOSEN',
      ),
      nasty(
        'a MAC address for an endpoint that runs',
        world => ({
          ...endpointOf(world),
          Interface: { Address: world.cidr4, AddressIPv6: world.cidr6, MacAddress: '02:42:0a:33:00:4d' },
        }),
        'DOCKER_MAC_CHOSEN',
      ),
      nasty(
        'an endpoint that runs, with another address',
        world => ({ ...endpointOf(world), Interface: { Address: world.provisional } }),
        'DOCKER_ENDPOINT_DIFFERS',
      ),
      nasty('an endpoint that runs, without an address', endpointOf, 'DOCKER_ENDPOINT_DIFFERS'),
      nasty(
        'an endpoint that runs, of another network',
        ({ other, endpoint, cidr4, cidr6 }) => ({
          ...{ NetworkID: other, EndpointID: endpoint, Interface: { Address: cidr4, AddressIPv6: cidr6 } },
        }),
        'DOCKER_ENDPOINT_DIFFERS',
      ),
      portmap('that is a text', 'a'),
      portmap('of numbers', [7]),
      portmap('of empty entries', [{}]),
      portmap('with a protocol in words', [{ Proto: 'tcp', Port: 80, HostPort: 8080 }]),
      portmap('with a negative port', [{ Proto: 6, Port: 80, HostPort: -1 }]),
      portmap('with port 65536', [{ Proto: 6, Port: 65_536, HostPort: 1 }]),
      portmap('with half a port', [{ Proto: 6, Port: 80.5, HostPort: 1 }]),
    ],
  },
  'NetworkDriver.Join': {
    good: world => ({ ...endpointOf(world), SandboxKey: sandbox, Options: {} }),
    fields: { ...endpointFields, SandboxKey: 'sandbox', Options: 'object' },
    required: ['NetworkID', 'EndpointID', 'SandboxKey'],
    meanings: [
      nasty(
        'an endpoint that was never made',
        ({ network }) => ({ NetworkID: network, EndpointID: fresh, SandboxKey: sandbox }),
        'ATTACHMENT_UNKNOWN',
      ),
      nasty(
        'a network that was never made',
        ({ endpoint }) => ({ NetworkID: fresh, EndpointID: endpoint, SandboxKey: sandbox }),
        'DOCKER_NETWORK_UNKNOWN',
      ),
      nasty(
        'an endpoint of another network',
        ({ other, endpoint }) => ({ NetworkID: other, EndpointID: endpoint, SandboxKey: sandbox }),
        'DOCKER_ENDPOINT_DIFFERS',
      ),
    ],
  },
  'NetworkDriver.DeleteEndpoint': {
    ...toldOnly,
    meanings: [
      ...unknownEndpoint,
      nasty(
        'an endpoint of another network',
        ({ other, endpoint }) => ({ NetworkID: other, EndpointID: endpoint }),
        'DOCKER_ENDPOINT_DIFFERS',
      ),
      nasty(
        'an endpoint that runs, of a network that was never made',
        ({ endpoint }) => ({ NetworkID: fresh, EndpointID: endpoint }),
        'DOCKER_ENDPOINT_DIFFERS',
      ),
    ],
  },
  'NetworkDriver.EndpointOperInfo': toldOnly,
  'NetworkDriver.Leave': toldOnly,
  'NetworkDriver.ProgramExternalConnectivity': toldOnly,
  'NetworkDriver.RevokeExternalConnectivity': toldOnly,
  'IpamDriver.RequestPool': {
    good: () => ({ AddressSpace: 'kuryr', Pool: '10.30.0.0/24', SubPool: '', Options: {}, V6: false }),
    fields: { AddressSpace: 'text', Pool: 'cidr', SubPool: 'cidr', Options: 'object', V6: 'boolean' },
    required: [],
    meanings: [
      pool('a part of the subnet', { SubPool: '10.30.0.128/25' }, 'DOCKER_RANGE_UNSUPPORTED'),
      pool('a range without a pool', { Pool: '', SubPool: '10.30.0.0/25' }, 'DOCKER_RANGE_UNSUPPORTED'),
      ...[
        '10.99.0.0/24',
        '0.0.0.0/0',
        '::/0',
        '10.30.0.0/25',
        '10.30.0.0/16',
        '::ffff:10.30.0.0/120',
        '224.0.0.0/4',
      ].map(range => pool(`the range ${range}`, { Pool: range }, 'SUBNET_UNKNOWN')),
      pool('an IPv4 range as IPv6', { V6: true }, 'SUBNET_UNKNOWN'),
      pool('an option that nobody knows', { Options: { a: 'b' } }, 'DOCKER_OPTION_UNKNOWN'),
      pool('an option called constructor', { Options: { constructor: 'b' } }, 'DOCKER_OPTION_UNKNOWN'),
      nasty(
        'an option called __proto__',
        () => new Raw('{"Pool":"10.30.0.0/24","Options":{"__proto__":{"polluted":true}}}'),
        'DOCKER_OPTION_UNKNOWN',
      ),
      pool('an option that is a number', { Options: { parent: 7 } }, INVALID),
      pool('an option that is empty', { Options: { parent: '' } }, INVALID),
      pool('an option of 256 characters', { Options: { parent: 'a'.repeat(256) } }, INVALID),
      pool('a network that is not there', { Options: { 'neutron.net.uuid': '../../etc' } }, 'NETWORK_NOT_ON_VM'),
      pool('a parent that is not there', { Options: { parent: 'eth0; reboot' } }, 'MASTER_UNKNOWN'),
      pool('a subnet that is not there', { Options: { 'neutron.subnet.uuid': '\u202e' } }, 'SUBNET_UNKNOWN'),
    ],
  },
  'IpamDriver.ReleasePool': {
    good: ({ freePool }) => ({ PoolID: freePool }),
    fields: { PoolID: 'poolId' },
    required: ['PoolID'],
    meanings: [
      nasty('a pool that was never given', () => ({ PoolID: 'kuryr-0' })),
      nasty('a pool called constructor', () => ({ PoolID: 'constructor' })),
    ],
  },
  'IpamDriver.RequestAddress': {
    good: ({ pool4 }) => ({ PoolID: pool4, Address: '', Options: null }),
    fields: { PoolID: 'poolId', Address: 'address', Options: 'object' },
    required: ['PoolID'],
    meanings: [
      nasty('a pool that was never given', () => ({ PoolID: 'kuryr-0', Address: '' }), 'DOCKER_POOL_UNKNOWN'),
      nasty('a pool called constructor', () => ({ PoolID: 'constructor', Address: '' }), 'DOCKER_POOL_UNKNOWN'),
      ...['10.31.0.5', '8.8.8.8', '127.0.0.1', '0.0.0.0', '255.255.255.255', '224.0.0.1', '169.254.169.254'].map(
        address => ask(address, 'ADDRESS_OUTSIDE'),
      ),
      ...['fd30::5', '::ffff:10.30.0.5', '::10.30.0.5', '10.30.0.0', '10.30.0.255'].map(address =>
        ask(address, 'ADDRESS_OUTSIDE'),
      ),
      ask('10.30.0.1', 'DOCKER_ADDRESS_IS_GATEWAY'),
      ask('10.30.0.11', 'ADDRESS_IN_USE'),
      nasty(
        'an address that a container has',
        ({ pool4, cidr4 }) => ({ PoolID: pool4, Address: cidr4.split('/')[0] }),
        'ADDRESS_IN_USE',
      ),
      nasty(
        'an IPv4 address of an IPv6 pool',
        ({ pool6 }) => ({ PoolID: pool6, Address: '10.30.0.5' }),
        'ADDRESS_OUTSIDE',
      ),
      nasty('multicast of an IPv6 pool', ({ pool6 }) => ({ PoolID: pool6, Address: 'ff02::1' }), 'ADDRESS_OUTSIDE'),
      nasty(
        'an address outside, to be set aside',
        ({ freePool }) => ({ PoolID: freePool, Address: '10.31.0.5' }),
        'ADDRESS_OUTSIDE',
      ),
      nasty("the VM's own address, to be set aside", ({ freePool }) => ({ PoolID: freePool, Address: '10.30.0.11' })),
      ...['10.31.0.1', '224.0.0.1', 'fd30::1', '::ffff:10.30.0.1'].map(address =>
        ask(address, 'ADDRESS_OUTSIDE', gateway),
      ),
      ask('', INVALID, { RequestAddressType: 7 }),
      ask('', INVALID, { RequestAddressType: ['com.docker.network.gateway'] }),
    ],
  },
  'IpamDriver.ReleaseAddress': {
    good: ({ pool4, provisional }) => ({ PoolID: pool4, Address: provisional.split('/')[0] }),
    fields: { PoolID: 'poolId', Address: 'address' },
    required: ['PoolID', 'Address'],
    meanings: [
      nasty('no address', ({ pool4 }) => ({ PoolID: pool4, Address: '' }), INVALID),
      nasty('a pool that was never given', () => ({ PoolID: 'kuryr-0', Address: '10.30.0.5' })),
      ...['10.30.0.1', '10.30.0.11', '10.30.0.99', '8.8.8.8', '::ffff:10.30.0.5'].map(Address =>
        nasty(`${Address}, which is not held`, ({ pool4 }) => ({ PoolID: pool4, Address })),
      ),
      nasty('an address that a container has', ({ pool4, cidr4 }) => ({ PoolID: pool4, Address: cidr4.split('/')[0] })),
      nasty('an address of another pool', ({ otherPool, provisional }) => ({
        PoolID: otherPool,
        Address: provisional.split('/')[0],
      })),
    ],
  },
};

/** The verbs that read no body. */
const bodiless = [
  ...['Plugin.Activate', 'NetworkDriver.GetCapabilities', 'IpamDriver.GetCapabilities'],
  ...['IpamDriver.GetDefaultAddressSpaces', 'NetworkDriver.FreeNetwork'],
  ...['NetworkDriver.DiscoverNew', 'NetworkDriver.DiscoverDelete'],
];

/** All nasty requests, by verb. */
export const nastyByVerb: ReadonlyMap<string, readonly Nasty[]> = new Map([
  ...bodiless.map(verb => [verb, [...noJson(), ...anyJson.map(([what, value]) => nasty(what, () => value))]] as const),
  ...Object.entries(verbs).map(
    ([verb, spec]) => [verb, [...noJson(), ...whole(spec), ...mutations(spec), ...(spec.meanings ?? [])]] as const,
  ),
]);

/** A body that would be answered well, for those that come by a wrong method or in a wrong frame. */
export const goodBody = (verb: string, world: World): object => verbs[verb]?.good(world) ?? {};

function noJson(): Nasty[] {
  return [
    ...notJson.map(([what, value]) => nasty(`no JSON: ${what.slice(0, 30)}`, () => value, 'BODY_NOT_JSON')),
    nasty('a byte more than a mebibyte', () => new Raw(`"${'a'.repeat((1 << 20) - 1)}"`), 'BODY_TOO_LARGE'),
  ];
}

function whole({ good, required }: Verb): Nasty[] {
  const wrapped = (world: World) => JSON.stringify(good(world));
  return [
    ...[[], [{}], 'a', 7, true, false].map(value => nasty(`the body ${JSON.stringify(value)}`, () => value, INVALID)),
    nasty('the body in a list', world => [good(world)], INVALID),
    nasty('the body as a text', wrapped, INVALID),
    nasty('half of the body', world => new Raw(wrapped(world).slice(0, -1)), 'BODY_NOT_JSON'),
    nasty('the body twice', world => new Raw(wrapped(world).repeat(2)), 'BODY_NOT_JSON'),
    nasty('the body in UTF-16', world => new Raw([...wrapped(world)].join('\u0000')), 'BODY_NOT_JSON'),
    ...(required.length === 0
      ? []
      : [
          nasty('null', () => null, INVALID),
          nasty('no body', () => new Raw(''), INVALID),
          nasty('the body as a prototype', world => new Raw(`{"__proto__":${wrapped(world)}}`), INVALID),
          nasty(
            'the body of a constructor',
            world => new Raw(`{"constructor":{"prototype":${wrapped(world)}}}`),
            INVALID,
          ),
        ]),
    ...required.map(field => nasty(`no ${field}`, world => without(good(world), field), INVALID)),
  ];
}

function mutations({ good, fields }: Verb): Nasty[] {
  return Object.entries(fields).flatMap(([path, kind]) =>
    (wrong[kind] as readonly Value[]).map(([what, value]) =>
      nasty(`${path.replaceAll('~', '.')}: ${what}`, world => replaced(good(world), path.split('.'), value), INVALID),
    ),
  );
}

function without(body: object, field: string): object {
  return Object.fromEntries(Object.entries(body).filter(([name]) => name !== field));
}

/** A copy with another value at the path; `~` in a step stands for a dot. */
function replaced(body: unknown, [step = '', ...rest]: readonly string[], value: unknown): unknown {
  const key = step.replaceAll('~', '.');
  const part = rest.length === 0 ? value : replaced(Reflect.get(Object(body), key), rest, value);
  if (Array.isArray(body)) return body.map((entry, index) => (String(index) === key ? part : entry));
  return { ...Object(body), [key]: part };
}
