import type { Reply } from './wire.ts';

/** What can go wrong on purpose, beside an answer with a status. */
export type Deed =
  /** The connection ends before anything was done. */
  | { readonly do: 'cut' }
  /** It is done, and the connection ends before the answer. */
  | { readonly do: 'lose' }
  | { readonly do: 'delay'; readonly ms: number }
  | { readonly do: 'answer'; readonly reply: Reply };

interface Fault {
  readonly text: string;
  readonly method: string;
  readonly path: RegExp;
  readonly deed: Deed;
  left: number;
  readonly chance: number;
}

/** A fault's text is wrong: `message` says what it should be. */
export class FaultError extends Error {
  constructor(text: string, problem: string) {
    super(`${GRAMMAR}; ${problem} in "${text}"`);
  }
}

const GRAMMAR =
  '"METHOD PATH WHAT [times=N] [chance=P]": * stands for any method and, in a path, for any text; WHAT is a status ' +
  '(412, 429/SECONDS with Retry-After, 503), delay/MILLISECONDS, cut (before it is done) or lose (after it is done)';

/** Faults that were asked for, in order; the first that fits a request and has turns left is taken. */
export class Faults {
  readonly #random: () => number;
  #faults: readonly Fault[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Those that have turns left. */
  get texts(): readonly string[] {
    return this.#faults.filter(({ left }) => left > 0).map(({ text }) => text);
  }

  /** Takes the place of all before. @throws FaultError */
  set(texts: readonly string[]): void {
    this.#faults = texts.map(parse);
  }

  /** @param path with the service's mount point: `/networking/v2.0/ports` */
  next(method: string, path: string): Deed | undefined {
    const fault = this.#faults.find(one => one.left > 0 && fits(one, method, path) && this.#random() < one.chance);
    if (fault === undefined) return undefined;
    fault.left--;
    return fault.deed;
  }
}

const fits = (fault: Fault, method: string, path: string): boolean =>
  (fault.method === '*' || fault.method === method) && fault.path.test(path);

function parse(text: string): Fault {
  const wrong = (problem: string) => new FaultError(text, problem);
  const [method, path, what, ...options] = text.trim().split(/\s+/);
  if (method === undefined || path === undefined || what === undefined) throw wrong('something is missing');
  let left = Number.POSITIVE_INFINITY;
  let chance = 1;
  for (const option of options) {
    const [name, value = ''] = option.split('=');
    const number = Number(value);
    if (name === 'times' && Number.isInteger(number) && number > 0) left = number;
    else if (name === 'chance' && number > 0 && number <= 1) chance = number;
    else throw wrong(`${option} is no option`);
  }
  const deed = deedOf(what);
  if (deed === undefined) throw wrong(`${what} is nothing that can happen`);
  const pattern = path
    .split('*')
    .map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return { text, method: method.toUpperCase(), path: new RegExp(`^${pattern}$`), deed, left, chance };
}

function deedOf(what: string): Deed | undefined {
  const [name = '', value] = what.split('/');
  const number = Number(value ?? '0');
  if (!Number.isFinite(number) || number < 0) return undefined;
  if (name === 'cut' || name === 'lose') return { do: name };
  if (name === 'delay') return { do: 'delay', ms: number };
  if (!/^[45]\d\d$/.test(name)) return undefined;
  return { do: 'answer', reply: refusal(Number(name), value) };
}

/** As Neutron answers 412; as a proxy before it answers the others. */
function refusal(status: number, retryAfter: string | undefined): Reply {
  const headers = retryAfter === undefined ? {} : { headers: { 'retry-after': retryAfter } };
  if (status === 412) {
    const message = 'Constrained to 0, but current revision is 1';
    return {
      status,
      ...headers,
      body: { NeutronError: { type: 'RevisionNumberConstraintFailed', message, detail: '' } },
    };
  }
  const body = { error: { code: status, title: 'Fault', message: 'This answer was asked for.' } };
  return { status, ...headers, body };
}
