import { accessRules } from '../credential/rules.ts';
import { ExactIpam } from '../ipam/exact-ipam.ts';
import { RESERVATION_OWNER, reservationDevice } from '../ipam/ipam.ts';
import { FakeKernel, type FakeLink } from '../linux/fake-kernel.ts';
import { NeutronNics } from '../nic/neutron-nics.ts';
import { silentLogger } from '../observe/logger.ts';
import { FakeNeutron, type FakePort } from '../openstack/fake-neutron.ts';
import type { Port } from '../openstack/neutron.ts';
import type { Cloud } from '../openstack/open-cloud.ts';
import { FakeReach } from '../reach/fake-reach.ts';
import { FakeClock } from '../time/fake-clock.ts';
import { fakeRandom } from '../time/random.ts';
import { systemClock } from '../time/system-clock.ts';
import type { Credential, DoctorCloud, DoctorConfig, DoctorContext } from './context.ts';
import { credentialOf } from './credential-of.ts';
import { type Report, runDoctor } from './doctor.ts';

export const never = new AbortController().signal;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Answer = { readonly status: number; readonly body: string };

const HOUR = 3_600_000;
const SERVER = '5e11e500-0000-4000-8000-000000000001';

/** A failure as Node's file system and sockets give it. */
export const errno = (code: string): Error => Object.assign(new Error(code), { code });

/** A VM, its machine and its cloud in memory, all well: a test breaks what it is about. */
export class DoctorBench {
  readonly kernel = new FakeKernel();
  readonly neutron = new FakeNeutron();
  readonly clock = new FakeClock();
  readonly reach = new FakeReach();
  readonly config: Mutable<DoctorConfig> = {
    ...{ master: undefined, link: { kind: 'ipvlan', mode: 'l2', flag: 'bridge' } },
    ...{ hostAccess: 'on', services: { ranges: [], backends: [] } },
    ...{ stateDir: '/var/lib/kuryr', runDir: '/run/kuryr' },
    ...{ dockerSocket: '/run/docker/plugins/kuryr.sock', engineSocket: '/var/run/docker.sock' },
  };
  readonly credential: Mutable<Credential> = {
    ...{ kind: 'application credential', source: 'cloud "lab"', projectId: 'project', roles: ['member'] },
    ...{ expires: '2026-01-01T12:00:00Z', endsInMs: 12 * HOUR, rules: undefined, endpoint: 'http://neutron:9696/v2.0' },
  };
  readonly files = new Map([
    ['/proc/self/status', 'Name:\tnode\nCapEff:\t000001ffffffffff\n'],
    ['/sys/class/net/ens3/device/uevent', 'DRIVER=virtio_net\n'],
  ]);
  /** Names in folders. */
  readonly names = new Map<string, readonly string[]>([['/var/lib/kuryr', ['ledger', 'lock']]]);
  readonly folders = new Map<string, 'writable' | 'unwritable' | 'missing'>();
  /** By the socket, or the URL where there is none; Docker's by its URL's path. */
  readonly answers = new Map<string, Answer | Error>([
    ['/run/kuryr/control.sock', errno('ENOENT')],
    ['/version', { status: 200, body: '{"Version":"28.5.1","Components":[{"Name":"Engine"}]}' }],
    ['/info', { status: 200, body: '{"SecurityOptions":["name=seccomp,profile=builtin"]}' }],
    ['http://169.254.169.254/openstack/latest/meta_data.json', { status: 200, body: `{"uuid":"${SERVER}"}` }],
  ]);
  /** In place of the cloud in memory: one that the VM of `onCloud` is on. */
  #elsewhere: Cloud | undefined;
  recorded: ReadonlySet<string> | undefined = new Set();
  machine = 'x64';
  /** Thrown in place of the cloud. */
  cloudError: Error | undefined;
  credentialError: Error | undefined;
  readonly ens3 = this.kernel.addLink('host', { name: 'ens3', mac: 'fa:16:3e:aa:00:00', mtu: 1450 });
  readonly network = this.neutron.addNetwork({ name: 'private' });
  readonly subnet = this.neutron.addSubnet({ network_id: this.network.id, cidr: '10.0.0.0/24' });
  readonly vm = this.neutron.addPort({
    ...{ network_id: this.network.id, mac_address: this.ens3.mac, device_owner: 'compute:nova', device_id: SERVER },
    fixed_ips: [{ subnet_id: this.subnet.id, ip_address: '10.0.0.5' }],
  });

