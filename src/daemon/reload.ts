import { isDeepStrictEqual } from 'node:util';
import { type Config, camelCase } from '../config/config.ts';
import { type OptionName, optionNames, options } from '../config/options.ts';
import { asKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { Logger } from '../observe/logger.ts';
import { abortable, withinTime } from '../openstack/deadline.ts';
import type { Notifier } from '../service/notifier.ts';
import type { Clock } from '../time/clock.ts';

export interface ReloadParts {
  /** What the daemon started with. */
  readonly config: Config;
  /** Reads flags, variables and the file again. @throws CONFIG_* */
  readonly read: () => Promise<Config>;
  /** Makes the cloud of that name ready where its configuration is another; gives what takes it into use. */
  readonly renewal: (cloud: string | undefined, signal: AbortSignal) => Promise<(() => void) | undefined>;
  /** Makes ready what goes by these values. @throws KuryrError */
  readonly prepare: (config: Config) => Change;
  readonly notifier: Pick<Notifier, 'reloading' | 'ready'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** New values that are ready. */
export interface Change {
  /** Has them in force: it only assigns, so that it does not fail half-way. */
  take(): void;
  /**
   * Looks again at what goes by them.
   * @param renewed whether the cloud is asked with another credential by now
   */
  follow(renewed: boolean): void;
}

/** What came of a reload. */
export interface Reloaded {
  /** Options with a new value in force, as `wait-seconds: 9 (was 5)`. */
  readonly changed: readonly string[];
  /** Those that keep their value until the daemon is restarted. */
  readonly waiting: readonly string[];
  readonly credential: 'unchanged' | 'renewed';
}

/** What one may take, its turn included, milliseconds: systemd gives up on `ExecReload=` after TimeoutStartSec=, a minute. */
const RELOAD_MS = 45_000;

/** What the daemon says of itself in `systemctl status`. */
export const SERVING = "Serves Docker's plug-in socket";

/** Takes over what is new in the configuration: all of it that can be, or, where something is wrong with it, nothing. */
export class Reloads {
  readonly #parts: ReloadParts;
  #current: Config;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#current = parts.config;
  }

  /** One after another. @throws CONFIG_*, CLOUD_*, KEYSTONE_*, CREDENTIAL_OF_ANOTHER_PROJECT, RELOAD_TIMEOUT; then all is as before */
  reload(signal: AbortSignal): Promise<Reloaded> {
    const late = (cause: unknown) => new KuryrError('RELOAD_TIMEOUT', { seconds: RELOAD_MS / 1000 }, { cause });
    const run = (bound: AbortSignal): Promise<Reloaded> => {
      const next = this.#last.then(() => this.#reload(bound));
      this.#last = next.catch(() => undefined);
      return abortable(next, bound);
    };
    return withinTime(this.#parts.clock, RELOAD_MS, signal, run, late);
  }

  async #reload(signal: AbortSignal): Promise<Reloaded> {
    const { notifier, logger } = this.#parts;
    notifier.reloading();
    try {
      const told = await this.#takeOver(signal);
      logger.info({ changed: told.changed, waiting: told.waiting, cloud: told.credential }, 'reloaded');
      if (told.waiting.length > 0)
        logger.warn({ waiting: told.waiting }, 'these options keep their value until the daemon is restarted');
      return told;
    } finally {
      notifier.ready(SERVING);
    }
  }

  /** What can fail comes first. */
  async #takeOver(signal: AbortSignal): Promise<Reloaded> {
    const { read, renewal, prepare, logger } = this.#parts;
    try {
      signal.throwIfAborted();
      const before = this.#current;
      const wanted = await read();
      const next = takeOver(before, wanted);
      const change = prepare(next);
      const renew = await renewal(next.cloud, signal);
      // Who asked may have been told already that it failed.
      signal.throwIfAborted();
      change.take();
      renew?.();
      this.#current = next;
      this.#follow(change, renew !== undefined);
      return {
        changed: differences(before, next),
        waiting: differences(next, wanted),
        credential: renew === undefined ? 'unchanged' : 'renewed',
      };
    } catch (thrown) {
      const { code, message } = asKuryrError(thrown);
      logger.error({ code }, `nothing was reloaded, all is as before: ${message}`);
      throw thrown;
    }
  }

  /** All is in force by now, so that to fail would tell the wrong thing: what comes later looks again too. */
  #follow(change: Change, renewed: boolean): void {
    try {
      change.follow(renewed);
    } catch (thrown) {
      const { code, message } = asKuryrError(thrown);
      this.#parts.logger.error({ code }, `the new values are in force, but not all that goes by them: ${message}`);
    }
  }
}

/** The values that a reload takes over, and the others as they were. */
function takeOver(before: Config, wanted: Config): Config {
  const kept = optionNames.filter(name => !options[name].reloads).map(name => [camelCase(name), valueIn(before, name)]);
  return { ...wanted, ...Object.fromEntries(kept) };
}

function differences(before: Config, after: Config): string[] {
  return optionNames
    .filter(name => !isDeepStrictEqual(valueIn(before, name), valueIn(after, name)))
    .map(name => `${name}: ${shown(valueIn(after, name))} (was ${shown(valueIn(before, name))})`);
}

const valueIn = (config: Config, name: OptionName): unknown => config[camelCase(name) as keyof Config];

const shown = (value: unknown) => String(value ?? '') || 'none';
