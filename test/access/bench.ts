/** The lab's cloud as a user meets it: clouds.yaml, secure.yaml and variables in, Kuryr's own client out. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { inspect } from 'node:util';
import { stringify } from 'yaml';
import { vmCloudsYaml } from '../../src/credential/clouds-yaml.ts';
import { roleFor } from '../../src/credential/role.ts';
import { accessRules } from '../../src/credential/rules.ts';
import type { Logger } from '../../src/observe/logger.ts';
import type { CloudCall } from '../../src/openstack/caller.ts';
import type { HttpClient } from '../../src/openstack/http.ts';
import type { PortCreate } from '../../src/openstack/neutron.ts';
import { type Cloud, openCloud } from '../../src/openstack/open-cloud.ts';
import { systemRandom } from '../../src/time/random.ts';
import { systemClock } from '../../src/time/system-clock.ts';
import { Cloud as LabCloud } from '../lab/cloud/cloud.ts';
import type { User } from '../lab/cloud/identity.ts';
import type { Network } from '../lab/cloud/networks.ts';
import { ensureTree } from '../lab/tree/tree.ts';

/** What a user has written before the client starts. */
export interface Written {
  /** Files by their path below the home folder; objects become YAML. */
  readonly files?: Readonly<Record<string, object | string>>;
  /** The whole environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly wrapHttp?: (http: HttpClient) => HttpClient;
  readonly deadlineMs?: number;
}

/** The client, and what can be seen of it. */
export interface Opened extends Cloud {
  /** Every request that it sent. */
  readonly calls: readonly CloudCall[];
  /** All that it logged, and its configuration, as a debugger shows them. */
  shown(): string;
}

/** A user of the cloud, as Keystone knows it. */
export interface Identity {
  readonly userId: string;
  readonly projectId: string;
}

export const CLOUDS = '.config/openstack/clouds.yaml';
export const SECURE = '.config/openstack/secure.yaml';

export class Bench {
  readonly lab: LabCloud;
  readonly network: Network;
  readonly demo: Identity;
  readonly signal: AbortSignal;
  #names = 0;

  private constructor(lab: LabCloud, network: Network, demo: Identity, signal: AbortSignal) {
    this.lab = lab;
    this.network = network;
    this.demo = demo;
    this.signal = signal;
  }

  static async up(say: (line: string) => void, signal: AbortSignal): Promise<Bench> {
    const lab = await LabCloud.up({ backend: 'ovn', tree: await ensureTree('bookworm', say), say, signal });
    try {
      const [network, demo] = await Promise.all([
        lab.createNetwork({ name: 'access', v4: { cidr: '10.30.0.0/24' } }),
        identityOf(lab, 'demo', signal),
        lab.shortAuthUrl(),
      ]);
      return new Bench(lab, network, demo, signal);
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  down(): Promise<void> {
    return this.lab.down();
  }

  /** The keys under `auth` of demo's password by names. */
  password(authUrl = this.lab.authUrl): Record<string, string> {
    return {
      ...{ auth_url: authUrl, username: 'demo', password: 'demopw', project_name: 'demo' },
      ...{ user_domain_id: 'default', project_domain_id: 'default' },
    };
  }

  /** A clouds.yaml with demo's password, in which `more` is laid over the cloud's keys. */
  clouds(more: object = {}, authUrl = this.lab.authUrl): Written {
    const cloud = { auth: this.password(authUrl), region_name: 'RegionOne', ...more };
    return { files: { [CLOUDS]: { clouds: { lab: cloud } } } };
  }

  /** Starts the client over what is written; it ends with the test. */
  async open(t: TestContext, { files = {}, env = {}, ...options }: Written): Promise<Opened> {
    const home = await mkdtemp(join(tmpdir(), 'kuryr-access-'));
    t.after(() => rm(home, { recursive: true }));
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(home, path)), { recursive: true });
      await writeFile(join(home, path), typeof content === 'string' ? content : stringify(content));
    }
    const calls: CloudCall[] = [];
    const logged: unknown[] = [];
    const log = (...line: unknown[]): void => void logged.push(line);
    const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
    const cloud = await openCloud({
      ...{ env, home, cwd: home, logger, clock: systemClock, random: systemRandom },
      readFile: path => readFile(path, 'utf8'),
      observer: call => void calls.push(call),
      ...options,
    });
    t.after(() => cloud.close());
    const shown = () => inspect([logged, cloud.config], { depth: 12, showHidden: true });
    return { ...cloud, calls, shown };
  }

  /** Starts the client of who holds a credential that `kuryr credential` makes for VMs with these ports. */
  async least(t: TestContext, ports: readonly string[]): Promise<Opened> {
    const user = await this.open(t, this.clouds());
    const { endpoint } = await user.authorization(this.signal);
    const name = `least-${++this.#names}`;
    const request = {
      name,
      description: 'Kuryr',
      roles: [roleFor(['reader', 'member'])],
      rules: accessRules(endpoint, ports),
    };
    const made = await user.createCredential(request, this.signal);
    return this.open(t, { files: { [CLOUDS]: vmCloudsYaml(user.config, made) } });
  }

  /** What a reservation's POST carries, under a name of its own. */
  reservation(more: Partial<PortCreate> = {}): PortCreate {
    return {
      ...{ name: `kuryr-access-${++this.#names}`, network_id: this.network.id, admin_state_up: false },
      ...{ device_owner: 'kuryr:container', device_id: 'kuryr:access' },
      fixed_ips: [{ subnet_id: this.network.v4?.id ?? '' }],
      ...more,
    };
  }

  /** A request to Keystone with an administrator's token or another's. @throws unless Keystone agrees */
  async keystone(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const response = await fetch(`${this.lab.authUrl}${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-auth-token': await this.lab.token('admin'), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: this.signal,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    // biome-ignore lint/suspicious/noExplicitAny: tests reach into whatever Keystone answers
    return (text === '' ? {} : JSON.parse(text)) as any;
  }

  /** An application credential of demo's, with its secret. */
  async credential(name: string, more: object = {}): Promise<{ id: string; name: string; secret: string }> {
    const path = `/users/${this.demo.userId}/application_credentials`;
    const body = { application_credential: { name, ...more } };
    const headers = { 'x-auth-token': await this.lab.token('demo') };
    return (await this.keystone('POST', path, body, headers)).application_credential;
  }
}

async function identityOf(lab: LabCloud, user: User, signal: AbortSignal): Promise<Identity> {
  const token = await lab.token(user);
  const headers = { 'x-auth-token': token, 'x-subject-token': token };
  const response = await fetch(`${lab.authUrl}/auth/tokens`, { headers, signal });
  const { token: told } = (await response.json()) as { token: { user: { id: string }; project: { id: string } } };
  return { userId: told.user.id, projectId: told.project.id };
}

/** How many requests for a token were sent. */
export const authentications = (calls: readonly CloudCall[]): number =>
  calls.filter(call => call.service === 'identity').length;
