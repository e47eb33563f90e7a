import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { isJournal, journalDestination } from './journal.ts';
import { pinoLogger, type Threshold } from './pino-logger.ts';

test('a line for the journal has its priority in front, and no time', () => {
  const lines: string[] = [];
  const logger = pinoLogger({ level: 'debug' }, journalDestination({ write: line => void lines.push(line) }));
  logger.debug({}, 'a');
  logger.info({}, 'b');
  logger.warn({ port: 'p1' }, 'c');
  logger.child({ part: 'x' }).error({ token: 'hidden' }, 'd');
  assert.deepEqual(lines, ['<7>a\n', '<6>b\n', '<4>c {"port":"p1"}\n', '<3>d {"part":"x","token":"(not logged)"}\n']);
});

test('a text makes no further line in the journal, nor a priority of its own', () => {
  const lines: string[] = [];
  const logger = pinoLogger({ level: 'info' }, journalDestination({ write: line => void lines.push(line) }));
  logger.info({ name: 'x\n<0>y' }, 'one\n<0>two');
  assert.deepEqual(lines, ['<6>one <0>two {"name":"x\\n<0>y"}\n']);
});

test('the journal is known by device and inode of its stream', () => {
  const fd = openSync('/dev/null', 'r');
  const { dev, ino } = fstatSync(fd);
  assert.ok(isJournal({ JOURNAL_STREAM: `${dev}:${ino}` }, fd));
  assert.ok(!isJournal({ JOURNAL_STREAM: `${dev}:${ino + 1}` }, fd));
  assert.ok(!isJournal({}, fd));
  closeSync(fd);
});

test('the threshold counts for children too when it changes', () => {
  const lines: string[] = [];
  const threshold: Threshold = { level: 'warn' };
  const child = pinoLogger(threshold, { write: line => void lines.push(line) }).child({ part: 'x' });
  child.info({}, 'not yet');
  threshold.level = 'debug';
  child.debug({}, 'now');
  threshold.level = 'error';
  child.warn({}, 'no more');
  assert.deepEqual(
    lines.map(line => JSON.parse(line).msg),
    ['now'],
  );
});
