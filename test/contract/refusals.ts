/** Cases that are one request each and change nothing, told as a table. */
import type { Bed } from './bed.ts';
import { type Asking, RawBody } from './target.ts';
import { type Case, refused } from './trial.ts';

/** What is asked, what is answered. */
export interface Refusal extends Asking {
  readonly ask: readonly [method: string, path: string, body?: unknown];
  readonly answer: readonly [status: number, type: string, message: string];
}

/** An id that nothing has. */
export const NO_ID = '00000000-0000-4000-8000-00000000dead';

/** Each row of the table becomes a case. */
export function refusals(table: Readonly<Record<string, (bed: Bed) => Refusal>>): Case[] {
  return Object.entries(table).map(([name, row]) => ({
    name,
    run: async t => {
      const { ask, answer, ...asking } = row(t.bed);
      const [method, path, body] = ask;
      refused(await t.api(method, path, body, asking), ...answer);
    },
  }));
}

/** `PUT` of the bed's port, refused with 400 HTTPBadRequest. */
export const badPort =
  (fields: object, message: string, type = 'HTTPBadRequest', status = 400) =>
  ({ port }: Bed): Refusal => ({
    ask: ['PUT', `/ports/${port.id}`, { port: fields }],
    answer: [status, type, message],
  });

/** `POST` of a port on the bed's network, refused with 400 HTTPBadRequest. */
export const badNewPort =
  (fields: object, message: string, type = 'HTTPBadRequest', status = 400) =>
  ({ network }: Bed): Refusal => ({
    ask: ['POST', '/ports', { port: { network_id: network.id, ...fields } }],
    answer: [status, type, message],
  });

export const raw = (text: string): RawBody => new RawBody(text);
