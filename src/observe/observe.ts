import type { Health } from './health.ts';
import type { Meter } from './meter.ts';
import type { Timeline } from './timeline.ts';

/** All that the parts of the daemon tell of themselves, besides the log. */
export interface Observe {
  readonly meter: Meter;
  readonly timeline: Timeline;
  readonly health: Health;
}

/** Keeps nothing, for tests and short commands. */
export const silentObserve: Observe = {
  meter: { add() {}, observe() {} },
  health: { set() {}, clear() {} },
  timeline: {
    step: (_subjects, _step, work) => work(),
    within: (_subjects, work) => work(),
    subjects: [],
    open() {},
    name() {},
    close() {},
  },
};
