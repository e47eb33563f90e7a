/**
 * An OpenStack for those who write tools for it: Keystone and Neutron in memory, as a tenant sees them. It starts in
 * milliseconds, the ordinary `openstack` client drives it, and it fails on demand. It holds no traffic: what its ports may
 * send is for others to enforce.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { cloudsYaml, type User } from './clouds-yaml.ts';
import { Faults } from './faults.ts';
import { KeepFile } from './keep-file.ts';
import { mayCall } from './keystone/access-rules.ts';
import { Keystone } from './keystone/keystone.ts';
import { Listener } from './listener.ts';
import { MOUNT } from './neutron/discovery.ts';
import { Neutron } from './neutron/neutron.ts';
import type { PortRow } from './neutron/store.ts';

export { type User, users } from './clouds-yaml.ts';
export { FaultError } from './faults.ts';
export type { PortRow } from './neutron/store.ts';

export interface CloudOptions {
  /** Where it listens: 127.0.0.1 when left out. */
  readonly host?: string;
  /** 0, as when left out, takes a free one. */
  readonly port?: number;
  /** Keeps its state there, over restarts too. */
  readonly file?: string;
  /** Neutron's max_allowed_address_pair: 10 when left out. */
  readonly pairLimit?: number;
  /** The most an MTU can be, and what networks have by default: 1442 when left out, as with Geneve on 1500. */
  readonly mtu?: number;
  /** `measured`: each request takes as long as a real Neutron was seen to take. */
  readonly latency?: 'none' | 'measured';
  /** What writes of one port at the same moment come to: `union` as up to Neutron 2025.1, or `first-wins`. */
  readonly races?: 'union' | 'first-wins';
  /** Whether calls are judged by access rules; or all refused that have some, as where Neutron has no `service_type`. */
  readonly accessRules?: 'judged' | 'refused';
  /** How long a token lives: an hour when left out. */
  readonly tokenSeconds?: number;
  /** What goes wrong on purpose; see the guide for the words. @throws FaultError when it is not understood */
  readonly faults?: readonly string[];
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** A number in [0, 1). */
  readonly random?: () => number;
  readonly newId?: () => string;
  readonly pause?: (ms: number) => Promise<unknown>;
  /** Told of what no request should be able to cause. */
  readonly report?: (error: unknown) => void;
}

export interface EmbeddedCloud extends AsyncDisposable {
  /** `http://127.0.0.1:34567` */
  readonly origin: string;
  /** Keystone: ends in /v3. */
  readonly authUrl: string;
  /** Neutron as the catalogue names it: without /v2.0. */
  readonly neutronUrl: string;
  /** A clouds.yaml whose cloud is called "kuryr-embedded". */
  cloudsYaml(user?: User): string;
  /** All ports as they stand. */
  ports(): readonly PortRow[];
  /** Calls the listener after each change of Neutron's; the returned function ends that. */
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}

/** @throws Error when it cannot listen there, or the file is not its own; FaultError */
export async function startCloud(options: CloudOptions = {}): Promise<EmbeddedCloud> {
  const {
    host = '127.0.0.1',
    port = 0,
    file,
    now = Date.now,
    random = Math.random,
    newId = randomUUID,
    pause = sleep,
  } = options;
  const {
    pairLimit = 10,
    mtu = 1442,
    races = 'union',
    latency = 'none',
    accessRules = 'judged',
    tokenSeconds = 3600,
  } = options;
  const state = file === undefined ? undefined : KeepFile.read(file);
  const faults = new Faults(random);
  faults.set(options.faults ?? []);
  const listeners = new Set<() => void>();
  const report = options.report ?? (() => undefined);
  const snapshot = () => ({ keystone: keystone.snapshot(), neutron: neutron.snapshot() });
  const keep = file === undefined ? undefined : new KeepFile(file, snapshot, report);
  const wait = async (ms: number) => void (await pause(ms));
  const keystone = new Keystone({
    now,
    newId: () => newId().replaceAll('-', ''),
    tokenMs: tokenSeconds * 1000,
    onChange: () => keep?.changed(),
    state: state?.keystone,
  });
  const neutron = new Neutron({
    settings: { pairLimit, mtu, races },
    ...{ latency, now, newId, random },
    pause: wait,
    authenticate: token => keystone.authenticate(token),
    mayCall: (caller, method, path) =>
      accessRules === 'judged' ? mayCall(caller, 'network', method, path) : caller.accessRules === undefined,
    keystone: origin => `${origin}/identity`,
    changed: () => {
      keep?.changed();
      for (const listener of listeners) {
        try {
          listener();
        } catch (error) {
          report(error);
        }
      }
    },
    state: state?.neutron,
  });
  const listener = new Listener({
    mounts: [
      { path: '/identity', handle: request => keystone.handle(request) },
      { path: MOUNT, handle: request => neutron.handle(request) },
    ],
    ...{ faults, newId, report },
    pause: wait,
  });
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${await listener.listen(host, port)}`;
  // Who there is has ids from the start.
  if (state === undefined) keep?.changed();
  const authUrl = `${origin}/identity/v3`;
  const close = async () => {
    await listener.close();
    keep?.end();
  };
  return {
    origin,
    authUrl,
    neutronUrl: `${origin}${MOUNT}`,
    cloudsYaml: (user = 'demo') => cloudsYaml(user, authUrl),
    ports: () => neutron.ports(),
    onChange(told) {
      listeners.add(told);
      return () => void listeners.delete(told);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
