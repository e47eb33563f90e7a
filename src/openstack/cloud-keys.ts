import { KuryrError } from '../errors/kuryr-error.ts';
import type { EndpointInterface, Named } from './cloud-config.ts';
import { isMapping, type Mapping } from './clouds-file.ts';

export type Reader = ReturnType<typeof reader>;

/** Reads keys as they may be written: under `auth` or beside it, with hyphens, and under their old names. */
export function reader(cloud: Mapping, source: string) {
  const auth = isMapping(cloud['auth']) ? cloud['auth'] : {};
  const fail = (problem: string): never => {
    throw new KuryrError('CLOUD_CONFIG_INVALID', { source, problem });
  };
  const wrong = (key: string, problem: string): never => fail(`the key ${key} ${problem}`);
  const missing = (key: string): never => fail(`the key ${key} is missing`);
  const value = (keys: readonly string[]) => {
    for (const key of keys.flatMap(one => [one, one.replaceAll('_', '-')])) {
      const found = auth[key] ?? cloud[key];
      if (found !== undefined && found !== '') return found;
    }
    return undefined;
  };
  const secret = (...keys: string[]): string | undefined => {
    const found = value(keys);
    return found === undefined || typeof found === 'string' ? found : wrong(keys[0] ?? '', 'must be text');
  };
  const text = (...keys: string[]): string | undefined => {
    const found = secret(...keys);
    return found === 'null' || found === '~' ? undefined : found;
  };
  const url = (key: string): string | undefined => {
    const written = text(key);
    if (written === undefined) return undefined;
    const parsed = URL.canParse(written) ? new URL(written) : wrong(key, 'must be a URL');
    if (!/^https?:$/.test(parsed.protocol)) wrong(key, 'must begin with http:// or https://');
    return `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, '');
  };
  const boolean = (key: string): boolean | undefined => {
    const written = text(key)?.toLowerCase();
    if (written === undefined) return undefined;
    if (/^(true|yes|on|1)$/.test(written)) return true;
    return /^(false|no|off|0)$/.test(written) ? false : wrong(key, 'must be true or false');
  };
  const list = (...keys: string[]): readonly string[] => {
    const found = value(keys);
    if (Array.isArray(found)) return found.map(String);
    return typeof found === 'string' ? found.split(',').map(one => one.trim()) : ['public'];
  };
  const endpointInterface = (written: string): EndpointInterface => {
    const name = written.replace(/URL$/, '');
    if (name === 'public' || name === 'internal' || name === 'admin') return name;
    return wrong('interface', 'must be public, internal or admin');
  };
  /** `domain_*` stands for both domains where a project is named, `default_domain*` for what is left. */
  const domain = (of: 'user' | 'project') => {
    const id = text(`${of}_domain_id`) ?? (text(`${of}_domain_name`) ? undefined : text('domain_id'));
    if (id !== undefined) return { id };
    const name = text(`${of}_domain_name`, 'domain_name');
    if (name !== undefined) return { name };
    // openstackclient takes OS_DEFAULT_DOMAIN for an id (osc-lib, client_config.py); Keystone's first domain has the id
    // "default" and the name "Default".
    const spare = text('default_domain_id', 'default_domain');
    if (spare !== undefined) return { id: spare };
    const spareName = text('default_domain_name');
    return spareName === undefined ? undefined : { name: spareName };
  };
  const named = (of: 'user' | 'project'): Named | undefined => {
    const id = of === 'user' ? text('user_id') : text('project_id', 'tenant_id');
    if (id !== undefined) return { id };
    const name = of === 'user' ? text('username', 'user_name') : text('project_name', 'tenant_name');
    if (name === undefined) return undefined;
    return { name, domain: domain(of) ?? missing(`${of}_domain_name (or ${of}_domain_id)`) };
  };
  return { text, secret, url, boolean, list, endpointInterface, named, missing, wrong };
}
