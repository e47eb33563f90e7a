import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { GuestNic, GuestOptions } from './options.ts';

/** Services that the guest's systemd starts besides what its tree has enabled, by the target that wants them. */
const wanted = [
  ['multi-user.target', 'systemd-networkd.service', '/usr/lib/systemd/system/systemd-networkd.service'],
  [
    'network-online.target',
    'systemd-networkd-wait-online.service',
    '/usr/lib/systemd/system/systemd-networkd-wait-online.service',
  ],
  ['network-online.target', 'lab-boot.service', '../lab-boot.service'],
  ['sysinit.target', 'lab-line.service', '../lab-line.service'],
] as const;

/** Up as early as possible and until the last moment: whatever goes wrong can be looked at. */
const line = `[Unit]
Description=The line to the machine around
DefaultDependencies=no
[Service]
ExecStart=/usr/bin/perl /mnt/line.pl
Environment=HOME=/root LANG=C.UTF-8
KillMode=process
`;

const boot = (script: string): string => `[Unit]
Description=What each boot of this guest does
DefaultDependencies=no
Wants=network.target
Before=network-online.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/bash ${script}
`;

/**
 * Nobody logs in at a terminal, what a distribution does at night is not to happen in the middle of a test, and what it does
 * at its first boot, or for hardware, would take a guest seconds of each boot.
 */
const masked = [
  ...['getty.target', 'apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'fstrim.timer'],
  ...['e2scrub_all.timer', 'e2scrub_reap.service', 'systemd-journal-catalog-update.service', 'ldconfig.service'],
  ...['efi_pstore', 'drm', 'fuse', 'configfs'].map(module => `modprobe@${module}.service`),
];

/** Go's preemption by signals is dear in User-Mode Linux. */
const manager = '[Manager]\nDefaultEnvironment=GODEBUG=asyncpreemptoff=1\n';

/** Debian's user-mode-linux 7.2 has no table that translates addresses, without which Docker would not start. */
const docker = '[Service]\nEnvironment="DOCKER_OPTS=--iptables=false --ip6tables=false"\n';

/**
 * Writes what a guest with systemd finds in /run when it boots: units, and networkd's configuration of its NICs, which
 * stands in /run for cloud-init's too. Nothing of it is on the guest's disk.
 * @param folder made anew
 */
export function writeRunFolder(folder: string, { nics, systemd }: GuestOptions): void {
  rmSync(folder, { recursive: true, force: true });
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const link = (path: string, target: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(target, join(folder, path));
  };
  write('systemd/system/lab-line.service', line);
  write('systemd/system/lab-boot.service', boot('/run/systemd/lab-boot.sh'));
  write('systemd/lab-boot.sh', systemd?.atBoot ?? ':');
  write('systemd/system.conf.d/50-lab.conf', manager);
  write('systemd/system/docker.service.d/50-lab.conf', docker);
  for (const unit of masked) link(`systemd/system/${unit}`, '/dev/null');
  for (const [target, name, unit] of wanted) link(`systemd/system/${target}.wants/${name}`, unit);
  for (const [n, nic] of nics.entries()) write(`systemd/network/10-netplan-eth${n}.network`, networkOf(nic));
}

/** Matched by the MAC alone, as netplan and cloud-init have long written it: it fits any link with the same one too. */
function networkOf({ mac, mtu, ips = [], gateways = [], acceptRa = false }: GuestNic): string {
  return [
    ...['[Match]', `MACAddress=${mac}`],
    ...['[Link]', ...(mtu === undefined ? [] : [`MTUBytes=${mtu}`])],
    ...['[Network]', `IPv6AcceptRA=${acceptRa ? 'yes' : 'no'}`],
    ...ips.map(ip => `Address=${ip}`),
    ...gateways.map(gateway => `Gateway=${gateway}`),
    '',
  ].join('\n');
}
