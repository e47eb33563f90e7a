import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { NODE, PROGRAM, type Vm } from '../lab/vm.ts';

export interface Answer {
  /** 0 unless the daemon died before it answered. */
  readonly code: 0 | 1;
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export type Call = (verb: string, body: object) => Promise<Answer>;

/** What the engine has of a container's interface. */
export interface Endpoint {
  readonly id: string;
  readonly address: string;
}

const AT = '/run/crash-at';
const SOCKETS = { plugin: '/run/docker/plugins/kuryr.sock', control: '/run/kuryr/control.sock' };
/** How long a daemon may take to answer after its start; one takes half a second. */
const START_MS = 60_000;

/** What a Docker engine asks of the daemon in the VM, and the daemon's life and death. */
export class Engine {
  readonly #vm: Vm;
  /** Ways to the daemon's sockets from this machine. */
  readonly #ways: Readonly<Record<keyof typeof SOCKETS, string>>;
  readonly #agent = new Agent({ keepAlive: true });
  #network = '';
  #pool = '';

  private constructor(vm: Vm, ways: Readonly<Record<keyof typeof SOCKETS, string>>) {
    this.#vm = vm;
    this.#ways = ways;
  }

  static async open(vm: Vm): Promise<Engine> {
    await vm.ok(standBy);
    const [plugin, control] = [await vm.tunnel(SOCKETS.plugin, 7001), await vm.tunnel(SOCKETS.control, 7002)];
    return new Engine(vm, { plugin, control });
  }

  /** Lets the daemon that stands by begin, has the next one stand by, and returns when the first one answers. */
  async start(): Promise<void> {
    await this.#vm.ok(
      `exec 9<> <(:)
      for ((i = 0; i < 1200; i++)); do [ -e ${AT}.loaded ] && break; read -rt 0.05 -u 9; done
      cp /run/standby.pid /run/kuryr.pid; pid=$(</run/kuryr.pid); renice 0 $pid >/dev/null; kill -HUP $pid; ${standBy}`,
      90,
    );
    const end = performance.now() + START_MS;
    while ((await this.#ask('control', 'GET', '/v1/version')).code !== 0) {
      if (performance.now() > end || (await this.died())) throw new Error(`not started:\n${await this.#vm.log()}`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  async kill(): Promise<void> {
    await this.#vm.stopKuryr('KILL');
  }

  /** The daemon that runs will be killed before its n-th outside effect from now; false when it has died already. */
  async arm(point: number): Promise<boolean> {
    const { code } = await this.#vm.run(
      `rm -f ${AT}.armed; echo ${point} >${AT}; pid=$(</run/kuryr.pid); kill -USR2 $pid || exit 1; exec 9<> <(:)
      while kill -0 $pid; do [ -e ${AT}.armed ] && exit 0; read -rt 0.02 -u 9; done; exit 1`,
    );
    return code === 0;
  }

  /** The daemon that runs will be left alone; false when it has died. */
  async disarm(): Promise<boolean> {
    return this.arm(Number.MAX_SAFE_INTEGER);
  }

  async died(): Promise<boolean> {
    return (await this.#vm.run('kill -0 $(</run/kuryr.pid)')).code !== 0;
  }

  async call(verb: string, body: object): Promise<Answer> {
    return this.#ask('plugin', 'POST', `/${verb}`, body);
  }

  /** As call. @throws Error unless it is answered well */
  async must(verb: string, body: object): Promise<Answer> {
    const answer = await this.call(verb, body);
    if (answer.code !== 0 || answer.status !== 200)
      throw new Error(`${verb}: ${JSON.stringify(answer)}\n${await this.#vm.log()}`);
    return answer;
  }

  #ask(way: keyof typeof SOCKETS, method: string, path: string, body?: object): Promise<Answer> {
    const timeout = AbortSignal.timeout(60_000);
    return new Promise((resolve, reject) => {
      const options = { socketPath: this.#ways[way], method, path, agent: this.#agent, signal: timeout };
      const sent = request(options, answer => {
        json(answer).then(
          said => resolve({ code: 0, status: answer.statusCode ?? 0, body: said as Answer['body'] }),
          gone,
        );
      });
      const gone = () => {
        if (timeout.aborted) reject(new Error(`${path}: not answered`));
        else resolve({ code: 1, status: 0, body: {} });
      };
      sent.once('error', gone).end(body === undefined ? undefined : JSON.stringify(body));
    });
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

  /** From RequestAddress to Join. */
  async attach(wanted: string, call: Call): Promise<Endpoint> {
    const id = randomBytes(32).toString('hex');
    const endpoint = { NetworkID: this.#network, EndpointID: id };
    const { body } = await call('IpamDriver.RequestAddress', { PoolID: this.#pool, Address: wanted, Options: null });
    const cidr = String(body['Address']);
    await call('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: { Address: cidr }, Options: {} });
    const sandbox = `/var/run/docker/netns/${id.slice(0, 12)}`;
    await call('NetworkDriver.Join', { ...endpoint, SandboxKey: sandbox, Options: {} });
    return { id, address: cidr.split('/')[0] ?? '' };
  }

  /** From Leave to ReleaseAddress. */
  async detach({ id, address }: Endpoint, call: Call): Promise<void> {
    const endpoint = { NetworkID: this.#network, EndpointID: id };
    await call('NetworkDriver.Leave', endpoint);
    await call('NetworkDriver.DeleteEndpoint', endpoint);
    await call('IpamDriver.ReleaseAddress', { PoolID: this.#pool, Address: address });
  }

  /** Names of the reservations that the daemon has a record of. */
  async names(): Promise<string[]> {
    const { body } = await this.#ask('control', 'GET', '/v1/status');
    const { attachments, loose } = body as unknown as {
      attachments: { addresses: { name: string }[] }[];
      loose: { name: string }[];
    };
    return [...attachments.flatMap(({ addresses }) => addresses), ...loose].map(({ name }) => name);
  }

  /** Moves the only link that is there into a sandbox of its own, as an engine does. */
  async settle(): Promise<void> {
    const [link] = await this.links();
    await this.#vm.ok(`ip netns add resident && ip link set ${link} netns resident`);
  }

  /** Names of Kuryr's links that are in no sandbox. */
  async links(): Promise<string[]> {
    const { stdout } = await this.#vm.run('ls /sys/class/net');
    return stdout.split('\n').filter(name => name.startsWith('ky'));
  }
}

/** Starts a daemon that loads its code, with what CPU is left over, and waits. */
const standBy = `rm -f ${AT}.loaded
  OS_CLOUD=lab nice setsid ${NODE}/bin/node ${PROGRAM}/crash.mjs ${AT} --hold-seconds 5 </dev/null >>/var/log/kuryr.log 2>&1 9>&- &
  echo $! >/run/standby.pid`;
