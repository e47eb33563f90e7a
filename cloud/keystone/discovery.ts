import { type Call, ok } from './call.ts';
import type { Routes } from './router.ts';

/** As Keystone 22 (Zed) calls itself. */
const version = ({ base }: Call) => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${base}/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
});

export const discoveryRoutes = (): Routes => ({
  'GET /': call => ({
    status: 300,
    headers: { location: `${call.base}/` },
    body: { versions: { values: [version(call)] } },
  }),
  'GET /v3': call => ok({ version: version(call) }),
});
