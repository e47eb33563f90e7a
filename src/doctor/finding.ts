import { type Details, fillIn } from '../errors/details.ts';

/** `skipped`: not checked, or nothing to judge; the text says why. */
export type FindingState = 'ok' | 'warning' | 'failure' | 'skipped';

/** One line of `kuryr doctor`. */
export interface Finding {
  /** Id of the check. */
  readonly check: string;
  /** Which of the check's states this is; scripts may match on check and reason. */
  readonly reason: string;
  readonly state: FindingState;
  readonly text: string;
  /** What was measured or read, a line each. */
  readonly evidence: readonly string[];
  readonly todo?: string;
}

/** What a finding can say: `{name}` stands for a detail. */
export interface StateEntry {
  readonly state: FindingState;
  readonly text: string;
  readonly todo?: string;
}

/** The states of a check, by reason. */
export type States = Readonly<Record<string, StateEntry>>;

/** The finding that an entry stands for, its details filled in. */
export function findingOf(
  check: string,
  reason: string,
  entry: StateEntry,
  details: Details,
  evidence: readonly string[],
): Finding {
  return {
    ...{ check, reason, state: entry.state, text: fillIn(entry.text, details), evidence },
    ...(entry.todo === undefined ? {} : { todo: fillIn(entry.todo, details) }),
  };
}
