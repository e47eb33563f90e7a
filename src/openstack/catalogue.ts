import { KuryrError } from '../errors/kuryr-error.ts';
import type { EndpointInterface } from './cloud-config.ts';

export interface CatalogueEntry {
  readonly type: string;
  readonly endpoints: readonly {
    readonly interface: string;
    readonly region?: string | null | undefined;
    readonly region_id?: string | null | undefined;
    readonly url: string;
  }[];
}

/**
 * The URL of Neutron's API, ending in `/v2.0`: the first of the interfaces that the region has. Without a region given
 * the catalogue must leave no choice.
 * @throws KEYSTONE_NO_ENDPOINT, with what there is
 */
export function networkEndpoint(
  catalogue: readonly CatalogueEntry[],
  region: string | undefined,
  interfaces: readonly EndpointInterface[],
): string {
  const all = catalogue
    .filter(entry => entry.type === 'network')
    .flatMap(entry => entry.endpoints)
    .map(one => ({ url: one.url, interface: one.interface, region: one.region_id ?? one.region ?? 'none' }));
  for (const wanted of interfaces) {
    const found = all.filter(one => one.interface === wanted && (region === undefined || one.region === region));
    const urls = new Set(found.map(one => networkUrl(one.url)));
    const [url] = urls;
    if (url !== undefined && urls.size === 1) return url;
    if (url !== undefined && region !== undefined) return url;
  }
  const known = all.map(one => `${one.interface} in ${one.region}`);
  throw new KuryrError('KEYSTONE_NO_ENDPOINT', {
    interface: interfaces.join(' or '),
    region: region ?? '(none chosen)',
    known: known.length > 0 ? [...new Set(known)] : 'none',
  });
}

/** Catalogues give the endpoint with or without its version. */
export function networkUrl(endpoint: string): string {
  return `${endpoint.replace(/\/+$/, '').replace(/\/v2(\.0)?$/, '')}/v2.0`;
}

/** `auth_url` is given with or without its version. */
export function identityUrl(authUrl: string): string {
  return `${authUrl.replace(/\/+$/, '').replace(/\/v(2\.0|3)$/, '')}/v3`;
}
