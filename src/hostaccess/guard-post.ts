import type { KuryrError } from '../errors/kuryr-error.ts';
import type { LinkSpec } from '../link/link-kind.ts';
import type { IpvlanFlag } from '../linux/kernel.ts';
import type { Nic } from '../nic/nic.ts';
import type { GuardSlave } from './guard-slave.ts';

/** An attachment as far as its master's guard cares. */
export interface GuardedAttachment {
  readonly id: string;
  readonly vmPort: string;
  readonly spec: LinkSpec;
  readonly sandbox?: string | undefined;
  readonly addresses: readonly string[];
}

/** A master that is guarded. */
export interface Post {
  readonly slave: GuardSlave;
  readonly vmPort: string;
  /** The NIC as it was last told; undefined after a start, until an attachment names it. */
  readonly nic: Nic | undefined;
  readonly flag: IpvlanFlag;
  readonly own: readonly string[];
  readonly gateways: readonly string[];
  /** What went wrong when it was last put right. */
  readonly fault: KuryrError | undefined;
}

/** A guard of which nobody has need. */
export interface StrayGuard {
  readonly path: string;
  /** Name of its master, or its ifindex where that is gone. */
  readonly master: string;
}
