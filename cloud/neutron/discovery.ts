import type { Reply } from '../wire.ts';
import type { Kind } from './kinds/kind.ts';

/** Where the service's URLs begin on its server. */
export const MOUNT = '/networking';

/** What a client is told before it has a token. */
export const versions = (origin: string): Reply => ({
  status: 200,
  body: {
    versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: `${origin}${MOUNT}/v2.0/` }] }],
  },
});

/** The resources of the core alone: what extensions bring is not told here. */
export const resources = (origin: string, kinds: readonly Kind[]): Reply => ({
  status: 200,
  body: {
    resources: kinds
      .filter(({ name }) => ['network', 'subnet', 'subnetpool', 'port'].includes(name))
      .map(({ name, path }) => ({
        name,
        collection: path,
        links: [{ rel: 'self', href: `${origin}${MOUNT}/v2.0/${path}` }],
      })),
  },
});

export const unauthorized = (keystone: string): Reply => ({
  status: 401,
  headers: { 'www-authenticate': `Keystone uri="${keystone}"` },
  body: { error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' } },
});
