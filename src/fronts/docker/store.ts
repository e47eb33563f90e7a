import * as v from 'valibot';
import { KuryrError } from '../../errors/kuryr-error.ts';
import type { Json, Ledger } from '../../ledger/ledger.ts';
import { readRecord, recordOf } from '../../ledger/read-record.ts';
import { linkSpec } from '../../link/link-kind.ts';

const pool = recordOf({
  id: v.string(),
  vmPort: v.string(),
  networkId: v.string(),
  subnetId: v.string(),
  cidr: v.string(),
  family: v.picklist([4, 6]),
  /** Asked for without a subnet: see `bare creates`. */
  bare: v.boolean(),
  /** Undefined until Docker asks for it; null where there is none. */
  gateway: v.optional(v.nullable(v.string())),
  /** The Docker network that was created over it. */
  network: v.optional(v.string()),
  since: v.number(),
});

const network = recordOf({
  id: v.string(),
  vmPort: v.string(),
  pools: v.array(v.string()),
  spec: linkSpec,
  mtu: v.number(),
  internal: v.boolean(),
});

/** An address pool that Docker holds. Its id is never used twice: engines release stale ids at odd times. */
export type Pool = v.InferOutput<typeof pool>;
/** A Docker network. */
export type DockerNetwork = v.InferOutput<typeof network>;

/** The Docker front's part of the ledger, typed. */
export class DockerStore {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** @throws DOCKER_POOL_UNKNOWN */
  pool(id: string): Pool {
    const value = this.#ledger.get(`docker/pool/${id}`);
    if (value === undefined) throw new KuryrError('DOCKER_POOL_UNKNOWN', { pool: id });
    return readRecord(pool, `docker/pool/${id}`, value);
  }

  pools(): Pool[] {
    return this.#ledger.entries('docker/pool/').map(([key, value]) => readRecord(pool, key, value));
  }

  /** @throws DOCKER_NETWORK_UNKNOWN */
  network(id: string): DockerNetwork {
    const found = this.findNetwork(id);
    if (found === undefined) throw new KuryrError('DOCKER_NETWORK_UNKNOWN', { network: id });
    return found;
  }

  findNetwork(id: string): DockerNetwork | undefined {
    const value = this.#ledger.get(`docker/network/${id}`);
    return value === undefined ? undefined : readRecord(network, `docker/network/${id}`, value);
  }

  networks(): DockerNetwork[] {
    return this.#ledger.entries('docker/network/').map(([key, value]) => readRecord(network, key, value));
  }

  /** Durable when it resolves; all or nothing. */
  save(changes: { pools?: readonly Pool[]; networks?: readonly DockerNetwork[] }): Promise<void> {
    return this.#ledger.write({
      ...Object.fromEntries((changes.pools ?? []).map(item => [`docker/pool/${item.id}`, plain(item)])),
      ...Object.fromEntries((changes.networks ?? []).map(item => [`docker/network/${item.id}`, plain(item)])),
    });
  }

  /** Durable when it resolves; all or nothing. */
  forget({ pools = [], networks = [] }: { pools?: readonly string[]; networks?: readonly string[] }): Promise<void> {
    const keys = [...pools.map(id => `docker/pool/${id}`), ...networks.map(id => `docker/network/${id}`)];
    return this.#ledger.write(Object.fromEntries(keys.map(key => [key, undefined])));
  }
}

const plain = (record: Pool | DockerNetwork): Json => JSON.parse(JSON.stringify(record));
