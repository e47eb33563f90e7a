import { AsyncLocalStorage } from 'node:async_hooks';
import type { Meter } from './meter.ts';
import type { StepName, Timeline, Told } from './timeline.ts';

/** Why a step failed: of an error of the table its code, text and what to do. */
export interface StepError {
  readonly code: string;
  readonly text: string;
  readonly todo: string;
}

/** A step of a way; one that was done for several ways at once is the same object in each. */
export interface StepEvent {
  readonly step: StepName;
  /** Wall time when it began, milliseconds. */
  readonly at: number;
  /** The same on the clock that never steps. */
  readonly began: number;
  /** What it took; undefined while it is under way. */
  ms: number | undefined;
  outcome: 'ok' | 'failed' | 'unseen' | undefined;
  details: Told['details'];
  error: StepError | undefined;
}

/** A request that was sent to the cloud for it. */
export interface CallEvent {
  readonly method: string;
  readonly route: string;
  /** Undefined where no answer came. */
  readonly status: number | undefined;
  /** Wall time when it was sent, milliseconds. */
  readonly at: number;
  readonly ms: number;
  /** x-openstack-request-id. */
  readonly requestId: string | undefined;
}

/** The way of an attachment and its addresses, or of an address that none has yet. */
export interface Life {
  /** Undefined as long as no attachment has it. */
  readonly attachment: string | undefined;
  readonly addresses: readonly string[];
  /** Wall time, milliseconds. */
  readonly began: number;
  /** False where the daemon started in the midst of it. */
  readonly whole: boolean;
  /** Undefined while it goes on. */
  readonly ended: number | undefined;
  /** In order of their beginning. */
  readonly events: readonly (StepEvent | CallEvent)[];
  /** Events in the midst of it that were not kept. */
  readonly dropped: number;
}

interface OpenLife extends Life {
  attachment: string | undefined;
  addresses: string[];
  ended: number | undefined;
  events: (StepEvent | CallEvent)[];
  dropped: number;
  /** Subjects that still are; with the last one it ends. */
  readonly subjects: Set<string>;
}

/** What the lives reach the world through. */
export interface LivesParts {
  readonly meter: Meter;
  readonly clock: { now(): number; monotonic(): number };
}

/** Ways that ended and are still told of. */
const MOST_PAST = 256;
/** Ways that go on: the addresses of a VM are far fewer. What is lost with the oldest is its story alone. */
const MOST_LIVING = 8192;
/** Events of one way: beyond these the oldest go, its beginning apart. */
const MOST_EVENTS = 96;
const BEGINNING = 32;

/** The stages that are counted, by what they are a part of. */
const stages: Partial<Record<StepName, 'kuryr_attach_stage_seconds' | 'kuryr_detach_stage_seconds'>> = {
  reserve: 'kuryr_attach_stage_seconds',
  permit: 'kuryr_attach_stage_seconds',
  write: 'kuryr_attach_stage_seconds',
  link: 'kuryr_attach_stage_seconds',
  reach: 'kuryr_attach_stage_seconds',
  join: 'kuryr_attach_stage_seconds',
  detach: 'kuryr_detach_stage_seconds',
  unlink: 'kuryr_detach_stage_seconds',
  forbid: 'kuryr_detach_stage_seconds',
  free: 'kuryr_detach_stage_seconds',
};

/** Keeps the ways in memory, bounded, and counts their stages. */
export class Lives implements Timeline {
  readonly #parts: LivesParts;
  readonly #behalf = new AsyncLocalStorage<readonly string[]>();
  readonly #bySubject = new Map<string, OpenLife>();
  #past: OpenLife[] = [];

  constructor(parts: LivesParts) {
    this.#parts = parts;
  }

  get subjects(): readonly string[] {
    return this.#behalf.getStore() ?? [];
  }

  within<T>(subjects: readonly string[], work: () => T): T {
    return this.#behalf.run(subjects, work);
  }

