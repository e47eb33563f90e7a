import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inhabited } from './inhabited.ts';
import { RawConnection, rawRequest } from './raw-http.ts';

async function operator(t: { after(end: () => Promise<void> | void): void }) {
  const scene = await inhabited(t);
  const connection = await RawConnection.open(scene.rig.control);
  t.after(() => connection.close());
  const ask = async (method: string, path: string, body?: unknown) => {
    connection.send(rawRequest({ method, path }, { Host: 'kuryr' }, body === undefined ? '' : JSON.stringify(body)));
    return connection.answer();
  };
  return { ...scene, ask };
}

test('a whole daemon serves its metrics on the control socket, without an address, an id or a question to the cloud', async t => {
  const { ask, vm, world } = await operator(t);
  const before = vm.neutron.calls.length;
  const { status, headers, body } = await ask('GET', '/metrics');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.equal(vm.neutron.calls.length, before);
  for (const line of [
    /^kuryr_build_info\{version="test",node="\d+\.\d+\.\d+"\} 1$/m,
    /^kuryr_attachments\{state="linked"\} 1$/m,
    /^kuryr_addresses_loose\{state="provisional"\} 1$/m,
    /^kuryr_pairs_used\{master="eth0"\} [34]$/m,
    /^kuryr_attach_stage_seconds_count\{stage="join",outcome="ok"\} 1$/m,
    /^kuryr_sweeps_total\{outcome="ok"\} [1-9]/m,
    /^kuryr_health\{code="NEUTRON_UNREACHABLE",severity="error"\} 0$/m,
    /^process_resident_memory_bytes \d{7,}$/m,
    /^process_open_fds \d+$/m,
    /^process_start_time_seconds 1\d{9}$/m,
  ])
    assert.match(body, line);
  for (const secret of [world.endpoint, world.cidr4.split('/')[0] ?? '', vm.port.id, vm.port.mac_address])
    assert.ok(!body.includes(secret), secret);
});

test('a whole daemon tells its health, and 503 while no container could start', async t => {
  const { ask, vm } = await operator(t);
  const well = await ask('GET', '/health');
  assert.deepEqual([well.status, JSON.parse(well.body)], [200, { status: 'ok', problems: [] }]);
  await vm.neutron.deletePort(vm.port.id, AbortSignal.timeout(10_000));
  // It reads the port.
  const status = JSON.parse((await ask('GET', '/v1/status')).body) as { health: { code: string }[] };
  assert.equal(status.health[0]?.code, 'VM_PORT_GONE');
  const ill = await ask('GET', '/health');
  assert.equal(ill.status, 503);
  assert.deepEqual(
    (JSON.parse(ill.body) as { problems: { code: string }[] }).problems.map(({ code }) => code),
    ['VM_PORT_GONE'],
  );
});

test('a whole daemon explains what runs in it, and says what it does not know', async t => {
  const { ask, world } = await operator(t);
  const { status, body } = await ask('POST', '/v1/explain', { what: world.cidr4.split('/')[0] });
  assert.equal(status, 200);
  const { lives } = JSON.parse(body) as { lives: { attachment: string; story: { text: string }[]; now: unknown[] }[] };
  assert.equal(lives[0]?.attachment, world.endpoint);
  assert.ok((lives[0]?.story.length ?? 0) >= 6);
  assert.ok((lives[0]?.now.length ?? 0) >= 5);
  const all = JSON.parse((await ask('GET', '/v1/lives')).body) as { lives: unknown[] };
  assert.equal(all.lives.length, 2);
  for (const [what, code] of [
    ['10.9.9.9', 'EXPLAIN_UNKNOWN'],
    ['', 'CONTROL_BODY_INVALID'],
    ['a b', 'CONTROL_BODY_INVALID'],
    ['\u001b[2J', 'CONTROL_BODY_INVALID'],
    ['a'.repeat(256), 'CONTROL_BODY_INVALID'],
  ] as const)
    assert.match((await ask('POST', '/v1/explain', { what })).body, new RegExp(`"code":"${code}"`), what);
});
