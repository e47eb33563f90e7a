import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pinoLogger } from './pino-logger.ts';

function logged(level: 'debug' | 'info', log: (logger: ReturnType<typeof pinoLogger>) => void) {
  const lines: string[] = [];
  log(pinoLogger({ level }, { write: (line: string) => lines.push(line) }));
  return { text: lines.join(''), lines: lines.map(line => JSON.parse(line) as Record<string, unknown>) };
}

describe('the log', () => {
  it('writes a line of JSON with level, time, fields and message', () => {
    const { lines } = logged('info', logger => {
      logger.debug({}, 'left out');
      logger.child({ part: 'pairs' }).warn({ port: 'p1' }, 'written again');
    });
    assert.equal(lines.length, 1);
    const [{ time, ...line }] = lines as [Record<string, unknown>];
    assert.deepEqual(line, { level: 'warn', part: 'pairs', port: 'p1', msg: 'written again' });
    assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it('never writes what a key calls a secret, however deep, in an error or of a child', () => {
    const error = Object.assign(new Error('refused', { cause: { token: 'hidden-1' } }), { password: 'hidden-2' });
    const { text } = logged('debug', logger =>
      logger.child({ auth: { user: 'hidden-3' } }).info(
        {
          request: { headers: [{ 'X-Auth-Token': 'hidden-4' }], url: 'shown' },
          application_credential_secret: 'hidden-5',
          user_data: 'hidden-6',
          error,
          map: new Map([['a', { authorization: 'hidden-7' }]]),
        },
        'sent',
      ),
    );
    assert.doesNotMatch(text, /hidden/);
    assert.match(text, /shown/);
    assert.match(text, /refused/);
  });

  it('survives a field that holds itself', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    assert.equal(logged('info', logger => logger.info({ circle }, 'x')).lines.length, 1);
  });
});
