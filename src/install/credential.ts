import { vmCloudsYaml } from '../credential/clouds-yaml.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { CloudConfig } from '../openstack/cloud-config.ts';
import { configFolder, credentialFile } from './place.ts';

export const caFile = `${configFolder}/ca.pem`;

/**
 * The user's cloud as the daemon's credential: files and texts. The daemon sees no home folders, so a CA goes along.
 * @throws INSTALL_CREDENTIAL_UNFIT for a password or token, which may do more than Kuryr needs and do not last
 */
export async function daemonCredential(
  config: CloudConfig,
  read: (path: string) => Promise<string>,
): Promise<readonly { readonly path: string; readonly text: string }[]> {
  const { source, auth, cacert, cert } = config;
  const unfit = (reason: string) =>
    new KuryrError('INSTALL_CREDENTIAL_UNFIT', { source, reason, file: credentialFile });
  if (auth.kind !== 'application credential') throw unfit(`it has a ${auth.kind}, no application credential`);
  const { credential, secret } = auth;
  if (!('id' in credential)) throw unfit('its application credential is named by its name, not its id');
  if (cert !== undefined) throw unfit('it has a client certificate');
  const yaml = vmCloudsYaml(cacert === undefined ? config : { ...config, cacert: caFile }, {
    id: credential.id,
    secret,
  });
  const ca = cacert === undefined ? [] : [{ path: caFile, text: await read(cacert) }];
  return [...ca, { path: credentialFile, text: yaml }];
}
