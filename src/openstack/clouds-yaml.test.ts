import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { isKuryrError, type KuryrError } from '../errors/kuryr-error.ts';
import type { CloudConfig } from './cloud-config.ts';
import type { CloudSurroundings } from './clouds-file.ts';
import { loadCloudConfig } from './clouds-yaml.ts';

const SECRET = 'hunter2-Zzz';

function around(files: Record<string, string>, env: Record<string, string> = {}): CloudSurroundings {
  return {
    ...{ env, cwd: '/cwd', home: '/home/me' },
    async readFile(path) {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error('no file'), { code: 'ENOENT' });
      if (text === 'EACCES') throw Object.assign(new Error('denied'), { code: 'EACCES' });
      return text;
    },
  };
}

const cloud = (name: string, extra = '', auth = '') => `  ${name}:
    auth: {auth_url: "http://${name}:5000/v3", username: u, password: ${SECRET}, project_name: p,
      user_domain_name: Default, project_domain_id: default${auth}}
${extra}`;

async function failure(surroundings: CloudSurroundings, name?: string): Promise<KuryrError> {
  try {
    await loadCloudConfig(surroundings, name);
  } catch (error) {
    assert.ok(isKuryrError(error), inspect(error));
    const shown = `${error.message} ${inspect(error, { depth: 9 })} ${JSON.stringify(error.details)}`;
    assert.ok(!shown.includes(SECRET), `a secret in: ${shown}`);
    return error;
  }
  assert.fail('it was accepted');
}

const picked: readonly [
  string,
  Record<string, string>,
  Record<string, string>,
  (config: CloudConfig) => unknown,
  unknown,
][] = [
  [
    'the only cloud of a file without anything named',
    { '/etc/openstack/clouds.yaml': `clouds:\n${cloud('only')}` },
    {},
    config => [config.authUrl, config.source],
    ['http://only:5000/v3', 'cloud "only" in /etc/openstack/clouds.yaml'],
  ],
  [
    'the working folder before home, home before /etc',
    {
      '/etc/openstack/clouds.yaml': `clouds:\n${cloud('etc')}`,
      '/home/me/.config/openstack/clouds.yaml': `clouds:\n${cloud('home')}`,
      '/cwd/clouds.yml': `clouds:\n${cloud('cwd')}`,
    },
    {},
    config => config.authUrl,
    'http://cwd:5000/v3',
  ],
  [
    "the installed daemon's credential before the machine's",
    {
      '/etc/openstack/clouds.yaml': `clouds:\n${cloud('etc')}`,
      '/etc/kuryr/clouds.yaml': `clouds:\n${cloud('kuryr')}`,
    },
    {},
    config => config.authUrl,
    'http://kuryr:5000/v3',
  ],
  [
    'the credential that systemd hands over before all that lies about',
    {
      '/run/credentials/kuryr.service/clouds.yaml': `clouds:\n${cloud('handed')}`,
      '/etc/kuryr/clouds.yaml': `clouds:\n${cloud('kuryr')}`,
      '/cwd/clouds.yaml': `clouds:\n${cloud('cwd')}`,
    },
    { CREDENTIALS_DIRECTORY: '/run/credentials/kuryr.service' },
    config => config.authUrl,
    'http://handed:5000/v3',
  ],
  [
    'OS_CLIENT_CONFIG_FILE before all',
    { '/cwd/clouds.yaml': `clouds:\n${cloud('cwd')}`, '/x.yaml': `clouds:\n${cloud('named')}` },
    { OS_CLIENT_CONFIG_FILE: '/x.yaml' },
    config => config.authUrl,
    'http://named:5000/v3',
  ],
  [
    'OS_CLOUD before other OS_* variables, and OS_REGION_NAME over its region',
    { '/cwd/clouds.yaml': `clouds:\n${cloud('a')}${cloud('b', '    region_name: One\n')}` },
    { OS_CLOUD: 'b', OS_AUTH_URL: 'http://env/', OS_REGION_NAME: 'Two' },
    config => [config.authUrl, config.region],
    ['http://b:5000/v3', 'Two'],
  ],
  [
    'OS_* variables before an only cloud',
    { '/cwd/clouds.yaml': `clouds:\n${cloud('a')}` },
    {
      ...{ OS_AUTH_URL: 'https://user:pw@env:13000/', OS_USERNAME: 'u', OS_PASSWORD: '007', OS_PROJECT_ID: 'pid' },
      ...{ OS_USER_DOMAIN_NAME: 'Default', OS_INTERFACE: 'internalURL', OS_INSECURE: 'true', OS_CACERT: '~/ca.pem' },
    },
    config => [config.authUrl, config.interfaces, config.verify, config.cacert, config.auth.kind],
    ['https://env:13000', ['internal'], false, '/home/me/ca.pem', 'password'],
  ],
  [
    'a password from secure.yaml over the file, digits as written',
    {
      '/cwd/clouds.yaml': `clouds:\n${cloud('a')}`,
      '/etc/openstack/secure.yaml': 'clouds: {a: {auth: {password: 0123}}}',
    },
    {},
    config => config.auth.kind === 'password' && config.auth.password.reveal(),
    '0123',
  ],
  [
    'a vendor profile under the cloud',
    {
      '/cwd/clouds.yaml':
        'clouds: {a: {profile: v, auth: {username: u, user_domain_id: d, password: x, project_id: p}}}',
      '/cwd/clouds-public.yaml': 'public-clouds: {v: {auth: {auth_url: "http://vendor/v3"}, region_name: R}}',
    },
    {},
    config => [config.authUrl, config.region],
    ['http://vendor/v3', 'R'],
  ],
  [
    'the values of the chosen region',
    {
      '/cwd/clouds.yaml': `clouds:\n${cloud('a', '    regions: [{name: R1}, {name: R2, values: {interface: admin}}]\n')}`,
    },
    { OS_REGION_NAME: 'R2' },
    config => [config.region, config.interfaces],
    ['R2', ['admin']],
  ],
  [
    'old names, hyphens and one domain for both',
    {
      '/cwd/clouds.yaml':
        'clouds: {a: {auth: {auth_url: "http://a", username: u, password: x, tenant-name: t, domain-name: D}, endpoint_type: publicURL}}',
    },
    {},
    config => config.auth.kind === 'password' && [config.auth.user, config.auth.project],
    [
      { name: 'u', domain: { name: 'D' } },
      { name: 't', domain: { name: 'D' } },
    ],
  ],
  [
    'an application credential by name, which needs its user',
    {
      '/cwd/clouds.yaml': `clouds: {a: {auth_type: v3applicationcredential, auth: {auth_url: "http://a", user_id: U,
        application_credential_name: N, application_credential_secret: ${SECRET}}}}`,
    },
    {},
    config => config.auth.kind === 'application credential' && config.auth.credential,
    { name: 'N', user: { id: 'U' } },
  ],
  [
    'a token without a project, which keeps its scope',
    {},
    {
      OS_AUTH_URL: 'http://a',
      OS_AUTH_TYPE: 'v3token',
      OS_TOKEN: SECRET,
      OS_NETWORK_ENDPOINT_OVERRIDE: 'http://n:9696/',
    },
    config => [config.auth.kind, config.auth.kind === 'token' && config.auth.project, config.networkEndpoint],
    ['token', undefined, 'http://n:9696'],
  ],
  [
    'several interfaces in order',
    { '/cwd/clouds.yaml': `clouds:\n${cloud('a', '    interface: [internal, public]\n    verify: "no"\n')}` },
    {},
    config => [config.interfaces, config.verify],
    [['internal', 'public'], false],
  ],
];

