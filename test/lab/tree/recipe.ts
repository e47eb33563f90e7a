import { createHash } from 'node:crypto';

/** The Debian releases that the lab uses. */
export type Suite = 'bookworm' | 'trixie' | 'forky';

/** The trees: one a release, and bookworm's without the cloud, for guests that its systemd is to run. */
export type TreeName = Suite | 'home-bookworm';

/** What a guest needs to boot, to run containers and to look at its network. */
const guest = [
  'busybox-static',
  'ca-certificates',
  'containerd',
  'curl',
  'docker-compose',
  'docker.io',
  'e2fsprogs',
  'ethtool',
  'iproute2',
  'iptables',
  'iputils-arping',
  'iputils-ping',
  'kmod',
  'libatomic1',
  'netcat-openbsd',
  'openssl',
  'perl',
  'procps',
  'python3-minimal',
  'runc',
  'socat',
  'tcpdump',
  'jq',
];

/** Keystone, Neutron, what enforces port security, what they are served and stored by, and the guests' kernel. */
const cloud = [
  'bridge-utils',
  'conntrack',
  'dnsmasq-base',
  'ebtables',
  'ipset',
  'keepalived',
  'ndisc6',
  'neutron-common',
  'neutron-l3-agent',
  'nftables',
  'openvswitch-common',
  'openvswitch-switch',
  'ovn-central',
  'ovn-common',
  'ovn-host',
  'postgresql-15',
  'python3-keystone',
  'python3-neutron',
  'python3-openstackclient',
  'python3-sqlalchemy-ext',
  'rabbitmq-server',
  'radvd',
  'user-mode-linux',
  'uwsgi-core',
  'uwsgi-plugin-python3',
];

/** What a VM of a cloud runs besides, as PID 1 and beside it. */
const services = ['dbus', 'sudo', 'systemd', 'systemd-sysv', 'udev'];

/** A tree is remade when this changes, as when its packages do. */
const revision = 1;

/**
 * Debian packages of a tree: bookworm carries the cloud and the guests' kernel, the others a newer Docker alone (26.1;
 * forky, which moves, 28.5 or later); trixie systemd too, for guests that it is to run.
 */
export const packages: Record<TreeName, readonly string[]> = {
  bookworm: [...guest, ...cloud],
  'home-bookworm': [...guest, ...services],
  trixie: [...guest, ...services, 'docker-cli'],
  forky: [...guest, 'docker-cli'],
};

/** The release that a tree is made of. */
export function releaseOf(name: TreeName): Suite {
  return name === 'home-bookworm' ? 'bookworm' : name;
}

/** Names a tree by what it is made of, so that another recipe makes another tree. */
export function recipeHash(name: TreeName): string {
  const text = JSON.stringify([revision, name, [...packages[name]].sort()]);
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
