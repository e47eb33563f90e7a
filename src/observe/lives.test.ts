import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Life, Lives } from './lives.ts';
import type { Meter } from './meter.ts';

function bench() {
  let now = 1000;
  const counted: string[] = [];
  const meter: Meter = {
    add: (name, labels) => void counted.push(`${name} ${Object.values(labels).join(' ')}`),
    observe: (name, labels, seconds) => void counted.push(`${name} ${[...Object.values(labels), seconds].join(' ')}`),
  };
  const lives = new Lives({ meter, clock: { now: () => now, monotonic: () => now } });
  const pass = (ms: number) => {
    now += ms;
  };
  return { lives, counted, pass };
}

const stepsOf = (life: Life | undefined) =>
  life?.events.map(event =>
    'step' in event ? `${event.step} ${event.outcome}` : `${event.method} ${event.requestId}`,
  );
const call = { method: 'PUT', route: '/ports/{id}', status: 200, ms: 1, requestId: 'req-1' };

describe('the lives', () => {
  it("make the ways of an attachment's addresses one when it is named", async () => {
    const { lives, pass } = bench();
    for (const name of ['four', 'six']) lives.open(name, undefined);
    await lives.step(
      ['four'],
      'reserve',
      async () => '10.0.0.1',
      address => ({ details: { address } }),
    );
    pass(5);
    await lives.step(
      ['six'],
      'reserve',
      async () => 'fd00::1',
      address => ({ details: { address } }),
    );
    lives.name('attachment', [
      { name: 'four', address: '10.0.0.1' },
      { name: 'six', address: 'fd00::1' },
    ]);
    await lives.step(['six'], 'permit', async () => {});
    const [life, ...others] = lives.all();
    assert.deepEqual(others, []);
    assert.equal(life?.attachment, 'attachment');
    assert.equal(life?.began, 1000);
    assert.deepEqual(life?.addresses, ['10.0.0.1', 'fd00::1']);
    assert.deepEqual(stepsOf(life), ['reserve ok', 'reserve ok', 'name ok', 'permit ok']);
  });

  it('tell requests of those alone on whose behalf they were sent, also from within awaits', async () => {
    const { lives } = bench();
    for (const name of ['one', 'two', 'three']) lives.open(name, undefined);
    await Promise.all([
      lives.within(['one', 'two'], async () => {
        await Promise.resolve();
        lives.call(call);
      }),
      lives.within(['three'], async () => {
        await Promise.resolve();
        lives.call({ ...call, requestId: 'req-3' });
      }),
    ]);
    lives.call({ ...call, requestId: 'req-of-nobody' });
    assert.deepEqual(
      lives.all().map(life => stepsOf(life)),
      [['PUT req-1'], ['PUT req-1'], ['PUT req-3']],
    );
  });

  it('keep what failed, with code and what to do, and count it', async () => {
    const { lives, counted, pass } = bench();
    lives.open('one', '10.0.0.1');
    const error = Object.assign(new Error('x'), { code: 'LINK_TAKEN', text: 'It is taken.', todo: 'Delete it.' });
    await assert.rejects(
      lives.step(['one'], 'reserve', async () => {
        pass(20);
        throw error;
      }),
      error,
    );
    assert.throws(() =>
      lives.step(['one'], 'link', () => {
        throw new Error('odd');
      }),
    );
    lives.close('one');
    const [life] = lives.all();
    assert.equal(life?.ended, 1020);
    const [first, second] = life?.events ?? [];
    assert.ok(first !== undefined && 'step' in first && second !== undefined && 'step' in second);
    assert.deepEqual(first.error, { code: 'LINK_TAKEN', text: 'It is taken.', todo: 'Delete it.' });
    assert.equal(first.ms, 20);
    assert.equal(second.error?.code, 'INTERNAL');
    assert.deepEqual(counted, [
      'kuryr_attach_stage_seconds reserve failed 0.02',
      'kuryr_stage_failures_total reserve LINK_TAKEN',
      'kuryr_attach_stage_seconds link failed 0',
      'kuryr_stage_failures_total link INTERNAL',
    ]);
  });

  it("measure from the write's answer to the answer to a frame, not of one that nobody answered", async () => {
    const { lives, counted, pass } = bench();
    lives.open('one', '10.0.0.1');
    await lives.step(['one'], 'write', async () => pass(100));
    pass(30);
    await lives.step(
      ['one'],
      'reach',
      async () => pass(5),
      () => ({ unseen: true }),
    );
    assert.ok(!counted.some(line => line.startsWith('kuryr_written')));
    await lives.step(['one'], 'reach', async () => pass(5));
    assert.ok(counted.includes('kuryr_written_to_reachable_seconds 0.04'), counted.join('\n'));
    assert.ok(counted.includes('kuryr_attach_stage_seconds reach unseen 0.005'));
  });

  it('begin anew for an address that is taken back, and the old one ends with its attachment', () => {
    const { lives } = bench();
    lives.open('one', '10.0.0.1');
    lives.name('first', [{ name: 'one', address: '10.0.0.1' }]);
    lives.close('first');
    assert.equal(lives.all()[0]?.ended, undefined, 'its address is on its way back');
    lives.open('one', '10.0.0.1');
    const [now, before] = lives.all();
    assert.equal(now?.attachment, undefined);
    assert.deepEqual([before?.attachment, before?.ended], ['first', 1000]);
  });

  it('say of what they did not see begin that they are not whole', () => {
    const { lives } = bench();
    lives.name('attachment', [{ name: 'one', address: '10.0.0.1' }]);
    lives.step(['attachment'], 'revive', () => undefined);
    const [life] = lives.all();
    assert.equal(life?.whole, false);
    assert.deepEqual(stepsOf(life), ['revive ok']);
  });

  it('begin now for an attachment without addresses, and tell what was done for two of them once', () => {
    const { lives } = bench();
    lives.name('bare', []);
    assert.equal(lives.all()[0]?.began, 1000);
    for (const name of ['four', 'six']) lives.open(name, undefined);
    lives.step(['four', 'six'], 'write', () => {});
    lives.name('one', [
      { name: 'four', address: '10.0.0.1' },
      { name: 'six', address: 'fd00::1' },
    ]);
    const one = lives.all().find(({ attachment }) => attachment === 'one');
    assert.deepEqual(stepsOf(one), ['write ok', 'name ok']);
  });

  it('are bounded: those that ended, those that go on, and the events of one', () => {
    const { lives } = bench();
    for (let n = 0; n < 2000; n++) {
      lives.open(`gone-${n}`, undefined);
      lives.close(`gone-${n}`);
    }
    assert.equal(lives.all().length, 256);
    for (let n = 0; n < 10_000; n++) lives.open(`loose-${n}`, undefined);
    assert.ok(lives.all().length <= 8192 + 256);
    for (let n = 0; n < 500; n++) lives.step(['loose-9999'], 'forbid', () => undefined);
    const life = lives.all().find(({ dropped }) => dropped > 0);
    assert.equal(life?.events.length, 96);
    assert.equal(life?.dropped, 404);
  });

  it('keep nobody waiting and change no result', async () => {
    const { lives } = bench();
    const work = Promise.resolve(7);
    assert.equal(
      lives.step(['one'], 'permit', () => work),
      work,
    );
    assert.equal(
      lives.step(['one'], 'link', () => 8),
      8,
    );
  });
});
