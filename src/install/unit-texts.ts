import { options } from '../config/options.ts';
import { credentialFile, type Place, programOf } from './place.ts';

const runFolder = options['run-dir'].fallback.value;

/** Where systemd listens for the daemon. */
export const socketPaths = [options['docker-socket'].fallback.value, `${runFolder}/control.sock`] as const;

const documentation = 'Documentation=man:kuryr(1) man:kuryr.yaml(5)';

// Without a credential neither is started, and neither has failed. Who has it elsewhere (LoadCredentialEncrypted=) empties this.
const condition = `ConditionPathExists=${credentialFile}`;

/**
 * The sockets are systemd's, so that Docker finds them before the daemon is up and while it is restarted, and waits on the
 * daemon rather than 15 seconds a call for a plug-in that is not there.
 */
export function socketText(): string {
  return `[Unit]
Description=Sockets of Kuryr: Docker's plug-in and control
${documentation}
${condition}
Before=docker.service

[Socket]
${socketPaths.map(path => `ListenStream=${path}`).join('\n')}
SocketMode=0600
# For /run/docker, which user namespaces of containers go through.
DirectoryMode=0711
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
`;
}

/**
 * The daemon waits most of the time, so code that takes less room is worth more than code that runs faster: a thousand
 * attachments at once cost it a quarter more processor time. docs/bench.md has the figures (Node 26.10).
 */
export const nodeFlags = ['--max-semi-space-size=1', '--optimize-for-size', '--no-maglev', '--no-turbofan'];

/** Of malloc's, for all threads together. */
export const arenas = 2;

/** Type=notify with ExecReload: Debian 12's systemd (252) has no notify-reload. */
export function serviceText(place: Place): string {
  const [node, script] = programOf(place);
  return `[Unit]
Description=Kuryr: Neutron addresses for containers
${documentation}
${condition}
Requires=kuryr.socket
After=kuryr.socket network-online.target
Wants=network-online.target
# Before Docker starts again the containers that it starts by itself; and after it, when the VM goes down.
Before=docker.service
# Docker waits for who listens. One that cannot start lets go of the sockets after 20 tries, and Docker goes on without it.
StartLimitIntervalSec=1500
StartLimitBurst=20

[Service]
Type=notify
NotifyAccess=main
# An arena of malloc's for each of Node's threads would be 3 MiB more.
Environment=MALLOC_ARENA_MAX=${arenas}
ExecStart=${node} ${nodeFlags.join(' ')} ${script} run
# Where it listens, whatever the file says by now.
ExecReload=${node} ${script} reload --run-dir ${runFolder}
Restart=always
RestartSec=1
WatchdogSec=90
TimeoutStartSec=60
# A call of Docker's under way has 75 seconds.
TimeoutStopSec=90
LoadCredential=clouds.yaml:${credentialFile}
StateDirectory=kuryr
StateDirectoryMode=0700
# The guards' namespaces stand in the first, the locks of VM ports in the second: they outlive the daemon.
RuntimeDirectory=kuryr lock/kuryr
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
UMask=0077
LimitCORE=0
TasksMax=64

${sandbox}
[Install]
WantedBy=multi-user.target
Also=kuryr.socket
`;
}

/** docs/guides/install.md tells of each what it is for, and what had to stay open. */
const sandbox = `# NET_ADMIN, NET_RAW: links, filters, probes. NET_BROADCAST: to hear of links in other namespaces. SYS_ADMIN: into those, and
# mounts that keep the guards'. SYS_PTRACE: to find them by processes. SYS_CHROOT: to mount where the host sees it.
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BROADCAST CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_SYS_CHROOT
NoNewPrivileges=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service mount umount2
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6 AF_PACKET
RestrictNamespaces=net mnt
ProtectSystem=strict
ReadOnlyPaths=/run
ProtectHome=tmpfs
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
# Not ProtectKernelTunables: sysctls of containers are written. Not MemoryDenyWriteExecute: V8 compiles as it runs.
`;
