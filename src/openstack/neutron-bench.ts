import { isKuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';
import { silentLogger } from '../observe/logger.ts';
import { FakeClock } from '../time/fake-clock.ts';
import { fakeRandom } from '../time/random.ts';
import type { AccessRule } from './access-rules.ts';
import { Caller, type CloudCall } from './caller.ts';
import type { CloudConfig } from './cloud-config.ts';
import { FakeHttp, type FakeReply } from './fake-http.ts';
import { type HttpRequest, TransportError } from './http.ts';
import { Keystone } from './keystone.ts';
import { NeutronApi } from './neutron-api.ts';
import { NeutronClient } from './neutron-client.ts';
import { Secret } from './secret.ts';

export const signal = new AbortController().signal;
export const code = (wanted: ErrorCode) => (error: unknown) => isKuryrError(error, wanted);
export const lost = new TransportError(false, 'ECONNRESET', 'other side closed');
export const unsent = new TransportError(true, 'ECONNREFUSED', 'connect ECONNREFUSED');

export const PORT = {
  ...{ id: 'p1', name: 'n', network_id: 'net', project_id: 'p', mac_address: 'fa:16:3e:00:00:01', status: 'DOWN' },
  ...{ fixed_ips: [{ subnet_id: 's', ip_address: '10.0.0.5' }], device_owner: '', device_id: 'd', security_groups: [] },
  ...{ allowed_address_pairs: [], port_security_enabled: true, revision_number: 7 },
};
export const BODY = {
  ...{ name: 'n', network_id: 'net', device_id: 'd', device_owner: 'kuryr:container', admin_state_up: false },
  fixed_ips: [{ subnet_id: 's' }],
};

type Step = FakeReply | Error | ((request: HttpRequest) => FakeReply | Error | Promise<FakeReply>);

/** A client whose requests to Neutron are answered step by step; the last step answers the rest. */
export function client(...steps: Step[]) {
  const clock = new FakeClock();
  const network: HttpRequest[] = [];
  let tokens = 0;
  let lifeMs = 3_600_000;
  let mute = false;
  let rules: readonly AccessRule[] | undefined;
  const http = new FakeHttp(request => {
    if (request.url.startsWith('http://keystone/')) {
      if (mute) return new Promise<FakeReply>(() => {});
      const issued_at = '2026-01-01T00:00:00Z';
      const expires_at = new Date(Date.parse(issued_at) + lifeMs).toISOString();
      const credential = rules === undefined ? {} : { application_credential: { access_rules: rules } };
      const token = { issued_at, expires_at, ...credential };
      return { status: 201, headers: { 'x-subject-token': `token-${++tokens}` }, body: { token } };
    }
    network.push(request);
    const step = steps[Math.min(network.length, steps.length) - 1] ?? {};
    return typeof step === 'function' ? step(request) : step;
  });
  const config: CloudConfig = {
    ...{ source: 'test', authUrl: 'http://keystone', region: undefined, interfaces: ['public'], verify: true },
    auth: { kind: 'password', user: { id: 'u' }, password: new Secret('pw'), project: { id: 'p' } },
    ...{ cacert: undefined, cert: undefined, key: undefined, networkEndpoint: 'http://neutron:9696' },
  };
  const repeating = { clock, random: fakeRandom([0.5]) };
  const calls: CloudCall[] = [];
  const caller = (service: 'identity' | 'network') =>
    new Caller(service, http, clock, silentLogger, call => calls.push(call));
  const keystone = new Keystone(config, caller('identity'), repeating, 30_000);
  const neutron = new NeutronClient(new NeutronApi(keystone, caller('network'), repeating, 30_000), repeating);
  const shown = () => network.map(({ method, url }) => `${method} ${url.replace('http://neutron:9696/v2.0', '')}`);
  /** Lets time pass until the call has ended. */
  const through = async <T>(call: Promise<T>): Promise<T> => {
    let open = true;
    const ended = call.finally(() => {
      open = false;
    });
    ended.catch(() => {});
    for (let turn = 0; open && turn < 400; turn++) await clock.advance(100);
    return ended;
  };
  const setTokenLife = (ms: number) => {
    lifeMs = ms;
  };
  const muteKeystone = () => {
    mute = true;
  };
  const setRules = (wanted: readonly AccessRule[]) => {
    rules = wanted;
  };
  return { neutron, network, clock, calls, shown, through, tokens: () => tokens, setTokenLife, muteKeystone, setRules };
}
