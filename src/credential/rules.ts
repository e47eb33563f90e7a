import { type AccessRule, allows, seenPaths } from '../openstack/access-rules.ts';

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
  return needed.flatMap(([method, path]) => {
    const paths = path === '/ports/own' ? ports.map(id => `/ports/${id}`) : [path];
    return paths.flatMap(each => seenPaths(endpoint, each)).map(seen => ({ service: 'network', method, path: seen }));
  });
}

/** Of the rules that Kuryr needs for the VM with these ports, those that the given ones do not come up to. */
export function missingRules(rules: readonly AccessRule[], endpoint: string, ports: readonly string[]): AccessRule[] {
  // A rule that allows an id like this one allows any.
  const any = '00000000-0000-4000-8000-000000000000';
  return accessRules(endpoint, ports).filter(({ method, path }) => !allows(rules, method, path.replace('*', any)));
}