for (const [name, files, env, read, wanted] of picked) {
  test(`takes ${name}`, async () => {
    assert.deepEqual(read(await loadCloudConfig(around(files, env))), wanted);
  });
}

const refused: readonly [string, Record<string, string>, Record<string, string>, string, RegExp][] = [
  ['no configuration at all', {}, {}, 'CLOUD_CONFIG_MISSING', /\/home\/me\/\.config\/openstack\/clouds\.yaml/],
  [
    'a cloud that is not there, with those that are',
    { '/cwd/clouds.yaml': `clouds:\n${cloud('a')}${cloud('b')}` },
    { OS_CLOUD: 'c' },
    'CLOUD_UNKNOWN',
    /no cloud c in \/cwd\/clouds\.yaml; known are: a, b/,
  ],
  [
    'several clouds and none named',
    { '/cwd/clouds.yaml': `clouds:\n${cloud('a')}${cloud('b')}` },
    {},
    'CLOUD_UNKNOWN',
    /a, b/,
  ],
  [
    'broken YAML, by its line and without its text',
    { '/cwd/clouds.yaml': `clouds:\n  a:\n    auth: {password: ${SECRET}\n  b: [` },
    {},
    'CLOUD_CONFIG_INVALID',
    /\/cwd\/clouds\.yaml: it is not YAML: line \d/,
  ],
  [
    'clouds that are a list',
    { '/cwd/clouds.yaml': `clouds: [${SECRET}]` },
    {},
    'CLOUD_CONFIG_INVALID',
    /must be a mapping/,
  ],
  ['a file that may not be read', { '/cwd/clouds.yaml': 'EACCES' }, {}, 'CLOUD_CONFIG_INVALID', /EACCES/],
  [
    'a file of root that is named',
    { '/etc/kuryr/clouds.yaml': 'EACCES' },
    { OS_CLIENT_CONFIG_FILE: '/etc/kuryr/clouds.yaml' },
    'CLOUD_CONFIG_INVALID',
    /EACCES/,
  ],
  [
    'a user without a domain, by the key',
    {
      '/cwd/clouds.yaml': `clouds: {a: {auth: {auth_url: "http://a", username: u, password: ${SECRET}, project_id: p}}}`,
    },
    {},
    'CLOUD_CONFIG_INVALID',
    /cloud "a" in \/cwd\/clouds\.yaml: the key user_domain_name/,
  ],
  [
    'an auth_url that is none',
    {},
    { OS_AUTH_URL: `${SECRET}`, OS_PASSWORD: SECRET },
    'CLOUD_CONFIG_INVALID',
    /auth_url must be/,
  ],
  [
    'an unknown auth_type',
    {},
    { OS_AUTH_URL: 'http://a', OS_AUTH_TYPE: 'v3oidc', OS_PASSWORD: SECRET },
    'CLOUD_CONFIG_INVALID',
    /OS_\* variables: the key auth_type/,
  ],
  [
    'a missing password',
    {},
    { OS_AUTH_URL: 'http://a', OS_USER_ID: 'u', OS_PROJECT_ID: 'p' },
    'CLOUD_CONFIG_INVALID',
    /password is missing/,
  ],
  [
    'a boolean that is none',
    { '/cwd/clouds.yaml': `clouds:\n${cloud('a', '    verify: maybe\n')}` },
    {},
    'CLOUD_CONFIG_INVALID',
    /verify must be true or false/,
  ],
];

