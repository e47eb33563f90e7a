import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../observe/logger.ts';
import { abortable } from '../../openstack/deadline.ts';
import { FakeClock } from '../../time/fake-clock.ts';
import { Control } from './control.ts';

test('answers an operator whose request takes too long, by a code that says so', async () => {
  const clock = new FakeClock();
  const never = (signal: AbortSignal) => abortable(new Promise<never>(() => {}), signal);
  const control = new Control({
    ...{ status: never, gc: (_, signal) => never(signal), withdraw() {}, networkPlan: (_, signal) => never(signal) },
    ...{ explain: (_, signal) => never(signal), lives: () => [], metrics: () => '' },
    health: () => ({ status: 'ok', problems: [] }),
    ...{ version: '1', logger: silentLogger, clock, life: new AbortController().signal },
  });
  const asked = [control.answer('GET /v1/status', undefined), control.answer('POST /v1/gc', { dryRun: true })];
  await clock.advance(121_000);
  for (const { status, body } of await Promise.all(asked)) {
    assert.equal(status, 504);
    assert.equal((body as { error: { code: string } }).error.code, 'CONTROL_TOO_SLOW');
  }
});
