/** Tags of ports, networks and the rest. */
import assert from 'node:assert/strict';
import { badNewPort, NO_ID, type Refusal, refusals } from '../refusals.ts';
import { type Case, refused, status } from '../trial.ts';

const badTags =
  (body: unknown, message: string) =>
  ({ port }: { port: { id: string } }): Refusal => ({
    ask: ['PUT', `/ports/${port.id}/tags`, body],
    answer: [400, 'InvalidInput', `Invalid input for operation: ${message}`],
  });

export const tags: readonly Case[] = [
  {
    name: 'a tag is put, found and taken away',
    run: async t => {
      const { id } = await t.bare();
      const put = await t.api('PUT', `/ports/${id}/tags/red`);
      status(put, 201);
      assert.equal(put.body, null);
      status(await t.api('PUT', `/ports/${id}/tags/red`), 201);
      assert.deepEqual(await t.get(`/ports/${id}/tags`), { tags: ['red'] });
      status(await t.api('GET', `/ports/${id}/tags/red`), 204);
      refused(await t.api('GET', `/ports/${id}/tags/blue`), 404, 'TagNotFound', 'Tag blue could not be found.');
      status(await t.api('DELETE', `/ports/${id}/tags/red`), 204);
      refused(await t.api('DELETE', `/ports/${id}/tags/red`), 404, 'TagNotFound', 'Tag red could not be found.');
    },
  },
  {
    name: 'all tags are replaced, and taken away',
    run: async t => {
      const { id } = await t.bare({ tags: ['old'] });
      const put = await t.api('PUT', `/ports/${id}/tags`, { tags: ['a/b', 'a,b', 'ü'] });
      status(put, 200);
      assert.deepEqual(put.body.tags.toSorted(), ['a,b', 'a/b', 'ü']);
      assert.deepEqual((await t.get(`/ports/${id}`)).port.tags.toSorted(), ['a,b', 'a/b', 'ü']);
      status(await t.api('DELETE', `/ports/${id}/tags`), 204);
      assert.deepEqual(await t.get(`/ports/${id}/tags`), { tags: [] });
    },
  },
  {
    name: 'tags come with a POST, sorted',
    run: async t => {
      const port = await t.bare({ tags: ['b', 'a'] });
      assert.deepEqual(port.tags, ['a', 'b']);
      assert.deepEqual((await t.get(`/ports/${port.id}`)).port.tags, ['a', 'b']);
    },
  },
  {
    name: 'a tag may have 255 characters',
    run: async t => {
      const { id } = await t.bare();
      const tag = 'x'.repeat(255);
      status(await t.api('PUT', `/ports/${id}/tags`, { tags: [tag] }), 200);
      status(await t.api('GET', `/ports/${id}/tags/${tag}`), 204);
    },
  },
  {
    name: 'networks and subnets have tags too',
    run: async t => {
      const { network, subnet } = await t.net('10.47.0.0/24');
      for (const path of [`/networks/${network.id}`, `/subnets/${subnet.id}`]) {
        status(await t.api('PUT', `${path}/tags/red`), 201);
        assert.deepEqual(await t.get(`${path}/tags`), { tags: ['red'] });
      }
      assert.deepEqual((await t.get(`/networks/${network.id}`)).network.tags, ['red']);
    },
  },
  {
    name: 'lists are filtered by tags: all, any, none',
    run: async t => {
      const { id: network_id } = await t.network();
      const ports = [['red', 'big'], ['red'], ['blue'], []];
      const ids: string[] = [];
      for (const each of ports) ids.push((await t.port(network_id, { tags: each })).id);
      for (const [query, expected] of [
        ['tags=red', [0, 1]],
        ['tags=red,big', [0]],
        ['tags-any=blue,big', [0, 2]],
        ['not-tags=red', [2, 3]],
        ['not-tags-any=red,blue', [3]],
        ['tags=red&not-tags=big', [1]],
        ['tags=none', []],
      ] as const) {
        const found = (await t.get(`/ports?network_id=${network_id}&fields=id&${query}`)).ports;
        assert.deepEqual(found.map((port: { id: string }) => ids.indexOf(port.id)).sort(), expected, query);
      }
    },
  },
  {
    name: "another project's port has no tags to be seen",
    run: async t => {
      const answer = await t.api('GET', `/ports/${t.bed.port.id}/tags`, undefined, { user: 'demo2' });
      status(answer, 404);
      assert.equal(answer.body.NeutronError.type, 'TagResourceNotFound');
    },
  },
  ...refusals({
    'a tag twice is refused': badTags({ tags: ['a', 'b', 'a'] }, "Duplicate items in the list: 'a'."),
    'tags are a list': badTags({ tags: 'x' }, "'x' is not a list."),
    'tags are texts': badTags({ tags: [5] }, "'5' is not a valid string."),
    'tags stand under their name': badTags({ x: [] }, 'Invalid tags body.'),
    'a tag has an end': badTags({ tags: ['x'.repeat(256)] }, `'${'x'.repeat(256)}' exceeds maximum length of 255.`),
    'a tag twice is refused in a POST': badNewPort(
      { tags: ['a', 'b', 'a'] },
      "Invalid input for tags. Reason: Duplicate items in the list: 'a'.",
    ),
    'a tag of what is not there is refused': () => ({
      ask: ['PUT', `/ports/${NO_ID}/tags/a`],
      answer: [404, 'TagResourceNotFound', `Resource ports ${NO_ID} could not be found.`],
    }),
  }),
];
