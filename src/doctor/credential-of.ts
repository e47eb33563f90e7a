import type { Cloud } from '../openstack/open-cloud.ts';
import type { Clock } from '../time/clock.ts';
import type { Credential } from './context.ts';

/** What Keystone says of the credential that a cloud is opened with. @throws KEYSTONE_*, CLOUD_* */
export async function credentialOf(
  cloud: Pick<Cloud, 'authorization' | 'config'>,
  clock: Pick<Clock, 'monotonic'>,
  signal: AbortSignal,
): Promise<Credential> {
  const { projectId, expires, endsAt, roles, rules, endpoint } = await cloud.authorization(signal);
  const { auth, source } = cloud.config;
  return { kind: auth.kind, source, projectId, expires, endsInMs: endsAt - clock.monotonic(), roles, rules, endpoint };
}
