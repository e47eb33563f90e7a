import type { Told } from '../observe/timeline.ts';
import type { Reached, ReachTarget } from '../reach/reach.ts';
import type { Held } from './addresses.ts';

/** What is told of a probe that has ended. */
export const tellReach =
  ({ address }: ReachTarget) =>
  (answer: Reached): Told => {
    const { probes } = answer;
    if (!answer.reachable) return { details: { address, probes, reason: answer.reason }, unseen: true };
    return { details: { address, probes, target: answer.target } };
  };

/** The holdings by their names, with their addresses. */
export const told = (holdings: readonly Held[]) =>
  holdings.map(({ name, reservation: { address } }) => ({ name, address }));
