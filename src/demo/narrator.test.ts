import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { measured, Narrator, NotMeasured } from './narrator.ts';

describe('the narrator', () => {
  const heard = (live: boolean): { narrator: Narrator; text: () => string } => {
    const said: string[] = [];
    let now = 0;
    const clock = (): number => {
      now += 1500;
      return now;
    };
    return { narrator: new Narrator(text => said.push(text), live, clock), text: () => said.join('') };
  };

  it('says of a step what came of it, and how long it took', async () => {
    const { narrator, text } = heard(false);
    await narrator.step('a thing', async () => 'a thing of 3\nand more');
    assert.equal(text(), '  ✓ a thing of 3  (1.5 s)\n    and more\n');
  });

  it('says on a terminal what it waits for, and writes over that', async () => {
    const { narrator, text } = heard(true);
    await narrator.step('a thing', async () => 'done');
    assert.equal(text(), '  … a thing\r\u001b[K  ✓ done  (1.5 s)\n');
  });

  it('says nothing that was not measured', async () => {
    const { narrator, text } = heard(false);
    const step = narrator.step('a thing', async () => {
      measured(Number('3') === 4, 'it is otherwise');
      return 'a thing holds';
    });
    await assert.rejects(step, error => error instanceof NotMeasured && error.message === 'it is otherwise');
    assert.equal(text(), '  ✗ a thing\n');
  });
});
