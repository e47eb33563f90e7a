import { stringify } from 'yaml';
import type { ApplicationCredential } from '../openstack/application-credential.ts';
import type { CloudConfig } from '../openstack/cloud-config.ts';

/** Its name in the file. As the only cloud there it need not be named to be found. */
const NAME = 'kuryr';

/** The clouds.yaml for a VM. It holds the secret: only for a file of root's, or the pipe that leads there. */
export function vmCloudsYaml(config: CloudConfig, { id, secret }: ApplicationCredential): string {
  const { authUrl, region, interfaces, verify, cacert, networkEndpoint } = config;
  return stringify({
    clouds: {
      [NAME]: {
        auth_type: 'v3applicationcredential',
        auth: {
          auth_url: authUrl,
          application_credential_id: id,
          application_credential_secret: secret.reveal(),
        },
        ...(region === undefined ? {} : { region_name: region }),
        ...(interfaces[0] === undefined ? {} : { interface: interfaces[0] }),
        ...(verify ? {} : { verify: false }),
        ...(cacert === undefined ? {} : { cacert }),
        ...(networkEndpoint === undefined ? {} : { network_endpoint_override: networkEndpoint }),
      },
    },
  });
}
