import { isDeepStrictEqual } from 'node:util';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Clock } from '../time/clock.ts';
import type { CallObserver, CloudCall } from './caller.ts';
import { type Cloud, DEADLINE_MS } from './open-cloud.ts';
import { Secret } from './secret.ts';
import { SwitchedNeutron } from './switched-neutron.ts';

/** Told of each request to a cloud, and whether that is the one in use: what another one meets says nothing of it. */
export type SwitchedObserver = (call: CloudCall, inUse: boolean) => void;

export interface SwitchedCloudParts {
  /** Reads the configuration anew. @throws CLOUD_CONFIG_*, CLOUD_UNKNOWN */
  readonly open: (name: string | undefined, observer: CallObserver) => Promise<Cloud>;
  readonly observer: SwitchedObserver;
  readonly clock: Clock;
}

/** A cloud whose credential may be renewed while it is used. */
export class SwitchedCloud {
  readonly neutron: SwitchedNeutron;
  readonly #parts: SwitchedCloudParts;
  readonly #inUse: { cloud: Cloud };
  /** Calls under way may still use these. */
  readonly #former = new Set<Cloud>();
  readonly #ending = new AbortController();

  private constructor(parts: SwitchedCloudParts, inUse: { cloud: Cloud }) {
    this.#parts = parts;
    this.#inUse = inUse;
    this.neutron = new SwitchedNeutron(inUse.cloud.neutron);
  }

  /** @throws CLOUD_CONFIG_*, CLOUD_UNKNOWN */
  static async open(parts: SwitchedCloudParts, name: string | undefined): Promise<SwitchedCloud> {
    const inUse: { cloud?: Cloud } = {};
    const cloud = await openOne(parts, inUse, name);
    return new SwitchedCloud(parts, Object.assign(inUse, { cloud }));
  }

  /**
   * Looks at the configuration again and, where it is another, gets a token with it.
   * @returns what takes it into use; undefined where nothing changed
   * @throws CLOUD_CONFIG_*, CLOUD_UNKNOWN, KEYSTONE_*, CLOUD_UNREACHABLE, CREDENTIAL_OF_ANOTHER_PROJECT: all stays as it is
   */
  async renewal(name: string | undefined, signal: AbortSignal): Promise<(() => void) | undefined> {
    const next = await openOne(this.#parts, this.#inUse, name);
    const { cloud } = this.#inUse;
    if (isSame(cloud, next)) {
      await next.close();
      return undefined;
    }
    try {
      const { projectId: project } = await next.authorization(signal);
      signal.throwIfAborted();
      // Remembered: it may be revoked, or away, which is why there is another.
      const former = cloud.project();
      if (former !== undefined && former !== project)
        throw new KuryrError('CREDENTIAL_OF_ANOTHER_PROJECT', { project, former });
    } catch (error) {
      await next.close();
      throw error;
    }
    return () => this.#use(next);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all([this.#inUse.cloud.close(), ...[...this.#former].map(cloud => this.#end(cloud))]);
  }

  #use(next: Cloud): void {
    const former = this.#inUse.cloud;
    this.#inUse.cloud = next;
    this.neutron.use(next.neutron);
    this.#former.add(former);
    const over = this.#parts.clock.sleep(DEADLINE_MS, this.#ending.signal);
    over.then(() => this.#end(former)).catch(() => undefined);
  }

  /** Its connections and its secret are let go. */
  async #end(former: Cloud): Promise<void> {
    if (this.#former.delete(former)) await former.close();
  }
}

async function openOne(
  { open, observer }: SwitchedCloudParts,
  inUse: { readonly cloud?: Cloud },
  name: string | undefined,
): Promise<Cloud> {
  const opened: Cloud = await open(name, call => observer(call, inUse.cloud === opened));
  return opened;
}

function isSame(one: Cloud, other: Cloud): boolean {
  return one.files === other.files && isDeepStrictEqual(bare(one.config), bare(other.config));
}

/** With secrets to be compared: each keeps its own even from a comparison. */
function bare(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, bare(item)]));
}
