import { canonical } from '../address/address.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { HealthReport, Problem } from '../observe/health-board.ts';
import type { Life } from '../observe/lives.ts';
import type { StepName } from '../observe/timeline.ts';
import { askFacts, type FactsParts } from './ask-facts.ts';
import type { Finding } from './finding.ts';
import type { AttachmentRecord, Holding, Records } from './records.ts';
import { type StoryLine, storyOf } from './story.ts';

/** What the front knows of its runtime's containers. */
export interface RuntimeContainers {
  /** Ids of the attachments that the container of that name or id has; none where there is none, or nobody answers. */
  attachmentsOf(container: string, signal: AbortSignal): Promise<readonly string[]>;
}

export interface ExplainParts extends FactsParts {
  readonly records: Records;
  readonly lives: { all(): readonly Life[] };
  readonly runtime: RuntimeContainers;
  readonly health: { report(): HealthReport };
}

/** An attachment's life, or that of an address that none has. */
export interface Explanation {
  readonly attachment: string | undefined;
  readonly network: string | undefined;
  readonly sandbox: string | undefined;
  readonly addresses: readonly string[];
  /** `named`: on an endpoint, without a link; `loose`: an address without an attachment. */
  readonly state: 'named' | 'attached' | 'ending' | 'loose' | 'gone';
  /** ISO 8601. */
  readonly began: string;
  readonly ended: string | undefined;
  /** False where the story begins with the start of the daemon: what was before, the ledger does not tell. */
  readonly whole: boolean;
  readonly story: readonly StoryLine[];
  /** Lines in the midst that were not kept. */
  readonly dropped: number;
  readonly now: readonly Finding[];
  /** What is wrong with the daemon as a whole. */
  readonly health: readonly Problem[];
}

/** A life in a list. */
export type LifeSummary = Pick<Explanation, 'attachment' | 'addresses' | 'state' | 'began' | 'ended'> & {
  /** The code of the last error, if it ended with one. */
  readonly error: string | undefined;
};

/** So many ids are named of those that a beginning fits. */
const MOST_CHOICES = 10;

/** What a life is told by: its record and holdings, as far as they are. */
interface Subject {
  readonly record: AttachmentRecord | undefined;
  readonly holdings: readonly Holding[];
  readonly life: Life;
}

/**
 * The lives that an address, the id of an endpoint or sandbox (its beginning is enough) or a container's name means: one for
 * each of a container's attachments.
 * @throws EXPLAIN_UNKNOWN, EXPLAIN_AMBIGUOUS
 */
export async function explain(parts: ExplainParts, what: string, signal: AbortSignal): Promise<Explanation[]> {
  const address = canonical(what);
  const found = address === undefined ? await byName(parts, what, signal) : byAddress(parts, address);
  if (found.length === 0) throw new KuryrError('EXPLAIN_UNKNOWN', { what: what.slice(0, 100) });
  const lives = await Promise.all(found.map(subject => explained(parts, subject, signal)));
  // Afterwards: what was asked just now may have shown more.
  const { problems } = parts.health.report();
  return lives.map(life => ({ ...life, health: problems }));
}

/** All lives that can be told, the latest first. */
export function livesOf({ records, lives }: Pick<ExplainParts, 'records' | 'lives'>): LifeSummary[] {
  const known = new Set(lives.all().flatMap(({ attachment }) => attachment ?? []));
  const untold = records.attachments().filter(({ id }) => !known.has(id));
  return [...lives.all(), ...untold.map(record => lifeOf(records, record))].map(life => ({
    attachment: life.attachment,
    addresses: life.addresses,
    state: stateOf(life, life.attachment === undefined ? undefined : records.attachment(life.attachment)),
    began: timeOf(life.began),
    ended: life.ended === undefined ? undefined : timeOf(life.ended),
    error: failureOf(life),
  }));
}

