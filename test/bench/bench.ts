import type { Row } from './figures.ts';

/** Something to measure beside a peer of it, in one run. */
export interface Bench {
  /** What it is called on the command line. */
  readonly name: string;
  /** What stands above its table. */
  readonly title: string;
  /** Rounds counted unless asked otherwise. */
  readonly rounds: number;
  /** Every round measures all peers, one after another, so that what the machine does besides falls on all of them. */
  measure(rounds: number): Promise<readonly Row[]>;
}
