import type { AccessRule } from '../openstack/application-credential.ts';

/**
 * All that Kuryr asks of Neutron, below `/v2.0`. `own` stands for the VM port: nothing else is written to. Which ports it
 * makes is known only afterwards, so it may read and delete any of the project's.
 */
const needed = [
  ['GET', '/extensions'],
  ['GET', '/networks'],
  ['GET', '/subnets'],
  ['GET', '/ports'],
  ['GET', '/ports/*'],
  ['POST', '/ports'],
  ['PUT', '/ports/own'],
  ['DELETE', '/ports/*'],
] as const;

/**
 * The rules of a credential for the VMs with these ports. A service behind a path of its own (`/networking/v2.0`) may see the
 * path with or without it, as its proxy leaves it: both are allowed.
 * @param endpoint Neutron's API as the catalogue has it, ending in `/v2.0`
 */
export function accessRules(endpoint: string, ports: readonly string[]): AccessRule[] {
  const bases = new Set(['/v2.0', new URL(endpoint).pathname]);
  return [...bases].flatMap(base =>
    needed.flatMap(([method, path]) => {
      const paths = path === '/ports/own' ? ports.map(id => `/ports/${id}`) : [path];
      return paths.map(each => ({ service: 'network' as const, method, path: `${base}${each}` }));
    }),
  );
}
