import { type Details, fillIn } from './details.ts';
import { type ErrorCode, errorTable } from './table.ts';

/** An error a person can act on: what happened, why, what to do, under a code of the one table. */
export class KuryrError extends Error {
  readonly code: ErrorCode;
  readonly details: Details;
  /** HTTP status for fronts that have one. */
  readonly status: number;
  /** What the reader can do about it, in one or two sentences. */
  readonly todo: string;
  /** What happened, without code and advice. */
  readonly text: string;

  constructor(code: ErrorCode, details: Details = {}, options?: ErrorOptions) {
    const entry = errorTable[code];
    const text = fillIn(entry.text, details);
    const todo = fillIn(entry.todo, details);
    super(`${text} ${todo} [${code}]`, options);
    this.name = 'KuryrError';
    this.code = code;
    this.details = details;
    this.status = entry.status;
    this.todo = todo;
    this.text = text;
  }
}

/** Whether the value is a KuryrError, of that code when one is given. */
export function isKuryrError(value: unknown, code?: ErrorCode): value is KuryrError {
  return value instanceof KuryrError && (code === undefined || value.code === code);
}

/** Any thrown value as a KuryrError: unknown ones become INTERNAL, their message kept as the cause's. */
export function asKuryrError(value: unknown): KuryrError {
  if (value instanceof KuryrError) return value;
  const reason = value instanceof Error ? value.message : String(value);
  return new KuryrError('INTERNAL', { reason }, { cause: value });
}
