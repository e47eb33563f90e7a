import * as v from 'valibot';
import type { RuntimeNetworks } from '../../attach/upkeep.ts';
import type { Clock } from '../../time/clock.ts';
import type { DockerStore } from './store.ts';

/** A GET of the engine's own API, by its path. Rejects where no engine answers. */
export type AskEngine = (
  path: string,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly body: string }>;

export interface EngineNetworksParts {
  readonly store: DockerStore;
  readonly askEngine: AskEngine;
  readonly clock: Clock;
}

/** A network is in the engine's list a moment after it was made; one younger than this is not missed, milliseconds. */
const YOUNG_MS = 60_000;

const listed = v.array(v.object({ Id: v.pipe(v.string(), v.minLength(1)) }));

/**
 * Which networks the engine still has. `docker network rm` with the plug-in down takes the network off the engine's list
 * and tells nobody again (seen on 20.10 and 26.1): its record, its pools and what was set aside in them would stay.
 */
export class EngineNetworks implements RuntimeNetworks {
  readonly #parts: EngineNetworksParts;

  constructor(parts: EngineNetworksParts) {
    this.#parts = parts;
  }

  async abandoned(signal: AbortSignal) {
    const { store, clock } = this.#parts;
    const old = (id: string) => clock.now() - (store.pools().find(pool => pool.id === id)?.since ?? 0) > YOUNG_MS;
    const candidates = store.networks().filter(({ pools }) => pools.every(old));
    const known = candidates.length === 0 ? undefined : await this.#known(signal);
    if (known === undefined) return [];
    return candidates.filter(({ id }) => !known.has(id)).map(({ id, pools }) => ({ network: id, groups: pools }));
  }

  async forget(network: string): Promise<void> {
    const { store } = this.#parts;
    await store.forget({ pools: store.findNetwork(network)?.pools ?? [], networks: [network] });
  }

  /** Ids of all networks of the engine; undefined where none answers as one. */
  async #known(signal: AbortSignal): Promise<ReadonlySet<string> | undefined> {
    try {
      const { status, body } = await this.#parts.askEngine('/networks', signal);
      const parsed = v.safeParse(listed, JSON.parse(body));
      return status === 200 && parsed.success ? new Set(parsed.output.map(({ Id }) => Id)) : undefined;
    } catch {
      return undefined;
    }
  }
}
