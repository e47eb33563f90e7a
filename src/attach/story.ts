import { fillIn } from '../errors/details.ts';
import type { CallEvent, Life, StepError, StepEvent } from '../observe/lives.ts';
import type { StepName } from '../observe/timeline.ts';

/** A line of an attachment's story. */
export interface StoryLine {
  /** When it began, ISO 8601. */
  readonly at: string;
  /** Milliseconds since the story's beginning. */
  readonly after: number;
  /** What it took, milliseconds; undefined while it is under way. */
  readonly ms: number | undefined;
  readonly text: string;
  readonly error: StepError | undefined;
  /** Neutron's or Keystone's name for the request: the operator finds it in the log by it. */
  readonly requestId: string | undefined;
}

interface Words {
  readonly ok: string;
  readonly failed: string;
  readonly unseen?: string;
  readonly underWay: string;
}

const passes = 'frames with {address} pass: {target} answered (question {probes})';
const unseen =
  'frames with {address} were not seen to pass ({reason}, {probes} questions); it was attached all the same';

/** Each step in plain words. */
const words: Readonly<Record<StepName, Words>> = {
  'take-back': {
    ok: 'the address {address} was asked for again, and taken back',
    failed: 'the address could not be taken back',
    underWay: 'the address is being taken back',
  },
  reserve: {
    ok: 'Neutron reserved {address} (port {port})',
    failed: 'Neutron reserved no address',
    underWay: 'Neutron is asked to reserve an address',
  },
  permit: {
    ok: '{address} is permitted: its pair was seen to stand on the VM port',
    failed: 'the address was not permitted',
    underWay: 'waits for the pair to stand on the VM port',
  },
  write: {
    ok: 'the pairs of the VM port were written',
    failed: 'a write of the pairs was refused ({code})',
    underWay: 'the pairs of the VM port are being written',
  },
  name: { ok: 'the engine put it on an endpoint', failed: '', underWay: '' },
  join: {
    ok: 'the engine was told that the container may start (Join)',
    failed: 'the engine was refused (Join): the container does not start',
    underWay: 'the engine waits (Join)',
  },
  link: {
    ok: 'the kernel made the {kind} link {link} on {master}, mode {mode}',
    failed: 'the kernel made no link',
    underWay: 'the link is being made',
  },
  reach: {
    ok: passes,
    unseen,
    failed: 'whether frames pass was not asked to the end',
    underWay: 'asks whether frames pass',
  },
  revive: {
    ok: 'the daemon started, found it running and looked after it',
    failed: 'the daemon started, found it running and could not look after it',
    underWay: 'the daemon started, and looks after it',
  },
  'reach-again': {
    ok: passes,
    unseen: 'frames with {address} were not seen to pass ({reason}, {probes} questions)',
    failed: 'whether frames pass was not asked to the end',
    underWay: 'asks whether frames pass',
  },
  detach: {
    ok: 'detached, and the engine was told so',
    failed: 'it could not be detached',
    underWay: 'is being detached',
  },
  unlink: { ok: 'the link was deleted', failed: 'the link was not deleted', underWay: 'the link is being deleted' },
  forbid: {
    ok: 'the pair is gone from the VM port',
    failed: 'the pair could not be taken away yet',
    underWay: 'waits for the pair to be gone from the VM port',
  },
  free: {
    ok: 'the reservation went back to Neutron',
    failed: 'the reservation could not be given back yet',
    underWay: 'the reservation is being given back',
  },
};

/** The life as lines in the order of their beginning. */
export function storyOf({ began, events }: Life): StoryLine[] {
  return events
    .toSorted((a, b) => a.at - b.at)
    .map(event => ({
      at: new Date(event.at).toISOString(),
      after: Math.max(0, Math.round(event.at - began)),
      ...('step' in event ? stepLine(event) : callLine(event)),
    }));
}

function stepLine({ step, ms, outcome, details, error: thrown }: StepEvent) {
  const told = outcome === undefined ? words[step].underWay : (words[step][outcome] ?? words[step].ok);
  // One write is for many: what it means for this address, its permit tells.
  const error = step === 'write' ? undefined : thrown;
  return {
    ms: ms && Math.round(ms * 10) / 10,
    text: fillIn(told, { ...details, code: thrown?.code }),
    error,
    requestId: undefined,
  };
}

function callLine({ method, route, status, ms, requestId }: CallEvent) {
  const answer = status === undefined ? 'no answer' : String(status);
  return { ms: Math.round(ms * 10) / 10, text: `${method} ${route}: ${answer}`, error: undefined, requestId };
}
