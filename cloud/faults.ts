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
  /** What stands between the stars of the path. */
  readonly path: readonly string[];
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

const METHODS = ['*', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const PATHS = /^(\*|\/(identity|networking)(\/|\*|$))[^?]*$/;
/** Longer than this and Node's timers go off at once. */
const MOST_MS = 2 ** 31 - 1;

const GRAMMAR =
  '"METHOD PATH WHAT [times=N] [chance=P]": * stands for any method and, in a path that begins with /identity or /networking, for any text; WHAT is a status ' +
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
  (fault.method === '*' || fault.method === method) && matches(fault.path, path);

function parse(text: string): Fault {
  const wrong = (problem: string) => new FaultError(text, problem);
  const [method, path, what, ...options] = text.trim().split(/\s+/);
  if (method === undefined || path === undefined || what === undefined) throw wrong('something is missing');
  if (!METHODS.includes(method)) throw wrong(`${method} is no method`);
  if (!PATHS.test(path)) throw wrong(`${path} is no path of a service`);
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
  return { text, method, path: path.split('*'), deed, left, chance };
}

function deedOf(what: string): Deed | undefined {
  const [, name = '', value] = /^(\w+)(?:\/(\d+))?$/.exec(what) ?? [];
  if ((name === 'cut' || name === 'lose') && value === undefined) return { do: name };
  if (name === 'delay' && value !== undefined && Number(value) <= MOST_MS) return { do: 'delay', ms: Number(value) };
  return /^[45]\d\d$/.test(name) ? { do: 'answer', reply: refusal(Number(name), value) } : undefined;
}

/** Whether the text is what stands between the stars, with anything at each star; in time that grows with its length. */
function matches(parts: readonly string[], text: string): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
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
