import * as v from 'valibot';
import { canonical, familyOf, parseCidr } from '../address/address.ts';

/**
 * What Neutron answers, checked and cut down to what Kuryr reads. Where an extension is missing its fields are too:
 * then the value that means the same is put in.
 */

const id = v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/, 'an id'));
const text = v.optional(v.nullable(v.string()), '');
const plain = v.pipe(
  text,
  v.transform(value => value ?? ''),
);

const address = v.pipe(
  v.string(),
  v.check(value => canonical(value) !== undefined, 'an address'),
);

export const portSchema = v.object({
  id,
  name: plain,
  network_id: id,
  project_id: plain,
  mac_address: v.pipe(v.string(), v.regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i, 'a MAC')),
  fixed_ips: v.array(v.object({ subnet_id: id, ip_address: address })),
  device_owner: plain,
  device_id: plain,
  security_groups: v.optional(v.array(v.string()), []),
  // Loose: fields that a later Neutron adds are written back as they came.
  allowed_address_pairs: v.optional(
    v.array(v.looseObject({ ip_address: v.string(), mac_address: v.exactOptional(v.string()) })),
    [],
  ),
  port_security_enabled: v.optional(v.boolean(), true),
  revision_number: v.optional(v.pipe(v.number(), v.safeInteger()), 0),
});

/** Asked for in lists, so that a list of thousands is no larger than it must be. */
export const PORT_FIELDS = Object.keys(portSchema.entries);

export const networkSchema = v.pipe(
  v.object({
    id,
    name: plain,
    project_id: plain,
    mtu: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535))),
    shared: v.optional(v.boolean(), false),
  }),
  // Old releases answer 0 where they do not know.
  v.transform(network => ({ ...network, mtu: network.mtu || undefined })),
);

const cidr = v.pipe(
  v.string(),
  v.check(value => parseCidr(value) !== undefined, 'a prefix'),
);

export const subnetSchema = v.pipe(
  v.object({
    id,
    name: plain,
    network_id: id,
    ip_version: v.picklist([4, 6]),
    cidr,
    gateway_ip: v.optional(v.nullable(address), null),
    host_routes: v.optional(v.array(v.object({ destination: cidr, nexthop: address })), []),
    ipv6_address_mode: v.optional(v.nullable(v.picklist(['slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'])), null),
  }),
  v.check(
    ({ ip_version, cidr: range, gateway_ip, host_routes }) =>
      [range, gateway_ip ?? range, ...host_routes.flatMap(route => [route.destination, route.nexthop])].every(
        each => familyOf(each) === ip_version,
      ),
    'addresses of one family',
  ),
);

export const extensionsSchema = v.object({ extensions: v.array(v.object({ alias: v.string() })) });

/** `{"port": {…}}`, of that id where one was asked for: a cache on the way may mix answers up. */
export const one = <T extends { readonly id: string }>(
  name: string,
  schema: v.GenericSchema<unknown, T>,
  id?: string,
) =>
  v.pipe(
    v.object({ [name]: schema }),
    v.transform(body => body[name] as T),
    v.check(found => id === undefined || found.id === id, 'the one that was asked for'),
  );

/** `{"ports": […], "ports_links": […]}`: what is on this page, and whether another follows. */
export const page = <T>(name: string, schema: v.GenericSchema<unknown, T>) =>
  v.pipe(
    v.looseObject({ [name]: v.array(schema) }),
    v.transform(body => {
      const links: unknown = body[`${name}_links`];
      const more = Array.isArray(links) && links.some(link => (link as { rel?: unknown } | null)?.rel === 'next');
      return { items: body[name] as readonly T[], more };
    }),
  );
