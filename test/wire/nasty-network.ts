import { fresh, INVALID, nasty, type Verb, type World } from './nasty.ts';
import { Raw } from './nasty-values.ts';

const sandbox = '/var/run/docker/netns/aaaaaaaaaaaa';
const generic = (options: unknown) => ({ 'com.docker.network.generic': options });

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

/** The verbs of the network driver that read their body. */
export const networkVerbs: Readonly<Record<string, Verb>> = {
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
};
