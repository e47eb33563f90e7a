import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';

/** A container of the engine's: a network namespace with a name. */
export interface BareContainer {
  readonly endpoint: string;
  readonly address: string;
}

interface State {
  readonly pool: string;
  readonly network: string;
  readonly containers: Readonly<Record<string, BareContainer>>;
}

const execute = promisify(execFile);

/**
 * Containers that are network namespaces with a shell: Kuryr is asked over the plug-in socket, in Docker's words and order,
 * and the link is moved, addressed and brought up as libnetwork does.
 */
export class BareEngine {
  readonly #socket: string;
  readonly #stateFile: string;

  constructor(at: { readonly socket: string; readonly stateFile: string }) {
    this.#socket = at.socket;
    this.#stateFile = at.stateFile;
  }

  /** What `docker network create --subnet CIDR` does. @throws Error with what Kuryr answered */
  async network(cidr: string): Promise<void> {
    const { PoolID } = await this.#call('IpamDriver.RequestPool', { Pool: cidr, Options: {} });
    const options = { RequestAddressType: 'com.docker.network.gateway' };
    await this.#call('IpamDriver.RequestAddress', { PoolID, Address: '', Options: options });
    const network = randomBytes(32).toString('hex');
    await this.#call('NetworkDriver.CreateNetwork', { NetworkID: network, IPv4Data: [{ Pool: cidr }], IPv6Data: [] });
    await this.#save({ pool: String(PoolID), network, containers: {} });
  }

  /** What `docker run` does for the network; gives the address. @throws Error with what Kuryr answered */
  async run(name: string): Promise<string> {
    const state = await this.#load();
    if (Object.hasOwn(state.containers, name)) throw new Error(`there is a container ${name} already`);
    const endpoint = randomBytes(32).toString('hex');
    const { Address } = await this.#call('IpamDriver.RequestAddress', {
      PoolID: state.pool,
      Address: '',
      Options: null,
    });
    const cidr = String(Address);
    const address = cidr.split('/')[0] ?? '';
    // Whatever fails from here on, `remove` gives the address back.
    await this.#save({ ...state, containers: { ...state.containers, [name]: { endpoint, address } } });
    const ids = { NetworkID: state.network, EndpointID: endpoint };
    await this.#call('NetworkDriver.CreateEndpoint', { ...ids, Interface: { Address: cidr }, Options: {} });
    await ip(`netns add ${name}`);
    const joined = await this.#call('NetworkDriver.Join', { ...ids, SandboxKey: `/run/netns/${name}`, Options: {} });
    const { SrcName, DstPrefix } = joined['InterfaceName'] as { SrcName: string; DstPrefix: string };
    const eth = `${DstPrefix}0`;
    await ip(`link set ${SrcName} netns ${name} name ${eth}`);
    await ip(`-n ${name} link set lo up`);
    await ip(`-n ${name} address add ${cidr} dev ${eth}`);
    await ip(`-n ${name} link set ${eth} up`);
    const gateway = String(joined['Gateway'] ?? '');
    if (gateway !== '') await ip(`-n ${name} route add default via ${gateway} dev ${eth}`);
    return address;
  }

  /** What `docker rm -f` does for the network, of a container that came up in part too. @throws Error with what Kuryr answered */
  async remove(name: string): Promise<void> {
    const state = await this.#load();
    const { [name]: container, ...others } = state.containers;
    if (container === undefined) throw new Error(`there is no container ${name}`);
    const ids = { NetworkID: state.network, EndpointID: container.endpoint };
    await this.#call('NetworkDriver.Leave', ids);
    await this.#call('NetworkDriver.DeleteEndpoint', ids);
    await ip(`netns delete ${name}`).catch(error => {
      if (!/No such file or directory/.test((error as Error).message)) throw error;
    });
    await this.#call('IpamDriver.ReleaseAddress', { PoolID: state.pool, Address: container.address });
    await this.#save({ ...state, containers: others });
  }

  async containers(): Promise<Readonly<Record<string, BareContainer>>> {
    return (await this.#load()).containers;
  }

  #call(verb: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    return new Promise((resolve, reject) => {
      const options = { socketPath: this.#socket, method: 'POST', path: `/${verb}`, timeout: 60_000 };
      const sent = request(options, answer => {
        json(answer).then(said => {
          const { Err } = said as { Err?: string };
          if (answer.statusCode === 200 && !Err) resolve(said as Record<string, unknown>);
          else reject(new Error(`${verb}: ${Err ?? answer.statusCode}`));
        }, reject);
      });
      sent.once('error', reject);
      sent.once('timeout', () => sent.destroy(new Error(`${verb}: no answer`)));
      sent.end(JSON.stringify(body));
    });
  }

  async #load(): Promise<State> {
    return JSON.parse(await readFile(this.#stateFile, 'utf8')) as State;
  }

  async #save(state: State): Promise<void> {
    await writeFile(this.#stateFile, JSON.stringify(state));
  }
}

async function ip(line: string): Promise<void> {
  await execute('ip', line.split(' '));
}
