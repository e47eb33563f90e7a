import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inhabited } from './inhabited.ts';
import type { World } from './nasty.ts';
import { goodBody, nastyByVerb } from './nasty-bodies.ts';
import { codeOf } from './shapes.ts';

/** Any JSON, or a good body of which some fields are any JSON. */
function bodies(verb: string, world: World): fc.Arbitrary<unknown> {
  const good = goodBody(verb, world);
  const fields = Object.entries(good).map(([name, value]) => [name, fc.oneof(fc.constant(value), fc.jsonValue())]);
  return fc.oneof(fc.jsonValue(), fc.record(Object.fromEntries(fields), { requiredKeys: [] }));
}

test('answers any JSON by success or a code that is no defect, and lives', async t => {
  const { rig, engine, world } = await inhabited(t);
  const verbs = [...nastyByVerb.keys()];
  const request = fc.constantFrom(...verbs).chain(verb => bodies(verb, world).map(body => ({ verb, body })));
  await fc.assert(
    fc.asyncProperty(request, async ({ verb, body }) => {
      const raw = await engine.ask(verb, body);
      const answered = JSON.parse(raw.body);
      if (raw.status === 200) assert.equal(answered['Err'] ?? answered['Error'], undefined);
      else assert.notEqual(codeOf({ raw, answered }), 'INTERNAL');
    }),
    { numRuns: 600 },
  );
  await rig.settled();
  assert.ok(rig.pairs().includes('192.0.2.7'), 'the foreign pair stands');
  await engine.serves();
});