for (const [name, files, env, code, pattern] of refused) {
  test(`refuses ${name}`, async () => {
    const error = await failure(around(files, env));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
  });
}

test('refuses YAML that its parser gives up, without showing any of it', async () => {
  const broken = [
    `clouds:\n  a:\n    <<: ${SECRET}\n    auth: {}\n`,
    `clouds: &a {a: *a, b: ${SECRET}}\n`,
    `a: &a [${SECRET}]\n${Array.from({ length: 9 }, (_, n) => `a${n}: &a${n} [${`*a${n === 0 ? '' : n - 1}, `.repeat(9)}]`).join('\n')}\nclouds: *a8\n`,
    `clouds: {a: ${'['.repeat(50_000)}`,
    `clouds:\n  ? {password: ${SECRET}}\n  : {}\n`,
  ];
  for (const text of broken) {
    const error = await failure(around({ '/cwd/clouds.yaml': text }), 'a');
    assert.equal(error.code, 'CLOUD_CONFIG_INVALID', text.slice(0, 60));
    assert.doesNotMatch(`${error.message} ${inspect(error.details)}`, new RegExp(SECRET));
  }
});

test('shows no secret of a configuration that is printed or logged', async () => {
  const config = await loadCloudConfig(around({ '/cwd/clouds.yaml': `clouds:\n${cloud('a')}` }));
  assert.ok(!`${inspect(config, { depth: 9, showHidden: true })} ${JSON.stringify(config)}`.includes(SECRET));
});

test('takes a handed credential from where it was written last, tells that file, and never passes it over', async () => {
  const [copy, original] = ['/run/credentials/kuryr.service/clouds.yaml', '/etc/kuryr/clouds.yaml'];
  const source = async (written: Record<string, string>) => {
    const files = { [copy]: `clouds:\n${cloud('old')}`, '/cwd/clouds.yaml': `clouds:\n${cloud('cwd')}`, ...written };
    return (await loadCloudConfig({ ...around(files), handed: [original, copy] })).source;
  };
  assert.equal(await source({ [original]: `clouds:\n${cloud('new')}` }), `cloud "new" in ${original}`);
  assert.equal(await source({}), `cloud "old" in ${copy}`);
  await assert.rejects(source({ [original]: 'EACCES' }), { code: 'CLOUD_CONFIG_INVALID', message: /EACCES/ });
});

test("passes over the daemon's own file where a user may not read it", async () => {
  const files = { '/etc/kuryr/clouds.yaml': 'EACCES', '/etc/openstack/clouds.yaml': `clouds:\n${cloud('one')}` };
  assert.match((await loadCloudConfig(around(files))).source, /\/etc\/openstack\/clouds\.yaml/);
});
