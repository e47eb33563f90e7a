import type { Details } from '../errors/details.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';

/** A kernel's refusal as the real edge words it, for `failNext`. */
export function fakeRefusal(code: ErrorCode, request: string, errno: string, details: Details): KuryrError {
  return new KuryrError(code, { request, errno, reason: errno, kind: 'the module', ...details });
}
