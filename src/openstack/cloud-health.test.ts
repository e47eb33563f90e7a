import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HealthBoard } from '../observe/health-board.ts';
import type { CloudCall } from './caller.ts';
import { CloudHealth } from './cloud-health.ts';

function bench() {
  const board = new HealthBoard(() => 1_000_000);
  const health = new CloudHealth(board, () => 1_000_000);
  const see = (call: Partial<CloudCall>) =>
    health.see({
      ...{ service: 'network', method: 'GET', route: '/ports', status: 200, ms: 5 },
      ...{ requestId: undefined, lost: undefined, date: undefined, ...call },
    });
  return { see, codes: () => board.report().problems.map(({ code }) => code), board };
}

const lost = { status: undefined, lost: 'ECONNREFUSED' };

describe('the health of the cloud', () => {
  it('is told after two requests in a row without a good answer, and mends with the next one', () => {
    for (const [service, code] of [
      ['identity', 'KEYSTONE_UNREACHABLE'],
      ['network', 'NEUTRON_UNREACHABLE'],
    ] as const)
      for (const bad of [lost, { status: 503 }]) {
        const { see, codes } = bench();
        see({ service, ...bad });
        see({ service });
        see({ service, ...bad });
        assert.deepEqual(codes(), []);
        see({ service, ...bad });
        assert.deepEqual(codes(), [code]);
        see({ service });
        assert.deepEqual(codes(), []);
      }
  });

  it('is not judged by a request that was given up at once', () => {
    const { see, codes } = bench();
    for (let n = 0; n < 3; n++) see({ status: undefined, lost: 'ABORTED', ms: 100 });
    assert.deepEqual(codes(), []);
    for (let n = 0; n < 2; n++) see({ status: undefined, lost: 'ABORTED', ms: 30_000 });
    assert.deepEqual(codes(), ['NEUTRON_UNREACHABLE']);
  });

  it('tells a refused credential from a Keystone that does not answer', () => {
    const { see, codes } = bench();
    for (const status of [401, 404]) {
      see({ service: 'identity', status });
      assert.deepEqual(codes(), ['CREDENTIAL_REFUSED']);
      see({ service: 'identity', status: 201 });
      assert.deepEqual(codes(), []);
    }
  });

  it('takes one 401 of Neutron for a token that has ended, two for a rule that is missing, by request', () => {
    const { see, codes, board } = bench();
    see({ status: 401 });
    see({ status: 200 });
    see({ status: 401 });
    assert.deepEqual(codes(), []);
    see({ status: 401 });
    see({ method: 'DELETE', route: '/ports/{id}', status: 200 });
    assert.deepEqual(codes(), ['NEUTRON_UNAUTHORIZED']);
    assert.match(board.report().problems[0]?.text ?? '', /401 to GET \/ports /);
    see({ status: 200 });
    assert.deepEqual(codes(), []);
  });

  it('leaves it to who writes to a port whether a rule forbids it: it may name another one', () => {
    const { see, codes } = bench();
    for (let n = 0; n < 3; n++) see({ method: 'PUT', route: '/ports/{id}', status: 401 });
    assert.deepEqual(codes(), []);
  });

  it('tells of a clock that is more than a minute off, of none that is not told', () => {
    const { see, codes } = bench();
    see({ date: new Date(1_000_000 + 90_000).toUTCString() });
    assert.deepEqual(codes(), ['CLOCK_OFF']);
    see({ date: 'yesterday' });
    assert.deepEqual(codes(), ['CLOCK_OFF']);
    see({ date: new Date(1_000_000 - 30_000).toUTCString() });
    assert.deepEqual(codes(), []);
  });
});
