import type { Details } from '../errors/details.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';
import { EACCES, ENODEV, EPERM, errnoName } from './errno.ts';

const codes: Readonly<Record<number, ErrorCode>> = {
  [EPERM]: 'NOT_PRIVILEGED',
  [EACCES]: 'NOT_PRIVILEGED',
  [ENODEV]: 'LINK_GONE',
};

/** A failed call to the kernel: the errno and, where it gave one, its own text (NETLINK_EXT_ACK). */
export interface Failure {
  readonly errno: number;
  readonly said: string;
}

/**
 * The kernel's refusal as an error a person can act on.
 * @param request what was asked, in words that follow "refused to"
 * @param meanings what an errno means for this request, where it is more than for any other
 */
export function refusal(
  request: string,
  failure: Failure | number,
  meanings: Readonly<Record<number, ErrorCode>> = {},
  details: Details = {},
): KuryrError {
  const { errno, said } = typeof failure === 'number' ? { errno: failure, said: '' } : failure;
  const name = errnoName(errno);
  const reason = said === '' ? name : `${name}: ${said.replace(/\.$/, '')}`;
  const code = meanings[errno] ?? codes[errno] ?? 'KERNEL_REFUSED';
  return new KuryrError(code, { request, errno: name, reason, ...details });
}