  step<T>(subjects: readonly string[], step: StepName, work: () => T, tell?: (result: Awaited<T>) => Told): T {
    const { clock } = this.#parts;
    const began = clock.monotonic();
    const event: StepEvent = {
      ...{ step, at: clock.now(), began },
      ...{ ms: undefined, outcome: undefined, details: undefined, error: undefined },
    };
    for (const life of new Set(subjects.map(subject => this.#of(subject)))) keep(life, event);
    const ended = (result: Awaited<T>) => this.#done(subjects, event, tell?.(result) ?? {});
    const failed = (thrown: unknown) => this.#failed(event, thrown);
    try {
      const result = this.within(subjects, work);
      // Beside the promise that is handed on, so that who waits for it waits no turn longer.
      if (result instanceof Promise) result.then(ended, failed);
      else ended(result as Awaited<T>);
      return result;
    } catch (thrown) {
      failed(thrown);
      throw thrown;
    }
  }

  open(holding: string, address: string | undefined): void {
    const life = this.#begin(holding, true);
    if (address !== undefined) life.addresses.push(address);
  }

  name(attachment: string, holdings: readonly { readonly name: string; readonly address: string }[]): void {
    const lives = [...new Set(holdings.map(({ name }) => this.#of(name)))];
    const whole = lives.every(life => life.whole);
    const own = this.#begin(attachment, whole, Math.min(this.#parts.clock.now(), ...lives.map(({ began }) => began)));
    own.attachment = attachment;
    // A write of pairs was for several of them.
    own.events = [...new Set(lives.flatMap(({ events }) => events))].toSorted((a, b) => a.at - b.at);
    for (const { name, address } of holdings) {
      own.addresses.push(address);
      own.subjects.add(name);
      this.#bySubject.set(name, own);
    }
    const { clock } = this.#parts;
    const named = { step: 'name', at: clock.now(), began: clock.monotonic(), ms: 0, outcome: 'ok' } as const;
    // After a start it had its name long before.
    if (whole) keep(own, { ...named, details: undefined, error: undefined });
  }

  close(subject: string): void {
    const life = this.#bySubject.get(subject);
    if (life === undefined) return;
    this.#bySubject.delete(subject);
    life.subjects.delete(subject);
    if (life.subjects.size === 0) this.#end(life);
  }

  /** A request was sent on behalf of the subjects that are worked for just now; told when it is over. */
  call(call: Omit<CallEvent, 'at'>): void {
    const event = { ...call, at: this.#parts.clock.now() - call.ms };
    const lives = new Set(this.subjects.flatMap(subject => this.#bySubject.get(subject) ?? []));
    for (const life of lives) keep(life, event);
  }

  /** Those that go on, then those that ended, the latest first. */
  all(): readonly Life[] {
    const living = [...new Set(this.#bySubject.values())].toSorted((a, b) => b.began - a.began);
    return [...living, ...this.#past.toReversed()];
  }

  #of(subject: string): OpenLife {
    return this.#bySubject.get(subject) ?? this.#begin(subject, false);
  }

  #begin(subject: string, whole: boolean, began = this.#parts.clock.now()): OpenLife {
    this.close(subject);
    const life: OpenLife = {
      ...{ attachment: undefined, addresses: [], began, whole, ended: undefined },
      ...{ events: [], dropped: 0, subjects: new Set([subject]) },
    };
    this.#bySubject.set(subject, life);
    if (this.#bySubject.size > MOST_LIVING) {
      const [oldest = ''] = this.#bySubject.keys();
      this.close(oldest);
    }
    return life;
  }

  #end(life: OpenLife): void {
    life.ended = this.#parts.clock.now();
    this.#past.push(life);
    if (this.#past.length > MOST_PAST) this.#past = this.#past.slice(-MOST_PAST);
  }

  #done(subjects: readonly string[], event: StepEvent, { details, unseen = false }: Told): void {
    event.details = details;
    this.#over(event, unseen ? 'unseen' : 'ok');
    const lives = new Set(subjects.flatMap(subject => this.#bySubject.get(subject) ?? []));
    const address = details?.['address'];
    if (event.step === 'reserve' && typeof address === 'string')
      for (const life of lives) if (!life.addresses.includes(address)) life.addresses.push(address);
    if (event.step === 'reach' && !unseen) for (const { events } of lives) this.#measureReach(events);
  }

  #failed(event: StepEvent, thrown: unknown): void {
    event.error = errorOf(thrown);
    this.#over(event, 'failed');
    if (stages[event.step] !== undefined)
      this.#parts.meter.add('kuryr_stage_failures_total', { stage: event.step, code: event.error.code });
  }

  #over(event: StepEvent, outcome: 'ok' | 'failed' | 'unseen'): void {
    event.outcome = outcome;
    event.ms = this.#parts.clock.monotonic() - event.began;
    const stage = stages[event.step];
    if (stage !== undefined) this.#parts.meter.observe(stage, { stage: event.step, outcome }, event.ms / 1000);
  }

  #measureReach(events: OpenLife['events']): void {
    const written = events.findLast(event => 'step' in event && event.step === 'write' && event.outcome === 'ok');
    if (written === undefined || !('step' in written)) return;
    const since = this.#parts.clock.monotonic() - written.began - (written.ms ?? 0);
    this.#parts.meter.observe('kuryr_written_to_reachable_seconds', {}, since / 1000);
  }
}

function keep(life: OpenLife, event: StepEvent | CallEvent): void {
  life.events.push(event);
  if (life.events.length <= MOST_EVENTS) return;
  life.events.splice(BEGINNING, 1);
  life.dropped++;
}

function errorOf(thrown: unknown): StepError {
  const { code, text, todo, message } = Object(thrown) as Partial<Record<string, unknown>>;
  if (typeof code === 'string' && typeof text === 'string' && typeof todo === 'string') return { code, text, todo };
  return { code: 'INTERNAL', text: typeof message === 'string' ? message : String(thrown), todo: '' };
}
