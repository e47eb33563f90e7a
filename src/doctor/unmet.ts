import { asKuryrError, type KuryrError } from '../errors/kuryr-error.ts';

/** A fact that could not be had. The check that owns the fact reports why; the others only say that they need it. */
export class Unmet extends Error {
  /** Id of the check that reports the cause. */
  readonly owner: string;

  constructor(owner: string, cause: unknown) {
    super(`the check ${owner} failed`, { cause });
    this.owner = owner;
  }
}

/** Asks once; everybody who wants the fact gets the same answer, or the same Unmet. */
export function once<T>(owner: string, ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= ask().catch((cause: unknown) => {
      throw cause instanceof Unmet ? cause : new Unmet(owner, cause);
    });
    return asked;
  };
}

/** The error behind a fact of the check's own; what belongs to another check is thrown on. */
export function ownError(thrown: unknown, owner: string): KuryrError {
  if (!(thrown instanceof Unmet)) return asKuryrError(thrown);
  if (thrown.owner !== owner) throw thrown;
  return asKuryrError(thrown.cause);
}
