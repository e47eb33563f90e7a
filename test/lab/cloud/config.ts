/** The configuration files of Keystone and Neutron. */
import type { Place } from './place.ts';

/** Sections of an ini file. */
export type Sections = Record<string, Record<string, string | number | boolean>>;

export const ini = (sections: Sections): string =>
  Object.entries(sections)
    .map(
      ([name, values]) =>
        `[${name}]\n${Object.entries(values)
          .map(([key, value]) => `${key} = ${value}\n`)
          .join('')}`,
    )
    .join('\n');

const database = ({ ports }: Place, name: string): string =>
  `postgresql+psycopg2://postgres@127.0.0.1:${ports.postgres}/${name}`;

/** Keystone; `seconds` is how long its tokens live. */
export const keystoneConf = (place: Place, seconds: number): string =>
  ini({
    DEFAULT: { use_stderr: true, public_endpoint: `http://127.0.0.1:${place.ports.keystone}` },
    database: { connection: database(place, 'keystone') },
    token: { provider: 'fernet', expiration: seconds },
    fernet_tokens: { key_repository: `${place.dir}/fernet` },
    fernet_receipts: { key_repository: `${place.dir}/fernet` },
    credential: { key_repository: `${place.dir}/cred` },
    identity: { password_hash_rounds: 4 },
    cache: { enabled: true, backend: 'oslo_cache.dict' },
  });

/**
 * uwsgi closes each connection without saying so, unless told to: clients that keep connections alive would
 * otherwise write into closed ones.
 */
export const keystoneUwsgi = (port: number, conf: string): string =>
  ini({
    uwsgi: {
      plugins: 'python3',
      'http-socket': `127.0.0.1:${port}`,
      'wsgi-file': '/usr/bin/keystone-wsgi-public',
      processes: 1,
      threads: 4,
      'enable-threads': true,
      'lazy-apps': true,
      'need-app': true,
      'buffer-size': 65535,
      'add-header': 'Connection: close',
      'die-on-term': true,
      'disable-logging': true,
      listen: 100,
      env: `OS_KEYSTONE_CONFIG_FILES=${conf}`,
    },
  });

/** Neutron; what a backend adds stands in `sections`, key by key before what is common. */
export function neutronConf(place: Place, sections: Sections, pairLimit: number): string {
  const { dir, ports } = place;
  const common: Sections = {
    DEFAULT: {
      bind_host: '127.0.0.1',
      bind_port: ports.neutron,
      core_plugin: 'ml2',
      auth_strategy: 'keystone',
      state_path: `${dir}/state`,
      api_paste_config: '/usr/lib/python3/dist-packages/neutron/tests/etc/api-paste.ini',
      rpc_workers: 0,
      rpc_state_report_workers: 0,
      global_physnet_mtu: 1500,
      max_allowed_address_pair: pairLimit,
      dhcp_agent_notification: false,
      notify_nova_on_port_status_changes: false,
      notify_nova_on_port_data_changes: false,
    },
    database: { connection: database(place, 'neutron') },
    oslo_concurrency: { lock_path: `${dir}/lock` },
    keystone_authtoken: {
      www_authenticate_uri: `http://127.0.0.1:${ports.keystone}`,
      auth_url: `http://127.0.0.1:${ports.keystone}`,
      auth_type: 'password',
      username: 'neutron',
      password: 'neutronpw',
      project_name: 'service',
      user_domain_id: 'default',
      project_domain_id: 'default',
      service_token_roles: 'service',
      service_token_roles_required: true,
      // without it the access rules of an application credential match nothing: 401 for every call
      service_type: 'network',
    },
    ml2: { extension_drivers: 'port_security,qos,uplink_status_propagation,tag_ports_during_bulk_creation' },
    securitygroup: { enable_security_group: true },
    quotas: { quota_port: 2000 },
  };
  const names = new Set([...Object.keys(common), ...Object.keys(sections)]);
  return ini(Object.fromEntries([...names].map(name => [name, { ...common[name], ...sections[name] }])));
}
