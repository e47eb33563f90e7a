/** A value that is set while something is wrong. */
export interface HealthValue {
  /** `error`: containers cannot start, or are not safe; `warning`: less than was asked for works. */
  readonly severity: 'warning' | 'error';
  /** What is wrong; `{subject}` and `{reason}` stand for those of the case. */
  readonly text: string;
  readonly todo: string;
  /** While one of these is set, this one is its consequence and is not shown. */
  readonly dependsOn: readonly string[];
}

/** With one of these set, nothing else of the cloud can be told. */
export const cloudAway = ['KEYSTONE_UNREACHABLE', 'CREDENTIAL_REFUSED', 'NEUTRON_UNREACHABLE'] as const;

/** The one table of health values, causes first. Codes are stable: alerts match on them. */
export const healthCodes = {
  LEDGER_UNWRITABLE: {
    severity: 'error',
    text: 'The ledger cannot be written: {reason}.',
    todo: 'Free space on the disk of the state folder, or mend it (df, dmesg). Running containers go on, and can be stopped when it is mended; none can start.',
    dependsOn: [],
  },
  KEYSTONE_UNREACHABLE: {
    severity: 'error',
    text: 'Keystone gives no token: {reason}.',
    todo: 'Ask it from this VM (curl the auth_url of clouds.yaml); kuryr doctor tells more. Running containers go on, and can be stopped; none can start.',
    dependsOn: [],
  },
  CREDENTIAL_REFUSED: {
    severity: 'error',
    text: 'Keystone refuses the credential: {reason}.',
    todo: 'See whether it was deleted or has expired (openstack application credential list), and give the VM another one: kuryr credential create.',
    dependsOn: ['KEYSTONE_UNREACHABLE'],
  },
  NEUTRON_UNREACHABLE: {
    severity: 'error',
    text: 'Neutron does not answer as it should: {reason}.',
    todo: "Ask it from this VM (openstack network list); the operator finds failures in Neutron's log. Running containers go on, and can be stopped; none can start.",
    dependsOn: ['KEYSTONE_UNREACHABLE', 'CREDENTIAL_REFUSED'],
  },
  NEUTRON_UNAUTHORIZED: {
    severity: 'error',
    text: 'Neutron answers 401 to {subject} with a token that Keystone has just issued.',
    todo: "The credential's access rules do not allow it, or Neutron cannot see them (service_type = network in [keystone_authtoken]): kuryr doctor tells which. kuryr credential create makes one with the rules that are needed.",
    dependsOn: cloudAway,
  },
  NIC_UNKNOWN: {
    severity: 'error',
    text: 'No NIC of this VM is known that could carry containers: {reason}',
    todo: 'kuryr doctor tells what it sees of each NIC.',
    dependsOn: [...cloudAway, 'NEUTRON_UNAUTHORIZED'],
  },
  VM_PORT_GONE: {
    severity: 'error',
    text: 'The VM port {subject} is gone from Neutron.',
    todo: 'Stop the containers that are on it: if the NIC was unplugged or replaced, this goes when they are gone.',
    dependsOn: cloudAway,
  },
  PAIRS_FORBIDDEN: {
    severity: 'error',
    text: 'Neutron does not let this credential write allowed-address-pairs on the VM port {subject}: {reason}.',
    todo: 'kuryr doctor tells why. On a network of another project this is the default: use a network of the own project, or ask the operator to allow it (policy update_port:allowed_address_pairs). Access rules have to name this port: kuryr credential create.',
    dependsOn: [...cloudAway, 'NEUTRON_UNAUTHORIZED', 'VM_PORT_GONE'],
  },
  PAIRS_FULL: {
    severity: 'warning',
    text: 'All allowed-address-pairs of the VM port {subject} are in use ({reason}): no further container can start there.',
    todo: 'Stop a container that is not needed, or ask the cloud operator to raise max_allowed_address_pair.',
    dependsOn: ['VM_PORT_GONE', 'PAIRS_FORBIDDEN'],
  },
  RELEASES_STUCK: {
    severity: 'warning',
    text: 'Addresses cannot be given back to Neutron: {reason}.',
    todo: 'It is tried again until it works; the log has the code of the error. They cost quota and pairs meanwhile.',
    dependsOn: [...cloudAway, 'NEUTRON_UNAUTHORIZED', 'VM_PORT_GONE', 'PAIRS_FORBIDDEN', 'LEDGER_UNWRITABLE'],
  },
  GUARD_INCOMPLETE: {
    severity: 'error',
    text: "A container has taken an address that is the VM's or a gateway's: {reason}",
    todo: 'Find the container (docker ps -q | xargs -I ID docker exec ID ip addr) and stop it.',
    dependsOn: [],
  },
  GUARD_FAILED: {
    severity: 'warning',
    text: '{reason}',
    todo: 'Containers work; but one with NET_ADMIN can take these addresses until this is mended. kuryr doctor says what the kernel lacks.',
    dependsOn: [],
  },
  MASTER_FLIPPED: {
    severity: 'warning',
    text: 'Within the last ten minutes a container changed the mode of all ipvlan links of {subject}: {reason}. It was put back.',
    todo: 'Run that container without NET_ADMIN, or with a user namespace of its own (kuryr status names it where it can be told).',
    dependsOn: [],
  },
  HOST_ACCESS_LACKING: {
    severity: 'warning',
    text: '{reason}',
    todo: 'kuryr doctor says what to load or remove; --host-access off silences this. Containers are attached all the same.',
    dependsOn: [],
  },
  SERVICES_LACKING: {
    severity: 'warning',
    text: '{reason}',
    todo: 'The options --services and --service-backends say what these need (kuryr help run); all else works.',
    dependsOn: ['HOST_ACCESS_LACKING'],
  },
  SHIELD_LACKING: {
    severity: 'warning',
    text: '{reason}',
    todo: 'Containers work; but one with NET_RAW can tell the VM wrong things about its neighbours. kuryr doctor says what the kernel lacks.',
    dependsOn: [],
  },
  FRAMES_UNSEEN: {
    severity: 'warning',
    text: 'Frames of {reason} were not seen to pass the cloud when they were attached.',
    todo: 'kuryr explain ADDRESS tells whether they pass now, and what is in the way.',
    dependsOn: [...cloudAway, 'VM_PORT_GONE', 'PAIRS_FORBIDDEN'],
  },
  GROUPS_NOT_FOLLOWED: {
    severity: 'warning',
    text: "The security groups of the VM port {subject} have changed, and its containers' reservations keep those that they were made with: {reason}.",
    todo: "On ML2/OVN rules that name a remote group do not know these containers' addresses. Make the containers anew, or use a credential without access rules.",
    dependsOn: [...cloudAway, 'VM_PORT_GONE'],
  },
  SWEEP_FAILED: {
    severity: 'warning',
    text: 'What has no owner could not be looked for: {reason}.',
    todo: 'It is tried again every half minute; the log has the code of the error.',
    dependsOn: ['LEDGER_UNWRITABLE'],
  },
  CLOCK_OFF: {
    severity: 'warning',
    text: "This VM's clock and the cloud's differ by {reason}.",
    todo: 'Let it be set (timedatectl set-ntp true). Kuryr does not need it, but certificates, and times in logs and kuryr explain, do.',
    dependsOn: [],
  },
} as const satisfies Record<string, HealthValue>;

export type HealthCode = keyof typeof healthCodes;
