import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FaultError, Faults } from './faults.ts';

const faults = (random: () => number, ...texts: string[]) => {
  const made = new Faults(random);
  made.set(texts);
  return made;
};
const never = () => 0;

describe('faults', () => {
  it('fit a method and a path with stars, and nothing else', () => {
    const some = faults(never, 'PUT /networking/v2.0/ports/* 503');
    assert.equal(some.next('GET', '/networking/v2.0/ports/a'), undefined);
    assert.equal(some.next('PUT', '/networking/v2.0/ports'), undefined);
    assert.equal(some.next('PUT', '/networking/v2.0/ports'), undefined);
    assert.equal(some.next('PUT', '/networking/v2x0/ports/a'), undefined);
    assert.equal(some.next('PUT', '/networking/v2.0/ports/a')?.do, 'answer');
  });

  it('fit a path with many stars in a time that is not worth a word', () => {
    const stars = `* *${'a*'.repeat(2000)}b 503`;
    assert.equal(faults(never, stars).next('GET', '/networking/'.concat('a'.repeat(4000))), undefined);
    assert.equal(faults(never, '* *a*a 503').next('GET', '/a')?.do, undefined);
    assert.equal(faults(never, '* *a*a 503').next('GET', '/aa')?.do, 'answer');
  });

  it('happen as often as asked, then the next one that fits', () => {
    const some = faults(never, '* * cut times=2', '* * lose times=1');
    const deeds = [1, 2, 3, 4].map(() => some.next('GET', '/')?.do);
    assert.deepEqual(deeds, ['cut', 'cut', 'lose', undefined]);
    assert.deepEqual(some.texts, []);
  });

  it('happen by chance where that is asked', () => {
    const draws = [0.5, 0.1, 0.25];
    const some = faults(() => draws.shift() ?? 1, '* * cut chance=0.25');
    assert.deepEqual(
      [1, 2, 3].map(() => some.next('GET', '/')?.do),
      [undefined, 'cut', undefined],
    );
  });

  it('answer with the words of Neutron or of a proxy before it', () => {
    const answer = (what: string) => {
      const deed = faults(never, `* * ${what}`).next('PUT', '/');
      assert.equal(deed?.do, 'answer');
      return deed.reply;
    };
    assert.equal(answer('412').status, 412);
    assert.match(JSON.stringify(answer('412').body), /RevisionNumberConstraintFailed/);
    assert.deepEqual(answer('429/7').headers, { 'retry-after': '7' });
    assert.equal(answer('503').headers, undefined);
  });

  for (const text of [
    '',
    'GET *',
    'GET * 200',
    'GET * 600',
    'GET * nonsense',
    'GET * delay/x',
    'GET * cut times=0',
    'GET * cut chance=2',
    'GET * cut often',
    'GTE * cut',
    'GET /v2.0/ports cut',
    'GET /networking/v2.0/ports?limit=1 cut',
    'GET * 429/',
    'GET * 503/1/2',
    'GET * delay/9999999999',
    'GET * cut/1',
  ]) {
    it(`are refused whole where one is "${text}", and those before stay`, () => {
      const some = faults(never, '* * cut');
      assert.throws(() => some.set(['* * lose', text]), FaultError);
      assert.deepEqual(some.texts, ['* * cut']);
    });
  }
});
