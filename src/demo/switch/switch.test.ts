import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Switch } from './switch.ts';

describe('the switch', () => {
  it('tells that it has ended, who asks then and who only waits', { timeout: 20_000 }, async () => {
    const wires = new Switch();
    assert.deepEqual(await wires.counters('va'), { passed: 0, bytes: 0, dropped: {} });
    process.kill(wires.pid, 'SIGKILL');
    await assert.rejects(wires.ended, /the switch ended \(SIGKILL\)/);
    await assert.rejects(wires.counters('va'), /the switch ended \(SIGKILL\)/);
  });
});
