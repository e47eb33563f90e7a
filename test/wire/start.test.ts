import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKuryrError } from '../../src/errors/kuryr-error.ts';
import { fakeVm } from '../../src/fronts/docker/fake-engine.ts';
import { FakeFiles } from '../../src/ledger/fake-files.ts';
import { encodeSnapshot } from '../../src/ledger/journal-lines.ts';
import { Rig } from './rig.ts';

const unreadable = { id: 7 };

for (const key of ['address/kuryr-1', 'attachment/a', 'docker/pool/kuryr-1', 'docker/network/a'])
  test(`does not start over the record ${key} of another version, and lets go of its lock`, async t => {
    const vm = fakeVm();
    const files = new FakeFiles({ '/state/ledger': encodeSnapshot(new Map([[key, unreadable]]), 0) });
    const started: unknown = await Rig.start(vm, { files }).catch((error: unknown) => error);
    if (started instanceof Rig) await started.stop();
    assert.ok(isKuryrError(started, 'LEDGER_RECORD_UNREADABLE'), String(started));
    assert.ok(started.message.includes(key));
    files.put('/state/ledger', encodeSnapshot(new Map(), 0));
    const rig = await Rig.start(vm, { files });
    t.after(() => rig.stop());
    assert.deepEqual(rig.ledger(), {});
  });
