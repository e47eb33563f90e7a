import { resolve } from 'node:path';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { CloudAuth, CloudConfig } from './cloud-config.ts';
import { type Reader, reader } from './cloud-keys.ts';
import {
  type CloudSurroundings,
  type CloudsFile,
  isMapping,
  type Mapping,
  merge,
  readCloudsFile,
} from './clouds-file.ts';
import { Secret } from './secret.ts';

/** Variables that choose or log, and make no cloud by themselves (openstacksdk, config/loader.py). */
const SELECTORS = /^OS_(CLOUD|CLOUD_NAME|REGION_NAME|CLIENT_\w+_FILE|TEST.*|STD.*|LOG.*)$/;

/**
 * The cloud that is meant, chosen as openstacksdk does: the one named (`name`, else `OS_CLOUD`), else the `OS_*`
 * variables where they are set, else the only one in clouds.yaml. `OS_REGION_NAME` chooses the region of any of them.
 * @throws CLOUD_CONFIG_MISSING, CLOUD_CONFIG_INVALID, CLOUD_UNKNOWN; never with a secret in text or details
 */
export async function loadCloudConfig(around: CloudSurroundings, name?: string): Promise<CloudConfig> {
  const { env } = around;
  const named = name || env['OS_CLOUD'] || undefined;
  const variables = Object.entries(env).filter(([key, value]) => /^OS_/.test(key) && !SELECTORS.test(key) && value);
  if (named === undefined && variables.length > 0) {
    const cloud: Mapping = Object.fromEntries(
      variables.map(([key, value]) => [key.slice(3).toLowerCase(), value ?? '']),
    );
    return interpret(cloud, 'the OS_* variables', around);
  }
  const file = await readCloudsFile(around);
  const known = Object.keys(file.clouds);
  const chosen = named ?? (known.length === 1 ? known[0] : undefined);
  if (file.path === undefined && named === undefined) {
    throw new KuryrError('CLOUD_CONFIG_MISSING', { files: file.searched.filter(path => path.endsWith('.yaml')) });
  }
  const cloud = chosen === undefined ? undefined : file.clouds[chosen];
  if (chosen === undefined || cloud === undefined) {
    const files = file.path ?? file.searched.filter(path => path.endsWith('.yaml'));
    throw new KuryrError('CLOUD_UNKNOWN', {
      cloud: chosen ?? '(none named)',
      files,
      known: known.length ? known : 'none',
    });
  }
  const source = `cloud "${chosen}" in ${file.path ?? 'secure.yaml'}`;
  if (!isMapping(cloud)) throw new KuryrError('CLOUD_CONFIG_INVALID', { source, problem: 'it must be a mapping' });
  return interpret(withProfile(cloud, file), source, around);
}

/** The cloud over its vendor profile, and the chosen region's own values over both. */
function withProfile(cloud: Mapping, file: CloudsFile): Mapping {
  const name = cloud['profile'] ?? cloud['cloud'];
  const profile = typeof name === 'string' ? file.profiles[name] : undefined;
  return isMapping(profile) ? merge(profile, cloud) : cloud;
}

function interpret(cloud: Mapping, source: string, around: CloudSurroundings): CloudConfig {
  const read = reader(withRegion(cloud, around.env['OS_REGION_NAME']), source);
  const path = (key: string) => {
    const value = read.text(key);
    return value === undefined ? undefined : resolve(around.cwd, value.replace(/^~(?=\/)/, around.home));
  };
  return {
    source,
    authUrl: read.url('auth_url') ?? read.missing('auth_url'),
    auth: readAuth(read),
    region: read.text('region_name'),
    interfaces: read.list('interface', 'endpoint_type').map(read.endpointInterface),
    verify: read.boolean('verify') ?? !(read.boolean('insecure') ?? false),
    cacert: path('cacert'),
    cert: path('cert'),
    key: path('key'),
    networkEndpoint: read.url('network_endpoint_override') ?? read.url('endpoint_override'),
  };
}

/** `regions` lists names, or names with values that hold in that region; the first is the default. */
function withRegion(cloud: Mapping, wanted: string | undefined): Mapping {
  const regions = Array.isArray(cloud['regions']) ? cloud['regions'] : [];
  const nameOf = (region: unknown) => (isMapping(region as Mapping) ? (region as Mapping)['name'] : region);
  const name = wanted || cloud['region_name'] || nameOf(regions[0]);
  const region = regions.find(one => nameOf(one) === name);
  const values = isMapping(region) ? region['values'] : undefined;
  const merged = isMapping(values) ? merge(cloud, values) : cloud;
  return typeof name === 'string' ? { ...merged, region_name: name } : merged;
}

function readAuth(read: Reader): CloudAuth {
  const credentialId = read.text('application_credential_id');
  const credentialName = read.text('application_credential_name');
  const token = read.text('token', 'auth_token');
  const byCredential = credentialId !== undefined || credentialName !== undefined;
  const kind =
    read.text('auth_type', 'auth_plugin') ?? (byCredential ? 'v3applicationcredential' : token ? 'token' : 'password');
  switch (kind) {
    case 'password':
    case 'v3password':
      return {
        kind: 'password',
        user: read.named('user') ?? read.missing('username'),
        password: new Secret(read.secret('password') ?? read.missing('password')),
        project: read.named('project') ?? read.missing('project_id (or project_name)'),
      };
    case 'token':
    case 'v3token':
      return { kind: 'token', token: new Secret(token ?? read.missing('token')), project: read.named('project') };
    case 'v3applicationcredential': {
      const secret = read.secret('application_credential_secret') ?? read.missing('application_credential_secret');
      if (credentialId !== undefined) {
        return { kind: 'application credential', credential: { id: credentialId }, secret: new Secret(secret) };
      }
      const name = credentialName ?? read.missing('application_credential_id');
      const user = read.named('user') ?? read.missing('username (needed with application_credential_name)');
      return { kind: 'application credential', credential: { name, user }, secret: new Secret(secret) };
    }
    default:
      return read.wrong('auth_type', 'must be password, token or v3applicationcredential');
  }
}
