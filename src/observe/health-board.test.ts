import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HealthBoard } from './health-board.ts';
import { type HealthValue, healthCodes } from './health-codes.ts';

const codesOf = (board: HealthBoard) => board.report().problems.map(({ code }) => code);

describe('the table of health values', () => {
  it('names causes before what depends on them, so that nothing hides itself', () => {
    const codes = Object.keys(healthCodes);
    for (const [code, { dependsOn, text, todo }] of Object.entries(
      healthCodes as Readonly<Record<string, HealthValue>>,
    )) {
      for (const cause of dependsOn)
        assert.ok(codes.indexOf(cause) >= 0 && codes.indexOf(cause) < codes.indexOf(code), `${code}: ${cause}`);
      assert.ok(text !== '' && todo !== '', code);
    }
  });
});

describe('the health', () => {
  it('shows a consequence only without its cause', () => {
    const board = new HealthBoard(() => 0);
    board.set('NEUTRON_UNREACHABLE', { reason: 'it answers 503' });
    board.set('VM_PORT_GONE', { subject: 'port' });
    assert.deepEqual(codesOf(board), ['NEUTRON_UNREACHABLE']);
    board.set('KEYSTONE_UNREACHABLE', { reason: 'no answer' });
    assert.deepEqual(codesOf(board), ['KEYSTONE_UNREACHABLE']);
    board.clear('KEYSTONE_UNREACHABLE');
    board.clear('NEUTRON_UNREACHABLE');
    assert.deepEqual(codesOf(board), ['VM_PORT_GONE']);
  });

  it('keeps since when, and a value for each subject', () => {
    let now = 0;
    const board = new HealthBoard(() => now);
    board.set('VM_PORT_GONE', { subject: 'one' });
    now = 5000;
    board.set('VM_PORT_GONE', { subject: 'one' });
    board.set('VM_PORT_GONE', { subject: 'two' });
    assert.deepEqual(
      board.report().problems.map(({ text, since }) => [text, since]),
      [
        ['The VM port one is gone from Neutron.', '1970-01-01T00:00:00.000Z'],
        ['The VM port two is gone from Neutron.', '1970-01-01T00:00:05.000Z'],
      ],
    );
    board.clear('VM_PORT_GONE', 'one');
    assert.equal(codesOf(board).length, 1);
  });

  it('is an error with the first error, else a warning, else ok', () => {
    const board = new HealthBoard(() => 0);
    assert.equal(board.report().status, 'ok');
    board.set('CLOCK_OFF', { reason: '90 s' });
    assert.equal(board.report().status, 'warning');
    board.set('LEDGER_UNWRITABLE', { reason: 'ENOSPC' });
    assert.equal(board.report().status, 'error');
  });

  it('asks its sources each time, and knows since when they found it', () => {
    let now = 0;
    const board = new HealthBoard(() => now);
    let isFull = true;
    board.watch(() => (isFull ? [{ code: 'PAIRS_FULL', subject: 'port', reason: '10 of 10' }] : []));
    board.report();
    now = 9000;
    assert.equal(board.report().problems[0]?.since, '1970-01-01T00:00:00.000Z');
    assert.match(board.report().problems[0]?.text ?? '', /of the VM port port are in use \(10 of 10\)/);
    isFull = false;
    assert.equal(board.report().status, 'ok');
  });
});
