import type { Tapped } from './tap.ts';

/** What was recorded, in its order: what a user typed, what befell the machine, and what the engine sent. */
export type Recorded = { readonly mark: string } | { readonly event: Event } | Tapped;

export type Event =
  | 'the engine ends'
  | 'the engine is killed'
  | 'the engine ends, its containers live on'
  | 'the engine is killed, its containers live on'
  | 'the engine begins'
  | 'the daemon ends'
  | 'the daemon begins';

/** A golden file: a head, then a line each, with ids and names that count up, so that another recording can be compared. */
export function goldenLines(engine: string, recorded: readonly Recorded[]): string {
  const first = recorded.find(line => 'path' in line);
  const { 'Content-Length': _, ...headers } = first !== undefined && 'path' in first ? first.headers : {};
  const lines = recorded.map(line => {
    if (!('path' in line)) return line;
    const { path, body, status, answer } = line;
    const { PoolID, Pool, Address, Err } = JSON.parse(answer) as Record<string, unknown>;
    return { path, body, answer: { PoolID, Pool, Address, Error: status === 200 ? undefined : Err } };
  });
  return normalised([{ engine, headers }, ...lines].map(line => `${JSON.stringify(line)}\n`).join(''));
}

/** Ids that count up in the order in which they were first seen. */
function normalised(text: string): string {
  const counted = (pattern: RegExp, name: (n: number) => string) => {
    const names = new Map<string, string>();
    return (before: string) =>
      before.replace(pattern, found => {
        const known = names.get(found) ?? name(names.size + 1);
        names.set(found, known);
        return known;
      });
  };
  const hex = (n: number, length: number) => n.toString(16).padStart(length, '0');
  const steps = [
    counted(/\b[0-9a-f]{64}\b/g, n => hex(n, 64)),
    counted(/(?<=\/netns\/)[0-9a-f]{12}\b/g, n => hex(n, 12)),
    counted(
      /\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b/g,
      n => `00000000-0000-4000-8000-${hex(n, 12)}`,
    ),
    counted(/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, n => `fa:16:3e:00:00:${hex(n, 2)}`),
  ];
  return steps.reduce((before, step) => step(before), text);
}
