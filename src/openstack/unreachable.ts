import { KuryrError } from '../errors/kuryr-error.ts';
import type { TransportError } from './http.ts';

/** CLOUD_UNREACHABLE, or CLOUD_UNTRUSTED where a server was there whose certificate was not accepted. */
export function unreachable(error: TransportError, method: string, url: string): KuryrError {
  const code = error.untrusted ? 'CLOUD_UNTRUSTED' : 'CLOUD_UNREACHABLE';
  return new KuryrError(code, { method, url, reason: error.message }, { cause: error });
}
