import type { Kind } from './nasty-values.ts';

/** What stands when the nasty bodies come: one VM, one container that runs, one address that nobody has named yet. */
export interface World {
  readonly network: string;
  /** Another Docker network on the same subnets. */
  readonly other: string;
  readonly pool4: string;
  readonly pool6: string;
  readonly otherPool: string;
  /** A pool of which no network was made yet. */
  readonly freePool: string;
  readonly endpoint: string;
  readonly cidr4: string;
  readonly cidr6: string;
  /** Held for `network`, and named by nobody. */
  readonly provisional: string;
}

/** A request that no engine sends. */
export interface Nasty {
  readonly what: string;
  readonly body: (world: World) => unknown;
  /** The code of the refusal; undefined where the request is answered well, and does nothing. */
  readonly code: string | undefined;
}

export interface Verb {
  /** A body that would be answered well. */
  readonly good: (world: World) => object;
  /** Fields by their path, such as `Interface.Address`. */
  readonly fields: Readonly<Record<string, Kind>>;
  /** Fields that may not be missing. */
  readonly required: readonly string[];
  /** Bodies that are well formed, and still mean what cannot be. */
  readonly meanings?: readonly Nasty[];
}

/** The code of what Docker never sends. */
export const INVALID = 'DOCKER_BODY_INVALID';
/** An id that nothing has. */
export const fresh = 'f'.repeat(64);

export const nasty = (what: string, body: Nasty['body'], code?: string): Nasty => ({ what, body, code });