  constructor() {
    this.kernel.addAddress('host', this.ens3.ifindex, '10.0.0.5', 24);
    this.kernel.addRoute('host', { destination: 'default', gateway: '10.0.0.1', ifindex: this.ens3.ifindex });
    this.kernel.setSysctl('host', 'kernel.osrelease', '6.12.0-amd64');
  }

  /** A reservation of a VM port, this VM's unless told. */
  reserve(address: string, fields: Partial<FakePort> = {}): FakePort {
    return this.neutron.addPort({
      ...{ network_id: this.network.id, fixed_ips: [{ subnet_id: this.subnet.id, ip_address: address }] },
      ...{ device_owner: RESERVATION_OWNER, device_id: reservationDevice(this.vm.id), name: `kuryr-${address}` },
      ...fields,
    });
  }

  pair(...pairs: readonly { readonly ip_address: string; readonly mac_address?: string }[]): void {
    this.neutron.meddle(this.vm.id, { allowed_address_pairs: pairs });
  }

  /** Another NIC, with an address; on Neutron where a network is named. */
  addNic(link: FakeLink, address = '10.9.0.5'): void {
    const made = this.kernel.addLink('host', { mtu: 1450, mac: 'fa:16:3e:aa:00:09', ...link });
    this.kernel.addAddress('host', made.ifindex, address, 24);
  }

  changeMaster(change: Partial<FakeLink>): void {
    this.kernel.changeLink('host', this.ens3.ifindex, change);
  }

  /** A link on the master, in a container's netns that has a name. */
  addSlave(link: Partial<FakeLink>): void {
    this.names.set('/run/docker/netns', ['c1']);
    const netns = this.kernel.addNetns('/run/docker/netns/c1');
    const common = { name: 'eth0', master: this.ens3.ifindex, masterElsewhere: true, mac: this.ens3.mac, mtu: 1450 };
    this.kernel.addLink(netns, { ...common, ...link });
  }

  runDaemon(): void {
    this.answers.set('/run/kuryr/control.sock', { status: 200, body: '{"version":"0.1.0"}' });
    this.kernel.lock('/var/lib/kuryr/lock');
  }

  /** Gives the credential the rules of one that is for these ports, but for calls of `without`: `GET /v2.0/networks`. */
  limitCredential(ports: readonly string[], without?: string): void {
    const rules = accessRules(this.credential.endpoint, ports);
    this.credential.rules = rules.filter(({ method, path }) => `${method} ${path}` !== without);
  }

  /** Moves the VM into a cloud that answers by HTTP, as the one with this port. */
  onCloud(cloud: Cloud, port: Pick<Port, 'mac_address' | 'fixed_ips'>): void {
    this.#elsewhere = cloud;
    this.changeMaster({ mac: port.mac_address });
    for (const { ip_address } of port.fixed_ips) this.kernel.addAddress('host', this.ens3.ifindex, ip_address, 24);
  }

  /** Makes the next write with an If-Match fail so: the question for the right to write pairs. */
  refuseQuestion(error: Error): void {
    this.neutron.before('updatePort', ({ args }) => {
      if (args[2] === 0) throw error;
    });
  }

  context(): DoctorContext {
    const { kernel, config, clock, reach, machine } = this;
    return {
      ...{ kernel, config, clock, reach, machine, random: fakeRandom() },
      openCloud: async () => this.#cloud(),
      recordedReservations: async () => this.recorded,
      readFile: async path => this.files.get(path) ?? Promise.reject(errno('ENOENT')),
      listFolder: async path => this.names.get(path) ?? [],
      folder: async path => this.folders.get(path) ?? 'writable',
      plainGet: async ({ socket, url }) => {
        const key = socket === config.engineSocket ? new URL(url).pathname : (socket ?? url);
        const answer = this.answers.get(key) ?? errno('ECONNREFUSED');
        if (answer instanceof Error) throw answer;
        return answer;
      },
    };
  }

  run(): Promise<Report> {
    return runDoctor(this.context(), never);
  }

  #cloud(): DoctorCloud {
    const { kernel, config } = this;
    const cloud = this.#elsewhere;
    const neutron = cloud?.neutron ?? this.neutron;
    if (this.cloudError !== undefined) throw this.cloudError;
    const metadata = async () => undefined;
    return {
      neutron,
      nics: new NeutronNics({
        ...{ kernel, neutron, ownPorts: metadata, master: config.master, logger: silentLogger, life: never },
      }),
      ipam: new ExactIpam({ neutron, logger: silentLogger }),
      credential: async () => {
        if (this.credentialError !== undefined) throw this.credentialError;
        if (cloud !== undefined) return credentialOf(cloud, systemClock, never);
        return this.credential;
      },
    };
  }
}
