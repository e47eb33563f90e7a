import { randomBytes } from 'node:crypto';
import { NODE, type Vm } from '../lab/vm.ts';

export interface Answer {
  /** curl's exit code: not 0 when the daemon died before it answered. */
  readonly code: number;
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export type Call = (verb: string, body: object) => Promise<Answer>;

const SOCKET = '/run/docker/plugins/kuryr.sock';
const AT = '/run/crash-at';

/** What a Docker engine asks of the daemon in the VM, said by curl, and the daemon's life and death. */
export class Engine {
  readonly #vm: Vm;
  readonly #program: string;
  #network = '';
  #pool = '';
  #endpoint = '';

  constructor(vm: Vm, program: string) {
    this.#vm = vm;
    this.#program = program;
  }

  /** Starts the daemon and returns when it answers. */
  async start(): Promise<void> {
    await this.#vm.ok(
      `OS_CLOUD=lab setsid ${NODE}/bin/node ${this.#program} ${AT} --hold-seconds 5 </dev/null >>/var/log/kuryr.log 2>&1 & echo $! >/run/kuryr.pid
      exec 9<> <(:)
      for ((i = 0; i < 1200; i++)); do
        curl -sf --unix-socket /run/kuryr/control.sock http://kuryr/v1/version >/dev/null && exit 0
        kill -0 $(</run/kuryr.pid) 2>/dev/null || break
        read -rt 0.05 -u 9
      done
      tail -n 30 /var/log/kuryr.log >&2; exit 1`,
      90,
    );
  }

  async kill(): Promise<void> {
    await this.#vm.stopKuryr('KILL');
  }

  /** The daemon that runs will be killed before its n-th outside effect from now. */
  async arm(point: number): Promise<void> {
    await this.#vm.ok(
      `rm -f ${AT}.armed; echo ${point} >${AT}; kill -USR2 $(</run/kuryr.pid); exec 9<> <(:)
      for ((i = 0; i < 200; i++)); do [ -e ${AT}.armed ] && exit 0; read -rt 0.02 -u 9; done; exit 1`,
    );
  }

  /** The daemon that runs will be left alone; false when it has died. */
  async disarm(): Promise<boolean> {
    await this.arm(Number.MAX_SAFE_INTEGER).catch(() => undefined);
    return !(await this.died());
  }

  async died(): Promise<boolean> {
    return (await this.#vm.run('kill -0 $(</run/kuryr.pid)')).code !== 0;
  }

  async call(verb: string, body: object): Promise<Answer> {
    const { code, stdout } = await this.#vm.run(
      `curl -s -m 60 --unix-socket ${SOCKET} -w '\\n%{http_code}' -d '${JSON.stringify(body)}' http://docker/${verb}`,
      90,
    );
    const lines = stdout.trim().split('\n');
    const [text = '', status = ''] = [lines[0], lines.at(-1)];
    return { code, status: Number(status), body: code === 0 && text !== '' ? JSON.parse(text) : {} };
  }

  /** As call. @throws Error unless it is answered well */
  async must(verb: string, body: object): Promise<Answer> {
    const answer = await this.call(verb, body);
    if (answer.code !== 0 || answer.status !== 200)
      throw new Error(`${verb}: ${JSON.stringify(answer)}\n${await this.#vm.log()}`);
    return answer;
  }

  async createNetwork(cidr: string): Promise<void> {
    const { body } = await this.must('IpamDriver.RequestPool', { Pool: cidr, Options: {} });
    this.#pool = String(body['PoolID']);
    this.#network = randomBytes(32).toString('hex');
    const options = { RequestAddressType: 'com.docker.network.gateway' };
    await this.must('IpamDriver.RequestAddress', { PoolID: this.#pool, Address: '', Options: options });
    await this.must('NetworkDriver.CreateNetwork', {
      NetworkID: this.#network,
      IPv4Data: [{ Pool: cidr }],
      IPv6Data: [],
    });
  }

  /** Takes part in the network of another client. */
  use(other: Engine): void {
    this.#pool = other.#pool;
    this.#network = other.#network;
  }

  /** From RequestAddress to Join; gives the address. */
  async attach(wanted: string, call: Call): Promise<string> {
    this.#endpoint = randomBytes(32).toString('hex');
    const endpoint = { NetworkID: this.#network, EndpointID: this.#endpoint };
    const { body } = await call('IpamDriver.RequestAddress', { PoolID: this.#pool, Address: wanted, Options: null });
    const cidr = String(body['Address']);
    await call('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: { Address: cidr }, Options: {} });
    const sandbox = `/var/run/docker/netns/${this.#endpoint.slice(0, 12)}`;
    await call('NetworkDriver.Join', { ...endpoint, SandboxKey: sandbox, Options: {} });
    return cidr.split('/')[0] ?? '';
  }

  /** From Leave to ReleaseAddress. */
  async detach(address: string, call: Call): Promise<void> {
    const endpoint = { NetworkID: this.#network, EndpointID: this.#endpoint };
    await call('NetworkDriver.Leave', endpoint);
    await call('NetworkDriver.DeleteEndpoint', endpoint);
    await call('IpamDriver.ReleaseAddress', { PoolID: this.#pool, Address: address });
  }

  /** Names of the reservations that the daemon has a record of. */
  async names(): Promise<string[]> {
    const text = await this.#vm.ok('curl -sf --unix-socket /run/kuryr/control.sock http://kuryr/v1/status');
    const { attachments, loose } = JSON.parse(text) as {
      attachments: { addresses: { name: string }[] }[];
      loose: { name: string }[];
    };
    return [...attachments.flatMap(({ addresses }) => addresses), ...loose].map(({ name }) => name);
  }

  /** Names of Kuryr's links in the VM. */
  async links(): Promise<string[]> {
    const { stdout } = await this.#vm.run('ls /sys/class/net');
    return stdout.split('\n').filter(name => name.startsWith('ky'));
  }
}
