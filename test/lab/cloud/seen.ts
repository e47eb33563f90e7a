/** What Kuryr asks of the cloud and is answered, cut down to signatures: `GET /v2.0/ports/{id} ?fields,limit 404 PortNotFound`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type Call, errorType } from './traffic.ts';

/** What guests caused in lab runs that were recorded; on each cloud, some request of the contract suite has to cause each too. */
const FILE = new URL('../../contract/seen.txt', import.meta.url);

export const readSeen = (): string[] => readFileSync(FILE, 'utf8').split('\n').filter(Boolean);

/** `query` with or without its question mark; `body` is the parsed answer. */
export function signature(method: string, path: string, query: string, status: number, body: unknown): string {
  return line(method, path, query, status, errorType(body));
}

/** Signatures of answered calls that are not in the file; with `record` they are put into it. */
export function unseen(calls: readonly Call[], record: boolean): string[] {
  const known = new Set(readSeen());
  const found = new Set<string>();
  for (const { method, path, query, status, error, requestId } of calls) {
    // what a test's gate answered has no id, and is none of the cloud's
    if (status === undefined || requestId === undefined) continue;
    const text = line(method, path, query, status, error);
    if (!known.has(text)) found.add(text);
  }
  if (record && found.size > 0) writeFileSync(FILE, `${[...known, ...found].sort().join('\n')}\n`);
  return [...found].sort();
}

function line(method: string, path: string, query: string, status: number, type: string | undefined): string {
  const where = path.replace(/\/(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=\/|$)/g, '/{id}');
  const keys = [...new Set(new URLSearchParams(query).keys())].sort().join();
  return [method, where, ...(keys === '' ? [] : [`?${keys}`]), status, ...(type === undefined ? [] : [type])].join(' ');
}
