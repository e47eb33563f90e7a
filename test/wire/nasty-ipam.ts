import { INVALID, nasty, type Verb } from './nasty.ts';
import { Raw } from './nasty-values.ts';

const gateway = { RequestAddressType: 'com.docker.network.gateway' };

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

/** The verbs of the IPAM driver that read their body. */
export const ipamVerbs: Readonly<Record<string, Verb>> = {
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
