import type { Reply, Request } from '../wire.ts';
import type { Kind } from './kinds/kind.ts';
import { badInput, internalError, Refusal } from './refusal.ts';
import { type Context, changed, type Row } from './store.ts';
import { text, textList } from './values.ts';

/** `/ports/ID/tags` and `/ports/ID/tags/TAG`. @throws Refusal */
export function tags<R extends Row>(
  kind: Kind<R>,
  id: string,
  tag: string | undefined,
  request: Request,
  context: Context,
): Reply {
  const table = kind.table(context.tables);
  const row = table.get(id);
  if (row === undefined || !kind.visible(row, context)) {
    throw new Refusal(404, 'TagResourceNotFound', `Resource ${kind.plural} ${id} could not be found.`);
  }
  // The counter that If-Match is compared with is none of a tag's row, and Neutron fails over it.
  if (request.headers['if-match'] !== undefined && request.method !== 'GET') throw internalError();
  const write = (list: readonly string[]) => {
    if (list.length === row.tags.length && list.every(one => row.tags.includes(one))) return;
    table.set(id, changed<Row>(row, context, { tags: list }) as R);
  };
  const known = tag !== undefined && row.tags.includes(tag);
  if (tag === undefined) {
    if (request.method === 'GET') return { status: 200, body: { tags: [...row.tags].sort() } };
    if (request.method === 'PUT') {
      const list = listOf(request.body);
      write(list);
      return { status: 200, body: { tags: list } };
    }
    if (request.method === 'DELETE') {
      write([]);
      return { status: 204 };
    }
    throw new Refusal(404, 'HTTPNotFound', 'not supported');
  }
  if (request.method === 'PUT') {
    const problem = text()(tag);
    if (problem !== undefined) throw badInput(problem);
    if (!known) write([...row.tags, tag]);
    return { status: 201, body: 'null', headers: { 'content-type': 'application/json' } };
  }
  if (!known) throw new Refusal(404, 'TagNotFound', `Tag ${tag} could not be found.`);
  if (request.method === 'DELETE') write(row.tags.filter(one => one !== tag));
  return { status: 204 };
}

function listOf(body: unknown): string[] {
  if (typeof body !== 'object' || body === null || !('tags' in body)) throw badInput('Invalid tags body');
  const problem = textList(body.tags);
  if (problem !== undefined) throw badInput(problem);
  return body.tags as string[];
}
