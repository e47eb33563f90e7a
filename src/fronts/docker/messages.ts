import * as v from 'valibot';
import { canonical, familyOf, parseCidr } from '../../address/address.ts';
import { plainObject } from '../plain-object.ts';

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
const cidrOf = (family: 4 | 6) =>
  v.pipe(
    cidr,
    v.check(text => familyOf(text) === family, `not an IPv${family} address`),
  );
const mac = v.pipe(v.string(), v.toLowerCase(), v.regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, 'not a MAC address'));
const empty = v.literal('');
/** Path of a sandbox's netns: absolute, plain, of a bounded length, in a folder `netns` as libnetwork's all are. */
const sandbox = v.pipe(
  v.string(),
  v.maxLength(512),
  v.regex(/^(\/[A-Za-z0-9_.-]+)*\/netns\/[A-Za-z0-9_.-]+$/, 'not a plain absolute path of a sandbox'),
  v.check(path => !path.split('/').some(part => part === '..' || part === '.'), 'a path with . or ..'),
);
const message = <E extends v.ObjectEntries>(entries: E) => v.pipe(plainObject, v.object(entries));
const options = v.nullish(plainObject, {});
/** Options of which Kuryr reads some, which then have to be what libnetwork sends. */
const optionsWith = <E extends v.ObjectEntries>(entries: E) =>
  v.nullish(v.pipe(plainObject, v.looseObject(entries)), {});
const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
/** Go sends null for an empty list. */
const listOf = <S extends v.GenericSchema>(item: S) => v.pipe(v.nullish(v.array(item), []), v.maxLength(64));

const ipamData = message({
  AddressSpace: v.optional(v.string(), ''),
  Pool: v.optional(v.union([cidr, empty]), ''),
  Gateway: v.optional(v.union([cidr, empty]), ''),
});

/** `com.docker.network.portmap`: the ports a user published with -p. */
const portMap = v.pipe(
  v.array(message({ Proto: v.number(), Port: port, HostPort: v.optional(port, 0) })),
  v.maxLength(65_536),
);

export const messages = {
  requestPool: message({
    AddressSpace: v.optional(v.string(), ''),
    Pool: v.optional(v.union([cidr, empty]), ''),
    SubPool: v.optional(v.union([cidr, empty]), ''),
    Options: options,
    V6: v.optional(v.boolean(), false),
  }),
  releasePool: message({ PoolID: poolId }),
  requestAddress: message({
    PoolID: poolId,
    Address: v.optional(v.union([address, empty]), ''),
    Options: optionsWith({ RequestAddressType: v.optional(v.string()) }),
  }),
  releaseAddress: message({ PoolID: poolId, Address: address }),
  createNetwork: message({
    NetworkID: id,
    Options: optionsWith({ 'com.docker.network.internal': v.optional(v.boolean(), false) }),
    IPv4Data: listOf(ipamData),
    IPv6Data: listOf(ipamData),
  }),
  networkId: message({ NetworkID: id }),
  createEndpoint: message({
    NetworkID: id,
    EndpointID: id,
    Interface: v.nullish(
      message({
        Address: v.optional(v.union([cidrOf(4), empty]), ''),
        AddressIPv6: v.optional(v.union([cidrOf(6), empty]), ''),
        MacAddress: v.optional(v.union([mac, empty]), ''),
      }),
      { Address: '', AddressIPv6: '', MacAddress: '' },
    ),
    Options: optionsWith({ 'com.docker.network.portmap': v.nullish(portMap, []) }),
  }),
  endpoint: message({ NetworkID: id, EndpointID: id }),
  join: message({ NetworkID: id, EndpointID: id, SandboxKey: sandbox, Options: options }),
  allocateNetwork: message({ Options: v.nullish(v.pipe(plainObject, v.record(v.string(), v.string())), {}) }),
  anything: v.unknown(),
};
