import assert from 'node:assert/strict';
import { isKuryrError } from '../../src/errors/kuryr-error.ts';
import { errorTable } from '../../src/errors/table.ts';
import type { RawAnswer } from '../wire/raw-http.ts';

/** No defect, and no answer of ours that nobody could tell from a defect. */
function assertCode(code: string | undefined, raw: RawAnswer, where: string): void {
  assert.ok(code !== undefined && Object.hasOwn(errorTable, code), `${where}: no known code in ${raw.body}`);
  assert.notEqual(code, 'INTERNAL', `${where}: ${raw.body}`);
}

/** Control characters from outside would be obeyed by the terminal that shows an error. */
function assertShowable(text: string, where: string): void {
  assert.doesNotMatch(text, /\p{Cc}|\p{Cf}/u, where);
  assert.ok(text.length < 20_000, `${where}: an error of ${text.length} characters`);
}

/** An error of ours by one of the codes, fit to be shown. */
export function assertRefusal(error: unknown, codes: RegExp): void {
  assert.ok(isKuryrError(error), `no error of ours: ${error instanceof Error ? error.stack : error}`);
  assert.match(error.code, codes);
  assertShowable(error.message, error.code);
}

/** Success, or a refusal under both of Docker's keys whose code is in the table and no defect. */
export function assertDockerAnswer(raw: RawAnswer, where: string): void {
  const answered = JSON.parse(raw.body) as Record<string, unknown>;
  if (raw.status === 200) {
    assert.equal('Err' in answered || 'Error' in answered, false, where);
    return;
  }
  assert.ok(raw.status >= 400 && raw.status < 600, `${where}: ${raw.status}`);
  const { Err: err, Error: error } = answered;
  assert.ok(typeof err === 'string' && err === error, `${where}: ${raw.body}`);
  assertShowable(err, where);
  assertCode(/\[([A-Z][A-Z_]+)\]$/.exec(err)?.[1], raw, where);
}

/** Success, or a refusal of the control socket. */
export function assertControlAnswer(raw: RawAnswer, where: string): void {
  const answered = JSON.parse(raw.body) as { error?: { code?: string; text?: string; todo?: string } };
  if (raw.status === 200) {
    assert.equal(Object(answered).error, undefined, where);
    return;
  }
  assert.ok(raw.status >= 400 && raw.status < 600, `${where}: ${raw.status}`);
  const { code, text = '', todo = '' } = answered.error ?? {};
  assert.ok(text !== '' && todo !== '', `${where}: ${raw.body}`);
  assertShowable(text, where);
  assertCode(code, raw, where);
}
