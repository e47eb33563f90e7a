import { randomBytes, randomUUID } from 'node:crypto';

/** Randomness as the parts of the daemon see it; injected, so that a test owns it. */
export interface Random {
  /** A number in [0, 1), for jitter. */
  float(): number;
  /** A version 4 UUID. */
  uuid(): string;
}

export const systemRandom: Random = {
  float: () => randomBytes(4).readUInt32LE(0) / 2 ** 32,
  uuid: () => randomUUID(),
};

/** Randomness that repeats: uuids count up, floats come from the list in turn. For tests. */
export function fakeRandom(floats: readonly number[] = [0.5]): Random {
  let floatsGiven = 0;
  let uuids = 0;
  return {
    float: () => floats[floatsGiven++ % floats.length] ?? 0.5,
    uuid: () => `00000000-0000-4000-8000-${(++uuids).toString(16).padStart(12, '0')}`,
  };
}
