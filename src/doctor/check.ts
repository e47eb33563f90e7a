import type { Details } from '../errors/details.ts';
import { asKuryrError } from '../errors/kuryr-error.ts';
import { abortable } from '../openstack/deadline.ts';
import type { Examination } from './examination.ts';
import { type Finding, findingOf, type States } from './finding.ts';
import { Unmet } from './unmet.ts';

/** Adds a finding. */
export type Say<S extends States> = (
  reason: keyof S & string,
  details?: Details,
  evidence?: readonly (string | undefined)[],
) => void;

/** A question about this VM, its NIC, its credential or its cloud, and every answer that it can have. */
export interface Check<Id extends string = string, S extends States = States> {
  readonly id: Id;
  /** What is checked, in words that follow "not checked, since". */
  readonly title: string;
  readonly states: S;
  /** Never rejects: what stops it is a finding too, after those that were made. */
  run(on: Examination, signal: AbortSignal): Promise<readonly Finding[]>;
}

/** States that a line of any check can have. */
export const commonStates = {
  unmet: { state: 'skipped', text: 'Not checked: it needs what the check "{owner}" did not find.' },
  failed: { state: 'failure', text: '{text}', todo: '{todo}' },
  late: {
    state: 'failure',
    text: 'Given up: no answer came in time.',
    todo: 'Look at what the other checks say, and try again.',
  },
} as const satisfies States;

/** Makes a check of its states and of what looks. */
export function defineCheck<const Id extends string, const S extends States>(definition: {
  readonly id: Id;
  readonly title: string;
  readonly states: S;
  examine(on: Examination, say: Say<S>, signal: AbortSignal): Promise<void>;
}): Check<Id, S> {
  const { id, title, states, examine } = definition;
  return {
    ...{ id, title, states },
    async run(on, signal) {
      const findings: Finding[] = [];
      const say: Say<S> = (reason, details = {}, evidence = []) => {
        const entry = states[reason];
        if (entry === undefined) throw new TypeError(`the check ${id} has no state ${reason}`);
        const told = evidence.filter(line => line !== undefined);
        findings.push(findingOf(id, reason, entry, details, told));
      };
      try {
        await abortable(examine(on, say, signal), signal);
      } catch (thrown) {
        findings.push(signal.aborted ? findingOf(id, 'late', commonStates.late, {}, []) : interrupted(id, thrown));
      }
      // A copy: what was given up may still speak.
      return [...findings];
    },
  };
}

function interrupted(id: string, thrown: unknown): Finding {
  if (thrown instanceof Unmet && thrown.owner !== id) {
    return findingOf(id, 'unmet', commonStates.unmet, { owner: thrown.owner }, []);
  }
  const { code, text, todo } = asKuryrError(thrown instanceof Unmet ? thrown.cause : thrown);
  return findingOf(id, 'failed', commonStates.failed, { text, todo }, [code]);
}
