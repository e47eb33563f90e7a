import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { silentLogger } from '../observe/logger.ts';
import { FakeFiles } from './fake-files.ts';
import { openJournal } from './journal.ts';
import { decodeJournal, encodeLine } from './journal-lines.ts';
import type { Json } from './ledger.ts';
import { nodeFiles } from './node-files.ts';

const file = '/state/ledger.jsonl';
const open = (files: FakeFiles) => openJournal(file, files, silentLogger);
const lines = (files: FakeFiles) => (files.text(file) ?? '').split('\n').filter(line => line !== '');

describe('the ledger on a disk', () => {
  it('gives back after a restart what was written, in the order of first writing', async () => {
    const files = new FakeFiles();
    const first = await open(files);
    await first.write({ 'a/1': { address: '10.0.0.5' }, 'a/2': 7 });
    await first.write({ 'b/1': [true, null], 'a/1': 'changed' });
    await first.write({ 'a/2': undefined });
    await first.close();
    const second = await open(files);
    assert.deepEqual(second.entries(''), [
      ['a/1', 'changed'],
      ['b/1', [true, null]],
    ]);
    assert.deepEqual(second.entries('b/'), [['b/1', [true, null]]]);
    assert.equal(second.get('a/2'), undefined);
  });

  it('shows a change at once and answers only after the disk has it', async () => {
    const files = new FakeFiles();
    const ledger = await open(files);
    const write = ledger.write({ key: 1 });
    assert.equal(ledger.get('key'), 1);
    assert.ok(!files.text(file)?.includes('"key"'));
    await write;
    assert.equal(files.done.at(-1), `datasync ${file}`);
    assert.match(lines(files).at(-1) ?? '', /"key",1/);
  });

  it('puts the writes that come while one is under way into one append and one fdatasync', async () => {
    const files = new FakeFiles();
    const ledger = await open(files);
    const first = ledger.write({ first: 1 });
    await new Promise(resolve => setImmediate(resolve, undefined));
    const before = files.operations;
    const busy = ledger.write({ busy: 1 });
    await null;
    await null;
    const more = Array.from({ length: 32 }, (_, n) => ledger.write({ [`k${n}`]: n }));
    await Promise.all([first, busy, ...more]);
    assert.deepEqual(
      files.done.slice(before).map(name => name.split(' ')[0]),
      ['append', 'datasync', 'append', 'datasync'],
    );
  });

  it('keeps what a value was when it was written, whatever the caller does to it later', async () => {
    const files = new FakeFiles();
    const ledger = await open(files);
    const value = { pairs: ['10.0.0.5'] };
    const write = ledger.write({ value });
    value.pairs.push('10.0.0.6');
    await write;
    assert.deepEqual(ledger.get('value'), { pairs: ['10.0.0.5'] });
    assert.deepEqual((await open(files)).get('value'), { pairs: ['10.0.0.5'] });
  });

  it('cuts off a torn last line at start and goes on', async () => {
    const files = new FakeFiles();
    await (await open(files)).write({ whole: 1 });
    const torn = new FakeFiles({ [file]: `${files.text(file)}12345678 {"chan` });
    const ledger = await open(torn);
    assert.deepEqual(ledger.entries(''), [['whole', 1]]);
    await ledger.write({ next: 2 });
    assert.equal((await open(torn)).entries('').length, 2);
  });

  it('refuses damage in the middle, naming the line, and leaves the file as it is', async () => {
    const files = new FakeFiles();
    const ledger = await open(files);
    await ledger.write({ a: 1 });
    await ledger.write({ b: 2 });
    const text = files.text(file)?.replace('"a",1', '"a",9') ?? '';
    const damaged = new FakeFiles({ [file]: text });
    await assert.rejects(open(damaged), error => isKuryrError(error, 'LEDGER_DAMAGED') && error.details['line'] === 3);
    assert.equal(damaged.text(file), text);
    assert.ok(damaged.done.every(name => !/^(open|append|truncate|rename)/.test(name)));
  });

  it('refuses a file that is no ledger, and an empty one', async () => {
    for (const text of ['', 'hello\n', `${encodeLine({ numbers: 3 })}`, `${encodeLine({ changes: [] })}x`]) {
      await assert.rejects(open(new FakeFiles({ [file]: text })), error => isKuryrError(error, 'LEDGER_DAMAGED'));
    }
  });

  it('refuses a whole line of a shape it does not know rather than dropping it', async () => {
    const header = encodeLine({ kuryrLedger: 1 });
    for (const record of [{ changes: [[1, 2]] }, { changes: 'x' }, { numbers: 'x' }]) {
      const text = `${header}${encodeLine(record as never)}`;
      await assert.rejects(open(new FakeFiles({ [file]: text })), error => isKuryrError(error, 'LEDGER_DAMAGED'));
    }
  });

  it('refuses the format of a newer Kuryr', async () => {
    const files = new FakeFiles({ [file]: encodeLine({ kuryrLedger: 2 }) });
    await assert.rejects(open(files), error => isKuryrError(error, 'LEDGER_NEWER'));
  });

  it('keeps what a newer Kuryr wrote under keys of its own, through its own writes and a rewriting', async () => {
    const theirs = { changes: [['newer/1', { deep: [1, { x: null }] }]] } as const;
    const files = new FakeFiles({ [file]: Buffer.concat([encodeLine({ kuryrLedger: 1 }), encodeLine(theirs)]) });
    const older = await open(files);
    for (let n = 0; n < 100; n++) await older.write({ own: 'x'.repeat(2000) });
    assert.ok(files.done.includes(`rename ${file}.new ${file}`));
    await older.close();
    assert.deepEqual((await open(files)).get('newer/1'), { deep: [1, { x: null }] });
  });

  it('leaves the ledger of a newer format as it is', async () => {
    const text = `${encodeLine({ kuryrLedger: 2 })}${encodeLine({ changes: [['a', 1]] })}`;
    const files = new FakeFiles({ [file]: text });
    await assert.rejects(open(files), error => isKuryrError(error, 'LEDGER_NEWER'));
    assert.equal(files.text(file), text);
  });

  it('stays small at run time while values change, and keeps them', async () => {
    const files = new FakeFiles();
    const ledger = await open(files);
    for (let n = 0; n < 400; n++) await ledger.write({ value: { n, fill: 'x'.repeat(2000) }, [`k${n % 7}`]: n });
    assert.ok((files.text(file)?.length ?? 0) < 100_000);
    assert.ok(files.done.includes(`rename ${file}.new ${file}`));
    const again = await open(files);
    assert.deepEqual(again.entries('k'), ledger.entries('k'));
    assert.deepEqual((again.get('value') as { n: number }).n, 399);
  });

  it('makes a file small at start that has grown well beyond its content', async () => {
    const header = encodeLine({ kuryrLedger: 1 });
    const line = encodeLine({ changes: [['k', 'x'.repeat(3000)]] });
    const files = new FakeFiles({ [file]: Buffer.concat([header, ...Array.from({ length: 50 }, () => line)]) });
    const ledger = await open(files);
    assert.ok((files.text(file)?.length ?? 0) < 5000);
    assert.equal((ledger.get('k') as string).length, 3000);
  });

  for (const operation of ['append', 'datasync'] as const) {
    it(`undoes a write whose ${operation} fails, in memory and file, and goes on when the disk does`, async () => {
      const files = new FakeFiles();
      const ledger = await open(files);
      await ledger.write({ kept: 1, changed: 'old' });
      let full = true;
      files.fault = (_, name) =>
        full && name.startsWith(operation) ? { kind: 'error', code: 'ENOSPC', share: 0.5 } : undefined;
      const failing = ledger.write({ changed: 'new', added: 2 });
      const refused = (error: unknown) => isKuryrError(error, 'LEDGER_UNWRITABLE');
      await assert.rejects(failing, refused);
      assert.deepEqual(ledger.entries(''), [
        ['kept', 1],
        ['changed', 'old'],
      ]);
      await assert.rejects(ledger.write({ more: 3 }), refused);
      full = false;
      await ledger.write({ after: 4 });
      const expected: [string, Json][] = [
        ['kept', 1],
        ['changed', 'old'],
        ['after', 4],
      ];
      assert.deepEqual(ledger.entries(''), expected);
      assert.deepEqual((await open(files.afterCrash(() => 0))).entries(''), expected);
    });
  }

  it('proves that it can be written by bytes on the disk that say nothing new', async () => {
    const files = new FakeFiles();
    const ledger = await open(files);
    await ledger.write({ kept: 1 });
    let full = true;
    // Of a full disk a file can still be cut back to what stood before.
    files.fault = (_, name) => (full && name.startsWith('append') ? { kind: 'error', code: 'ENOSPC' } : undefined);
    await assert.rejects(ledger.write({ lost: 2 }));
    for (let n = 0; n < 2; n++) await assert.rejects(ledger.prove(), error => isKuryrError(error, 'LEDGER_UNWRITABLE'));
    full = false;
    const before = decodeJournal(Buffer.from(files.text(file) ?? ''), file);
    await ledger.prove();
    assert.equal(files.done.at(-1), `datasync ${file}`);
    const after = decodeJournal(Buffer.from(files.text(file) ?? ''), file);
    assert.deepEqual([after.values, after.numbers], [before.values, before.numbers]);
    assert.ok(after.length > before.length);
    assert.equal(ledger.next('link'), 1);
  });

  it('undoes what was asked for on top of a write that fails', async () => {
    const files = new FakeFiles();
    const ledger = await open(files);
    let failed = false;
    files.fault = (_, name) => {
      if (failed || !name.startsWith('append')) return undefined;
      failed = true;
      return { kind: 'error', code: 'EIO' };
    };
    const first = ledger.write({ a: 1 });
    await null;
    await null;
    const second = ledger.write({ b: ledger.get('a') });
    await assert.rejects(first);
    await assert.rejects(second);
    assert.deepEqual(ledger.entries(''), []);
  });

  it('gives the same list until one of its values changes, and never one that a failed write was in', async () => {
    const files = new FakeFiles();
    const ledger = await open(files);
    await ledger.write({ 'a/1': 1 });
    const list = ledger.entries('a/');
    await ledger.write({ 'b/1': 1 });
    assert.equal(ledger.entries('a/'), list);
    await ledger.write({ 'a/2': 2 });
    assert.deepEqual(Object.fromEntries(ledger.entries('a/')), { 'a/1': 1, 'a/2': 2 });
    files.fault = (_, name) => (name.startsWith('append') ? { kind: 'error', code: 'ENOSPC' } : undefined);
    const failing = ledger.write({ 'a/3': 3 });
    assert.equal(ledger.entries('a/').length, 3);
    await assert.rejects(failing, isKuryrError);
    assert.deepEqual(Object.fromEntries(ledger.entries('a/')), { 'a/1': 1, 'a/2': 2 });
  });

  it('goes on when the file cannot be made smaller', async () => {
    const files = new FakeFiles();
    const ledger = await open(files);
    files.fault = (_, name) => (name.includes('.new') ? { kind: 'error', code: 'ENOSPC' } : undefined);
    for (let n = 0; n < 100; n++) await ledger.write({ value: { n, fill: 'x'.repeat(2000) } });
    assert.equal((ledger.get('value') as { n: number }).n, 99);
    assert.equal(((await open(files.afterCrash(() => 0))).get('value') as { n: number }).n, 99);
  });

  it('refuses writes once closed', async () => {
    const ledger = await open(new FakeFiles());
    const last = ledger.write({ a: 1 });
    const closing = ledger.close();
    await assert.rejects(ledger.write({ b: 1 }), error => isKuryrError(error, 'LEDGER_UNWRITABLE'));
    await Promise.all([last, closing]);
  });

  it('counts each counter up from 1 on a new file, also past what was set aside at first', async () => {
    const files = new FakeFiles();
    const ledger = await open(files);
    assert.equal(ledger.next('link'), 1);
    assert.equal(ledger.next('mac'), 1);
    for (let n = 2; n < 5000; n++) {
      assert.equal(ledger.next('link'), n);
      if (n % 100 === 0) await ledger.write({ n });
    }
    assert.ok((await open(files.afterCrash(() => 0))).next('link') > 4999);
  });

  it('gives no number that a crash would give again, rather none at all', async () => {
    const files = new FakeFiles();
    const ledger = await open(files);
    files.fault = () => ({ kind: 'error', code: 'ENOSPC' });
    let last = 0;
    await assert.rejects(
      async () => {
        for (;;) last = ledger.next('link');
      },
      error => isKuryrError(error, 'LEDGER_UNWRITABLE'),
    );
    assert.ok((await open(files.afterCrash(() => 0))).next('link') > last);
  });

  it('works on real files that only their owner can read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kuryr-ledger-'));
    try {
      const path = join(folder, 'state', 'ledger.jsonl');
      const ledger = await openJournal(path, nodeFiles, silentLogger);
      await ledger.write({ a: 1 });
      await ledger.close();
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.equal((await stat(join(folder, 'state'))).mode & 0o777, 0o700);
      await writeFile(path, `${await readFile(path, 'utf8')}torn`);
      const again = await openJournal(path, nodeFiles, silentLogger);
      await again.write({ b: 2 });
      await again.close();
      const third = await openJournal(path, nodeFiles, silentLogger);
      assert.deepEqual(third.entries(''), [
        ['a', 1],
        ['b', 2],
      ]);
      await third.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
