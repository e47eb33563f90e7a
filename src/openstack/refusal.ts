import type { Details } from '../errors/details.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';

/** An answer of Neutron's that is a refusal: status 400 and up. */
export interface Refusal {
  readonly method: string;
  /** Path and query, below the endpoint. */
  readonly path: string;
  readonly status: number;
  /** `NeutronError.type`; empty where the body has none. */
  readonly type: string;
  readonly message: string;
  /** `X-Openstack-Request-Id`. */
  readonly requestId?: string | undefined;
  /** What the server asks to wait before another try. */
  readonly retryAfterMs?: number;
}

/** Neutron's exception names, as they stand in `NeutronError.type` (neutron-lib and Neutron, Zed to 2026.1). */
const CODE_BY_TYPE: Readonly<Record<string, ErrorCode>> = {
  AddressPairAndPortSecurityRequired: 'PORT_SECURITY_OFF',
  AllowedAddressPairExhausted: 'PAIRS_EXHAUSTED',
  AllocationOnAutoAddressSubnet: 'ADDRESS_NOT_CHOOSABLE',
  DuplicateAddressPairInRequest: 'PAIR_DUPLICATE',
  InvalidIpForSubnet: 'ADDRESS_OUTSIDE',
  InvalidVirtualMACAddress: 'PAIR_MAC_REFUSED',
  IpAddressAlreadyAllocated: 'ADDRESS_IN_USE',
  IpAddressGenerationFailure: 'SUBNET_EXHAUSTED',
  IpAddressGenerationFailureForSubnet: 'SUBNET_EXHAUSTED',
  IpAddressInUse: 'ADDRESS_IN_USE',
  OverQuota: 'NEUTRON_QUOTA',
  PolicyNotAuthorized: 'NEUTRON_FORBIDDEN',
  RevisionNumberConstraintFailed: 'NEUTRON_STALE',
};

const CODE_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'NEUTRON_UNAUTHORIZED',
  403: 'NEUTRON_FORBIDDEN',
  404: 'NEUTRON_NOT_FOUND',
  412: 'NEUTRON_STALE',
};

/** The refusal as an error of the table; details: method, path, status, type, message, requestId, retryAfterMs, and what the message tells. */
export function refusalError(refusal: Refusal): KuryrError {
  const message = tidy(refusal.message);
  const details: Details = {
    method: refusal.method,
    path: refusal.path,
    status: refusal.status,
    type: tidy(refusal.type).slice(0, 100) || 'error',
    message,
    requestId: refusal.requestId ?? 'unknown',
    ...(refusal.retryAfterMs ? { retryAfterMs: refusal.retryAfterMs } : {}),
    ...read(message),
    ...(/\/ports\/[^/?]+/.test(refusal.path) ? { port: /\/ports\/([^/?]+)/.exec(refusal.path)?.[1] } : {}),
  };
  return new KuryrError(codeOf(refusal), details);
}

function codeOf(refusal: Refusal): ErrorCode {
  // Whatever its type, the sentence is the same in all releases; InvalidInput carries it in some.
  if (refusal.status === 400 && /automatic address/i.test(refusal.message)) return 'ADDRESS_NOT_CHOOSABLE';
  const known = Object.hasOwn(CODE_BY_TYPE, refusal.type) ? CODE_BY_TYPE[refusal.type] : undefined;
  const code = known ?? CODE_BY_STATUS[refusal.status];
  return code ?? (refusal.status === 429 || refusal.status >= 500 ? 'NEUTRON_FAILED' : 'NEUTRON_REFUSED');
}

/** What Neutron says only in its sentence: the address, the subnet, the maximum. */
function read(message: string): Details {
  const address = /\bIP(?:v6)? address ([0-9a-f.:]+)/i.exec(message)?.[1];
  const subnet = /\bsubnet ([0-9a-f-]{36})/i.exec(message)?.[1];
  const maximum = /\bexceeds the maximum (\d+)/.exec(message)?.[1];
  return {
    ...(address === undefined ? {} : { address }),
    ...(subnet === undefined ? {} : { subnet }),
    ...(maximum === undefined ? {} : { limit: Number(maximum) }),
  };
}

/** One line of bounded length: the text comes from outside and goes to terminals and logs. */
export function tidy(message: string): string {
  return message
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .replace(/\.$/, '')
    .slice(0, 500);
}
