import * as v from 'valibot';
import { canonical, parseCidr } from '../../address/address.ts';

/** What Docker's libnetwork sends to a remote network and IPAM driver; fields that Kuryr does not read are let pass. */

const id = v.pipe(v.string(), v.regex(/^[0-9a-z]{1,64}$/, 'an id is 1 to 64 characters of 0-9 and a-z'));
const poolId = v.pipe(v.string(), v.regex(/^[0-9a-z-]{1,64}$/, 'a pool id is 1 to 64 characters of 0-9, a-z and -'));
const address = v.pipe(
  v.string(),
  v.check(text => canonical(text) !== undefined, 'not an IP address'),
  v.transform(text => canonical(text) ?? text),
);
const cidr = v.pipe(
  v.string(),
  v.check(text => parseCidr(text) !== undefined, 'not an address with a prefix length'),
);
const mac = v.pipe(v.string(), v.toLowerCase(), v.regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, 'not a MAC address'));
const empty = v.literal('');
/** Path of a sandbox's netns: absolute, plain, of a bounded length. */
const sandbox = v.pipe(
  v.string(),
  v.maxLength(512),
  v.regex(/^(\/[A-Za-z0-9_.-]+)+$/, 'not a plain absolute path'),
  v.check(path => !path.split('/').some(part => part === '..' || part === '.'), 'a path with . or ..'),
);
const options = v.nullish(v.record(v.pipe(v.string(), v.maxLength(256)), v.unknown()), {});
/** Go sends null for an empty list. */
const listOf = <S extends v.GenericSchema>(item: S) => v.pipe(v.nullish(v.array(item), []), v.maxLength(64));

const ipamData = v.object({
  AddressSpace: v.optional(v.string(), ''),
  Pool: v.optional(v.union([cidr, empty]), ''),
  Gateway: v.optional(v.union([cidr, empty]), ''),
});

export const messages = {
  requestPool: v.object({
    AddressSpace: v.optional(v.string(), ''),
    Pool: v.optional(v.union([cidr, empty]), ''),
    SubPool: v.optional(v.union([cidr, empty]), ''),
    Options: options,
    V6: v.optional(v.boolean(), false),
  }),
  releasePool: v.object({ PoolID: poolId }),
  requestAddress: v.object({ PoolID: poolId, Address: v.optional(v.union([address, empty]), ''), Options: options }),
  releaseAddress: v.object({ PoolID: poolId, Address: address }),
  createNetwork: v.object({ NetworkID: id, Options: options, IPv4Data: listOf(ipamData), IPv6Data: listOf(ipamData) }),
  networkId: v.object({ NetworkID: id }),
  createEndpoint: v.object({
    NetworkID: id,
    EndpointID: id,
    Interface: v.nullish(
      v.object({
        Address: v.optional(v.union([cidr, empty]), ''),
        AddressIPv6: v.optional(v.union([cidr, empty]), ''),
        MacAddress: v.optional(v.union([mac, empty]), ''),
      }),
      { Address: '', AddressIPv6: '', MacAddress: '' },
    ),
    Options: options,
  }),
  endpoint: v.object({ NetworkID: id, EndpointID: id }),
  join: v.object({ NetworkID: id, EndpointID: id, SandboxKey: sandbox, Options: options }),
  allocateNetwork: v.object({ Options: options }),
  anything: v.unknown(),
};

/** `com.docker.network.portmap`: the ports a user published with -p. */
export const portMap = v.pipe(
  v.array(v.object({ Proto: v.number(), Port: v.number(), HostPort: v.optional(v.number(), 0) })),
  v.maxLength(65_536),
);