async function byName(parts: ExplainParts, what: string, signal: AbortSignal): Promise<Subject[]> {
  const { records, lives, runtime } = parts;
  const own = new Set(await runtime.attachmentsOf(what, signal));
  const living = records.attachments();
  const all = lives.all();
  const ids = new Set([...living.map(({ id }) => id), ...all.flatMap(({ attachment }) => attachment ?? [])]);
  const begins = (id: string) => what.length >= 4 && id.startsWith(what);
  const inSandbox = living.filter(({ sandbox }) => isSandbox(sandbox, what));
  const sandboxes = inSandbox.map(({ id }) => id);
  const isOne = new Set(inSandbox.map(({ sandbox }) => sandbox)).size === 1;
  const fitting = [...ids].filter(id => own.has(id) || begins(id) || sandboxes.includes(id));
  if (
    fitting.length > 1 &&
    !fitting.every(id => own.has(id)) &&
    !(isOne && fitting.every(id => sandboxes.includes(id)))
  )
    throw new KuryrError('EXPLAIN_AMBIGUOUS', { what: what.slice(0, 100), choices: fitting.slice(0, MOST_CHOICES) });
  return fitting.map(id => subjectOf(parts, id));
}

/** Engines name a sandbox's file by the first twelve digits of its id. */
function isSandbox(path: string | undefined, what: string): boolean {
  const name = path?.split('/').at(-1) ?? '';
  return what.length >= 4 && name !== '' && (name.startsWith(what) || what.startsWith(name));
}

/** Who has the address now, else who had it last. Networks of two NICs may have the same addresses. */
function byAddress(parts: ExplainParts, address: string): Subject[] {
  const { records, lives } = parts;
  const known = lives.all().filter(({ addresses }) => addresses.includes(address));
  const held = records.holdings().filter(({ reservation, wanted }) => (reservation?.address ?? wanted) === address);
  const [last] = known;
  if (held.length === 0) return last === undefined ? [] : [{ record: undefined, holdings: [], life: last }];
  return held.map(holding => {
    if (holding.attachment !== undefined) return subjectOf(parts, holding.attachment);
    const open = known.find(({ ended, attachment }) => ended === undefined && !isOnRecord(records, attachment));
    const untold = { attachment: undefined, addresses: [address], began: holding.since, whole: false };
    const life = open ?? { ...untold, ended: undefined, events: [], dropped: 0 };
    return { record: undefined, holdings: [holding], life };
  });
}

function isOnRecord(records: Records, attachment: string | undefined): boolean {
  return attachment !== undefined && records.attachment(attachment) !== undefined;
}

function subjectOf({ records, lives }: ExplainParts, id: string): Subject {
  const record = records.attachment(id);
  const life = lives.all().find(({ attachment }) => attachment === id);
  const holdings = record?.holdings.flatMap(name => records.holding(name) ?? []) ?? [];
  // Either is there, or its id would not have been found.
  return { record, holdings, life: life ?? lifeOf(records, record as AttachmentRecord) };
}

/** What the ledger knows of a life that this daemon has not seen begin. */
function lifeOf(records: Records, { id, holdings, since }: AttachmentRecord): Life {
  const addresses = holdings.flatMap(name => records.holding(name)?.reservation?.address ?? []);
  return { attachment: id, addresses, began: since, whole: false, ended: undefined, events: [], dropped: 0 };
}

async function explained(
  parts: ExplainParts,
  { record, holdings, life }: Subject,
  signal: AbortSignal,
): Promise<Omit<Explanation, 'health'>> {
  return {
    attachment: life.attachment,
    network: record?.network,
    sandbox: record?.sandbox,
    addresses: life.addresses,
    state: stateOf(life, record),
    began: timeOf(life.began),
    ended: life.ended === undefined ? undefined : timeOf(life.ended),
    whole: life.whole,
    story: storyOf(life),
    dropped: life.dropped,
    now: await askFacts(parts, record, holdings, signal),
  };
}

function stateOf({ attachment, ended }: Life, record: AttachmentRecord | undefined): Explanation['state'] {
  if (record?.ending === true) return 'ending';
  if (record !== undefined) return record.link === undefined ? 'named' : 'attached';
  if (ended !== undefined) return 'gone';
  return attachment === undefined ? 'loose' : 'ending';
}

/** The code of its last failure, where nothing but giving it up came after that. */
function failureOf({ events }: Life): string | undefined {
  const steps = events.filter(event => 'step' in event);
  const last = steps.findLastIndex(({ outcome }) => outcome === 'failed');
  const after = steps.slice(last + 1);
  return after.every(({ step }) => givingUp.includes(step)) ? steps[last]?.error?.code : undefined;
}

const givingUp: readonly StepName[] = ['detach', 'unlink', 'forbid', 'write', 'free'];

const timeOf = (ms: number) => new Date(ms).toISOString();
