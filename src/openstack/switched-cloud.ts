import { isDeepStrictEqual } from 'node:util';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { CloudConfig } from './cloud-config.ts';
import type { Cloud } from './open-cloud.ts';
import { Secret } from './secret.ts';
import { SwitchedNeutron } from './switched-neutron.ts';

/** A cloud whose credential may be renewed while it is used. */
export class SwitchedCloud {
  readonly neutron: SwitchedNeutron;
  readonly #open: (name: string | undefined) => Promise<Cloud>;
  #current: Cloud;
  #renewals = 0;
  /** Calls under way may still use these; they end with the daemon. */
  readonly #former: Cloud[] = [];

  /** @param open reads the configuration anew */
  constructor(first: Cloud, open: (name: string | undefined) => Promise<Cloud>) {
    this.#current = first;
    this.#open = open;
    this.neutron = new SwitchedNeutron(first.neutron);
  }

  /** Whether a credential is being tried: what Keystone says meanwhile says nothing of the one in use. */
  get isTrying(): boolean {
    return this.#renewals > 0;
  }

  /**
   * Looks at the configuration again and, where it is another, gets a token with it.
   * @returns what takes it into use; undefined where nothing changed
   * @throws CLOUD_CONFIG_*, CLOUD_UNKNOWN, KEYSTONE_*, CLOUD_UNREACHABLE, CREDENTIAL_OF_ANOTHER_PROJECT: all stays as it is
   */
  async renewal(name: string | undefined, signal: AbortSignal): Promise<(() => void) | undefined> {
    this.#renewals += 1;
    try {
      return await this.#renewal(name, signal);
    } finally {
      this.#renewals -= 1;
    }
  }

  async #renewal(name: string | undefined, signal: AbortSignal): Promise<(() => void) | undefined> {
    const next = await this.#open(name);
    if (isSame(this.#current.config, next.config)) {
      await next.close();
      return undefined;
    }
    try {
      const { projectId: project } = await next.authorization(signal);
      // The former one may be revoked, which is why there is another: what it was of is then not to be asked any more.
      const former = await this.#current.authorization(signal).catch(() => undefined);
      if (former !== undefined && former.projectId !== project)
        throw new KuryrError('CREDENTIAL_OF_ANOTHER_PROJECT', { project, former: former.projectId });
    } catch (error) {
      await next.close();
      throw error;
    }
    return () => {
      this.#former.push(this.#current);
      this.#current = next;
      this.neutron.use(next.neutron);
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#current, ...this.#former].map(cloud => cloud.close()));
  }
}

function isSame(one: CloudConfig, other: CloudConfig): boolean {
  return isDeepStrictEqual(bare(one), bare(other));
}

/** With secrets to be compared: each keeps its own even from a comparison. */
function bare(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, bare(item)]));
}
