import type { Attachments } from '../attach/attachments.ts';
import type { FlipWatch } from '../hostaccess/flip-watch.ts';
import type { Guards } from '../hostaccess/guards.ts';
import type { HostAccess } from '../hostaccess/host-access.ts';
import type { FoundProblem, HealthBoard } from '../observe/health-board.ts';
import type { PairView } from '../pairs/pair-writer.ts';
import type { Clock } from '../time/clock.ts';

export interface HealthSources {
  readonly attachments: Pick<Attachments, 'unanswered'>;
  readonly guards: Pick<Guards, 'posts'>;
  readonly flips: Pick<FlipWatch, 'of'>;
  readonly hostAccess: Pick<HostAccess, 'state' | 'shieldFault'>;
  readonly writers: { views(): readonly { readonly port: string; readonly view: PairView }[] };
  readonly clock: Clock;
}

/** How long a change of a master's mode is told of, milliseconds. */
const FLIP_MS = 600_000;

/** Lets the board look at what parts of the daemon know of themselves. */
export function watchSources(board: HealthBoard, parts: HealthSources): void {
  board.watch(() => [...guardProblems(parts), ...accessProblems(parts), ...pairProblems(parts), ...silent(parts)]);
}

function guardProblems({ guards, flips, clock }: HealthSources): FoundProblem[] {
  return guards.posts.flatMap(({ slave, fault }) => {
    const { name: subject, ifindex } = slave.master;
    const code = fault?.code === 'GUARD_INCOMPLETE' ? fault.code : 'GUARD_FAILED';
    const found: FoundProblem[] = fault === undefined ? [] : [{ code, subject, reason: fault.text }];
    const last = flips.of(ifindex);
    if (last !== undefined && clock.now() - last.at <= FLIP_MS)
      found.push({ code: 'MASTER_FLIPPED', subject, reason: `${last.count} times, to ${last.found} the last time` });
    return found;
  });
}

function accessProblems({ hostAccess: { state, shieldFault } }: HealthSources): FoundProblem[] {
  const lacking = state.is === 'lacking' ? state.error : undefined;
  const services = state.is === 'working' ? state.lack : undefined;
  return [
    ...(lacking === undefined ? [] : [{ code: 'HOST_ACCESS_LACKING' as const, reason: lacking.text }]),
    ...(services === undefined ? [] : [{ code: 'SERVICES_LACKING' as const, reason: services.text }]),
    ...(shieldFault === undefined ? [] : [{ code: 'SHIELD_LACKING' as const, reason: shieldFault.text }]),
  ];
}

function pairProblems({ writers }: HealthSources): FoundProblem[] {
  return writers.views().flatMap(({ port, view: { used, limit } }) => {
    if (limit === undefined || used < limit) return [];
    return [{ code: 'PAIRS_FULL', subject: port, reason: `${used} of ${limit}` }];
  });
}

function silent({ attachments: { unanswered } }: HealthSources): FoundProblem[] {
  if (unanswered === 0) return [];
  return [{ code: 'FRAMES_UNSEEN', reason: unanswered === 1 ? 'one attachment' : `${unanswered} attachments` }];
}
