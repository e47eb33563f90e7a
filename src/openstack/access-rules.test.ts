import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKuryrError, type KuryrError } from '../errors/kuryr-error.ts';
import { allows } from './access-rules.ts';
import { client, PORT, signal } from './neutron-bench.ts';

const rule = (method: string, path: string, service = 'network') => ({ service, method, path: `/v2.0${path}` });

/** What a call ends with. */
const refused = async (call: Promise<unknown>): Promise<KuryrError> => {
  const error = await call.catch((thrown: unknown) => thrown);
  assert.ok(isKuryrError(error), String(error));
  return error;
};

test('a rule allows one method on what its pattern stands for, as Neutron judges it', () => {
  const id = '7d0c3f4a-0000-4000-8000-000000000001';
  for (const [pattern, path, allowed] of [
    ['/ports', '/ports', true],
    ['/ports', '/ports/x', false],
    ['/ports/*', `/ports/${id}`, true],
    ['/ports/*', '/ports/', false],
    ['/ports/*', `/ports/${id}/tags`, false],
    ['/ports/{port_id}', `/ports/${id}`, true],
    ['/ports/**', `/ports/${id}/tags`, true],
    ['/*/x', '/ports/x', true],
    ['/p.rts', '/ports', false],
  ] as const)
    assert.equal(allows([rule('GET', pattern)], 'GET', `/v2.0${path}`), allowed, `${pattern} for ${path}`);
  assert.ok(!allows([rule('GET', '/ports')], 'POST', '/v2.0/ports'), 'another method');
  assert.ok(!allows([rule('GET', '/ports', 'compute')], 'GET', '/v2.0/ports'), "another service's");
});

test('a pattern made to take for ever is judged at once', () => {
  const start = performance.now();
  assert.ok(!allows([rule('GET', `/${'*a'.repeat(60)}`)], 'GET', `/v2.0/${'a'.repeat(250)}b`));
  assert.ok(performance.now() - start < 1000);
});

test('a 401 is told as a missing rule where the token has rules and none allows the call, with the rule', async () => {
  const { neutron, setRules } = client({ status: 401 });
  setRules([rule('GET', '/ports'), rule('PUT', '/ports/own')]);
  for (const [call, missing] of [
    [() => neutron.networks({}, signal), 'GET /v2.0/networks'],
    [() => neutron.port('p1', signal), 'GET /v2.0/ports/*'],
    [() => neutron.deletePort('p1', signal), 'DELETE /v2.0/ports/*'],
    [() => neutron.updatePort('p1', {}, 1, signal), 'PUT /v2.0/ports/p1'],
  ] as const) {
    const error = await refused(call());
    assert.equal(error.code, 'ACCESS_RULE_MISSING');
    assert.ok(error.text.endsWith(`What is missing: ${missing}.`), error.text);
    assert.match(error.todo, /kuryr credential create/);
  }
});

test('a 401 to what a rule allows is told as a Neutron that does not judge by rules', async () => {
  const { neutron, setRules } = client({ status: 401 });
  setRules([rule('GET', '/ports'), rule('GET', '/ports/*')]);
  for (const call of [() => neutron.ports({ device_id: 'd' }, signal), () => neutron.port('p1', signal)]) {
    const error = await refused(call());
    assert.equal(error.code, 'ACCESS_RULES_UNKNOWN');
    assert.match(error.todo, /service_type = network in \[keystone_authtoken\]/);
  }
});

test('a Neutron that let a call with rules pass does judge by them: another 401 has another cause', async () => {
  const { neutron, setRules } = client({ body: { port: PORT } }, { status: 401 });
  setRules([rule('GET', '/ports/*')]);
  await neutron.port('p1', signal);
  assert.equal((await refused(neutron.port('p1', signal))).code, 'NEUTRON_UNAUTHORIZED');
});

test('a 401 to a token without rules is told as neither', async () => {
  const { neutron } = client({ status: 401 });
  const error = await refused(neutron.port('p1', signal));
  assert.equal(error.code, 'NEUTRON_UNAUTHORIZED');
  assert.match(error.todo, /cannot validate the token/);
});

test('a 403 is told as policy, whatever the rules', async () => {
  const { neutron, setRules } = client({
    status: 403,
    body: { NeutronError: { type: 'PolicyNotAuthorized', message: 'no' } },
  });
  setRules([rule('GET', '/ports/*')]);
  const error = await refused(neutron.port('p1', signal));
  assert.equal(error.code, 'NEUTRON_FORBIDDEN');
  assert.match(error.todo, /policy.*access rules have no part in it/);
});
