import type { Guest } from './guest.ts';
import { imageFile } from './image.ts';

/** How an engine is started. */
export interface DockerOptions {
  /** Containers outlive dockerd (`live-restore`). */
  readonly liveRestore?: boolean;
  /** false: leaves forwarding alone. A guest's NIC, unlike virtio's, gives up offload when it is switched on. */
  readonly forward?: boolean;
  /** Containers are in a user namespace of their own (`userns-remap`); they, images and networks are then others. */
  readonly userNamespaces?: boolean;
}

// A guest's one CPU is better spent than on polling programs: waiting is done by built-ins, and by one request that
// dockerd answers when it is ready. containerd is a process of its own: dockerd 20.10 fails to start when its own
// containerd was killed with it.
const start = (options: DockerOptions): string => `
exec 9<> <(:); await() { for ((i = 0; i < 1200; i++)); do [ -S "$1" ] && return; read -rt 0.05 -u 9; done; }
mkdir -p /etc/containerd /etc/docker
cat >/etc/containerd/config.toml <<'end'
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp"]
end
echo daemon:100000:65536 | tee /etc/subuid >/etc/subgid
echo '${configuration(options)}' >/etc/docker/daemon.json
if ! kill -0 "$(cat /run/containerd.pid 2>&1)" 2>/dev/null; then
  setsid containerd </dev/null >>/var/log/containerd.log 2>&1 9>&- &
  echo $! >/run/containerd.pid
fi
await /run/containerd/containerd.sock
rm -f /run/docker.sock
setsid dockerd --containerd /run/containerd/containerd.sock --bridge=none --iptables=false --ip6tables=false \\
  --ip-masq=false --userland-proxy=false --ip-forward=${options.forward ?? true} </dev/null >>/var/log/dockerd.log 2>&1 9>&- &
await /run/docker.sock
`;

const load = (image: string): string => `
api() { curl -sf --max-time 300 --unix-socket /run/docker.sock "$@"; }
api http://docker/_ping >/dev/null || { tail -n 30 /var/log/dockerd.log >&2; exit 1; }
api http://docker/images/bb/json >/dev/null || api -X POST -H 'content-type: application/x-tar' -T '${image}' \\
  'http://docker/images/create?fromSrc=-&repo=bb&tag=latest&changes=ENV%20PATH%3D%2Fbin&changes=CMD%20%5B%22sh%22%5D'`;

function configuration({ liveRestore = false, userNamespaces = false }: DockerOptions): string {
  const users = userNamespaces ? { 'userns-remap': 'daemon' } : {};
  return JSON.stringify({ 'live-restore': liveRestore, 'storage-driver': 'overlay2', ...users });
}

/**
 * Starts the guest's Docker engine and returns when it answers and has the image `bb`. Its data is on the guest's
 * disk: after `guest.reset()` the same call brings containers with a restart policy back. @throws Error
 */
export async function startDocker(guest: Guest, options: DockerOptions = {}): Promise<void> {
  await guest.ok(start(options) + load(await imageFile(guest)), 330);
}

/** Gives the image `bb` to an engine that runs. @throws Error */
export async function loadImage(guest: Guest): Promise<void> {
  await guest.ok(load(await imageFile(guest)), 330);
}

/** Ends dockerd as a service manager does (TERM), or as the kernel's out-of-memory killer does (KILL). */
export async function stopDocker(guest: Guest, signal: 'TERM' | 'KILL' = 'TERM'): Promise<void> {
  const stop = `exec 9<> <(:); pid=$(</run/docker.pid) && kill -${signal} $pid || exit 1
    for ((i = 0; i < 1200; i++)); do kill -0 $pid 2>/dev/null || exit 0; read -rt 0.05 -u 9; done; exit 1`;
  await guest.ok(stop, 90);
}

/** Stops the engine by a signal, and starts it again. */
export async function restartDocker(
  guest: Guest,
  signal: 'TERM' | 'KILL' = 'TERM',
  options: DockerOptions = {},
): Promise<void> {
  await stopDocker(guest, signal);
  await startDocker(guest, options);
}
