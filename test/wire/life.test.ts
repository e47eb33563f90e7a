import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeVm } from '../../src/fronts/docker/fake-engine.ts';
import { systemClock } from '../../src/time/system-clock.ts';
import { type Captured, type Life, life } from './captured.ts';
import { EngineHands } from './engine-hands.ts';
import { assertInvariants, assertNothingLeft } from './invariants.ts';
import { askControl } from './raw-http.ts';
import { type Exchange, Replay } from './replay.ts';
import { Rig } from './rig.ts';
import { assertTaken, codeOf } from './shapes.ts';

/** Recorded before Kuryr in the lab: what it answered there is what it answers here. */
const recorded = ['docker-20.10-life', 'docker-26.1-life'];

/** The VM of the recording, as far as its requests tell. */
function recordedVm({ steps }: Life) {
  const said = /neutron\.net\.uuid\\?":\\?"([0-9a-f-]{36})/.exec(JSON.stringify(steps))?.[1];
  assert.ok(said !== undefined, 'a network was made of a Neutron network by its id');
  const vm = fakeVm(said);
  const foreign = { ip_address: '192.0.2.7', mac_address: vm.port.mac_address };
  vm.neutron.meddle(vm.port.id, { allowed_address_pairs: [foreign] });
  return vm;
}

/** The same success, or a refusal by the same code. */
function assertAsRecorded(exchange: Exchange, { answer }: Captured): void {
  const code = /\[([A-Z_]+)\]$/.exec(answer.Error ?? '')?.[1];
  if (code === undefined) assertTaken(exchange);
  else assert.equal(codeOf(exchange), code, `${exchange.mark}: ${exchange.verb}`);
}

async function gc(rig: Rig): Promise<void> {
  assert.equal((await askControl(rig.control, 'POST', '/v1/gc', '{"dryRun":false}')).status, 200);
}

for (const name of recorded) {
  const capture = life(name);
  const { steps, headers, engine } = capture;
  const requests = steps.filter(step => 'path' in step);

  test(`answers ${requests.length} requests of Docker ${engine} as in the lab, through deaths of engine and daemon`, async t => {
    let later = 0;
    const rig = await Rig.start(recordedVm(capture), {
      clock: { ...systemClock, now: () => systemClock.now() + later },
      askEngine: async () => ({ status: 200, body: '[]' }),
    });
    t.after(() => rig.stop());
    const links = rig.kernel.links('host').length;
    const hands = new EngineHands(rig.kernel);
    const replay = new Replay({ engine, headers, requests });
    t.after(() => replay.close());
    let mark = '';
    for (const step of steps) {
      if ('event' in step) {
        replay.close();
        if (step.event === 'the daemon ends') await rig.halt();
        if (step.event === 'the daemon begins') await rig.restart();
        continue;
      }
      if (step.mark !== mark) await assertInvariants(rig, hands);
      mark = step.mark;
      const exchange = await replay.send(step, rig.docker);
      assertAsRecorded(exchange, step);
      hands.follow(exchange);
    }
    // What the engine could not say while the daemon was down, an operator does.
    later = 120_000;
    await gc(rig);
    assertNothingLeft(rig, links);
  });
}

test('the recordings hold what befell engine and daemon', () => {
  for (const name of recorded) {
    const events = life(name).steps.flatMap(step => ('event' in step ? [step.event] : []));
    for (const event of [
      'the engine ends',
      'the engine is killed',
      'the engine is killed, its containers live on',
    ] as const)
      assert.ok(events.includes(event), `${name}: ${event}`);
    assert.ok(events.includes('the daemon ends'));
  }
});
