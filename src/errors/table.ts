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
  ADDRESS_ON_LINK: {
    status: 409,
    text: 'The kernel refused to {request}: the address {address} is on another link of the same master already ({reason}).',
    todo: 'Stop the container that holds it (kuryr status lists them), or choose another address.',
  },
  INTERNAL: {
    status: 500,
    text: 'An unexpected failure: {reason}.',
    todo: 'This is a defect of Kuryr: please report it with the log around this moment.',
  },
  KERNEL_REFUSED: {
    status: 500,
    text: 'The kernel refused to {request}: {reason}.',
    todo: "Run kuryr doctor; if it finds nothing, report this with the kernel's version.",
  },
  KERNEL_UNSUPPORTED: {
    status: 501,
    text: 'This kernel cannot {request}: {reason}.',
    todo: 'Load or install the module it needs (modprobe {kind}; Debian and Ubuntu cloud kernels carry it), or choose another link: --link macvlan or --link ipvlan. kuryr doctor tests both.',
  },
  LINK_GONE: {
    status: 404,
    text: 'The kernel could not {request}: the link is gone ({reason}).',
    todo: 'Repeat the request; if a NIC was unplugged, name a master that stands.',
  },
  LINK_MODE_UNSUPPORTED: {
    status: 400,
    text: '{option}={value} cannot be used: {reason}.',
    todo: 'Use {instead}.',
  },
  LINK_TAKEN: {
    status: 409,
    text: 'The link {name} with ifindex {ifindex} stands already and is something else ({found}).',
    todo: 'Repeat the request, so that another ifindex is chosen; if the link is a leftover, delete it: ip link delete {found}.',
  },
  MASTER_BUSY: {
    status: 409,
    text: 'The master {master} cannot carry the link: {holder} ({reason}).',
    todo: '{advice}',
  },
  MODE_CLASH: {
    status: 409,
    text: 'The master {master} carries {kind} links in mode {standing}, so one in mode {wanted} cannot be added: the kernel would silently change all of them.',
    todo: 'Use {standing} for this network too, or remove the networks that use {standing} first; or give this network another NIC.',
  },
  NETNS_GONE: {
    status: 404,
    text: 'The network namespace {path} is gone: could not {request} ({reason}).',
    todo: 'Nothing, if its container has stopped; else start the container again.',
  },
  NOT_PRIVILEGED: {
    status: 403,
    text: 'Not permitted to {request}: {reason}.',
    todo: 'Run the daemon as root, or give it CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_ADMIN.',
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
