import type { Reach, Reached, ReachTarget } from './reach.ts';

/** Reach for unit tests: keeps what was announced and probed, and answers as it is told. */
export class FakeReach implements Reach {
  readonly announced: string[] = [];
  readonly probed: string[] = [];
  /** The answer to the next probes; awaited, so that a test may hold one back. */
  answer: (target: ReachTarget) => Reached | Promise<Reached> = target => ({
    reachable: true,
    afterMs: 1,
    probes: 1,
    target: target.gateway ?? '10.0.0.1',
  });

  announce(target: ReachTarget, signal: AbortSignal): void {
    if (!signal.aborted) this.announced.push(target.address);
  }

  async probe(target: ReachTarget, _withinMs: number, signal: AbortSignal): Promise<Reached> {
    signal.throwIfAborted();
    this.probed.push(target.address);
    return await this.answer(target);
  }
}
