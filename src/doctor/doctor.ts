import { withDeadline } from '../openstack/deadline.ts';
import type { Check } from './check.ts';
import { checks as allChecks } from './checks.ts';
import type { DoctorContext } from './context.ts';
import { examine } from './examination.ts';
import type { Finding, FindingState } from './finding.ts';

export interface Report {
  /** In the order of the checks. */
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Record<FindingState, number>>;
}

/** Longer than four calls to the cloud that each take all of their time. */
const DEADLINE_MS = 90_000;

/**
 * Finds out whether this VM, its NIC, its credential and its cloud can carry Kuryr. All checks run at once, each as far
 * as it gets: one that needs what another did not find says so, and one that hangs is given up after 90 seconds.
 * Rejects only when the signal is aborted.
 */
export async function runDoctor(
  context: DoctorContext,
  signal: AbortSignal,
  checks: readonly Pick<Check, 'id' | 'run'>[] = allChecks,
): Promise<Report> {
  return withDeadline(context.clock, DEADLINE_MS, signal, async deadline => {
    const examination = examine(context, deadline.signal);
    const findings = (await Promise.all(checks.map(check => check.run(examination, deadline.signal)))).flat();
    signal.throwIfAborted();
    const counts = { ok: 0, warning: 0, failure: 0, skipped: 0 };
    for (const { state } of findings) counts[state]++;
    return { findings, counts };
  });
}
