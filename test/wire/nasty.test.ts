import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inhabited } from './inhabited.ts';
import { goodBody, nastyByVerb } from './nasty-bodies.ts';
import { codeOf } from './shapes.ts';

for (const [verb, bodies] of nastyByVerb)
  test(`answers ${bodies.length} nasty bodies of ${verb} with a code, changes nothing, and serves on`, async t => {
    assert.ok(bodies.length >= 20);
    const { rig, engine, world } = await inhabited(t);
    const before = rig.state();
    const text = JSON.stringify(before);
    for (const { what, body, code } of bodies) {
      const { status, body: answer } = await engine.ask(verb, body(world));
      const answered = JSON.parse(answer);
      const where = `${verb}, ${what}: ${answer.slice(0, 500)}`;
      if (code === undefined) {
        assert.equal(status, 200, where);
        assert.equal('Err' in answered || 'Error' in answered, false, where);
      } else assert.equal(codeOf({ raw: { status, body: answer, headers: {} }, answered }), code, where);
      await engine.serves();
      await rig.settled();
      const now = rig.state();
      // The quick comparison first: there are thousands.
      if (JSON.stringify(now) !== text) assert.deepEqual(now, before, `${verb}, ${what} changed something`);
    }
    assert.equal(Reflect.get({}, 'polluted'), undefined);
    await engine.runAndRemove(world);
  });

test('answers every verb by POST alone, and others by a code', async t => {
  const { rig, engine, world } = await inhabited(t);
  const before = rig.state();
  for (const verb of nastyByVerb.keys())
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
      const raw = await engine.ask(verb, goodBody(verb, world), method);
      assert.equal(codeOf({ raw, answered: JSON.parse(raw.body) }), 'HTTP_METHOD_REFUSED', `${method} ${verb}`);
    }
  await engine.serves();
  assert.deepEqual(rig.state(), before);
});

test('answers paths that are no verb by a code', async t => {
  const { rig, engine } = await inhabited(t);
  const before = rig.state();
  const paths = ['', '/', 'constructor', '__proto__', 'IpamDriver', 'IpamDriver.', 'ipamdriver.requestpool'];
  const others = [
    'IpamDriver.RequestPool/',
    'IpamDriver.RequestPool?a=b',
    '../IpamDriver.RequestPool',
    'a'.repeat(5000),
  ];
  for (const path of [...paths, ...others, '%49pamDriver.RequestPool', 'IpamDriver.RequestPool%00', 'v1/status']) {
    const raw = await engine.ask(path, {});
    assert.equal(codeOf({ raw, answered: JSON.parse(raw.body) }), 'DOCKER_VERB_UNKNOWN', path);
  }
  await engine.serves();
  assert.deepEqual(rig.state(), before);
});
