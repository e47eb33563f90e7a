/**
 * The one table of error codes. `text` says what happened and why, `todo` what to do; `{name}` stands for a detail.
 * Codes are stable: scripts and runbooks match on them. Alphabetical by code.
 */
export const errorTable = {
  ADDRESS_IN_USE: {
    status: 409,
    text: 'The address {address} is already allocated in subnet {subnet}.',
    todo: 'Choose another address, or free the Neutron port that holds it: openstack port list --fixed-ip ip-address={address}.',
  },
  INTERNAL: {
    status: 500,
    text: 'An unexpected failure: {reason}.',
    todo: 'This is a defect of Kuryr: please report it with the log around this moment.',
  },
  PAIRS_EXHAUSTED: {
    status: 409,
    text: 'The VM port {port} has {used} of {limit} allowed-address-pairs in use, so {address} cannot be permitted.',
    todo: 'Stop a container that is not needed (kuryr status lists them), or ask the cloud operator to raise max_allowed_address_pair in neutron.conf.',
  },
} as const satisfies Record<string, ErrorEntry>;

/** What a code stands for. */
export interface ErrorEntry {
  /** HTTP status for fronts that have one. */
  readonly status: number;
  readonly text: string;
  readonly todo: string;
}

export type ErrorCode = keyof typeof errorTable;
