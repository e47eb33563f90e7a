import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

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
  const text = readFileSync(join(import.meta.dirname, 'captures', `${name}.jsonl`), 'utf8');
  const [head, ...lines] = text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  let mark = '';
  const requests = lines.flatMap((line): Captured[] => {
    if (line.mark === undefined) return [{ answer: {}, ...line, mark }];
    mark = line.mark;
    return [];
  });
  assert.ok(requests.length > 0);
  return { engine: head.engine, headers: head.headers, requests };
}
