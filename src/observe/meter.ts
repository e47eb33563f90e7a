import type { CounterName, HistogramName, LabelsOf } from './metrics.ts';

/** What the parts of the daemon count through. */
export interface Meter {
  /** Counts one more, or `by` more. */
  add<Name extends CounterName>(name: Name, labels: LabelsOf<Name>, by?: number): void;
  /** Counts one that took so many seconds. */
  observe<Name extends HistogramName>(name: Name, labels: LabelsOf<Name>, seconds: number): void;
}
