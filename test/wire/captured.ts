import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from './golden.ts';

/** One request of a real engine, as it was sent, and what the driver that it talked to answered of names. */
export interface Captured {
  /** What the user had typed. */
  readonly mark: string;
  readonly path: string;
  readonly body: string;
  readonly answer: Readonly<Partial<Record<'PoolID' | 'Pool' | 'Address' | 'Error', string>>>;
}

export interface Capture {
  readonly engine: string;
  /** The headers of every request, Content-Length apart. */
  readonly headers: Readonly<Record<string, string>>;
  readonly requests: readonly Captured[];
}

/**
 * The requests of one Docker engine in their order, all on one connection. They were recorded on engines 20.10.24 and
 * 28.5 in front of a driver that answered from memory; changed since: the folder of the sandboxes is Docker's usual one.
 */
export function capture(name: string): Capture {
  const [head, ...lines] = linesOf(name);
  let mark = '';
  const requests = lines.flatMap((line): Captured[] => {
    if (line.mark === undefined) return [{ answer: {}, ...line, mark }];
    mark = line.mark;
    return [];
  });
  assert.ok(requests.length > 0);
  return { engine: head.engine, headers: head.headers, requests };
}

/** A stretch of an engine's life before Kuryr itself, as `npm run wire:record` wrote it. */
export interface Life extends Omit<Capture, 'requests'> {
  /** In their order: what befell engine and daemon, and what the engine sent. */
  readonly steps: readonly (Captured | { readonly event: Event })[];
}

export function life(name: string): Life {
  const [head, ...lines] = linesOf(name);
  let mark = '';
  const steps = lines.flatMap((line): Life['steps'] => {
    if (line.mark !== undefined) mark = line.mark;
    if (line.event !== undefined) return [line];
    return line.path === undefined ? [] : [{ ...line, mark }];
  });
  assert.ok(steps.length > 0);
  return { engine: head.engine, headers: head.headers, steps };
}

function linesOf(name: string) {
  const text = readFileSync(join(import.meta.dirname, 'captures', `${name}.jsonl`), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
}
