import type { Guest } from './guest.ts';

/** How an engine is started. */
export interface DockerOptions {
  /** Containers outlive dockerd (`live-restore`). */
  readonly liveRestore?: boolean;
}

/** Applets of the image `bb`, which is busybox alone. */
const applets = 'sh ip ping ping6 arping nc sleep cat wget httpd ls echo true false hostname ifconfig route seq test';

// containerd is a process of its own: dockerd 20.10 fails to start when its own containerd was killed with it
const containerd = `mkdir -p /etc/containerd
printf 'version = 2\\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\\n' >/etc/containerd/config.toml
pgrep -x containerd >/dev/null || { setsid containerd </dev/null >>/var/log/containerd.log 2>&1 & }
for _ in $(seq 300); do [ -S /run/containerd/containerd.sock ] && break; sleep 0.1; done`;

const dockerd = (options: DockerOptions): string => `mkdir -p /etc/docker
echo '{"live-restore": ${options.liveRestore ?? false}}' >/etc/docker/daemon.json
setsid dockerd --containerd /run/containerd/containerd.sock --bridge=none --iptables=false --ip6tables=false \
  --ip-forward=false --ip-masq=false --userland-proxy=false </dev/null >>/var/log/dockerd.log 2>&1 &
for _ in $(seq 600); do
  [ -S /run/docker.sock ] && curl -sf --unix-socket /run/docker.sock http://docker/_ping >/dev/null && exit 0
  kill -0 $! || break
  sleep 0.1
done
tail -n 30 /var/log/dockerd.log >&2; exit 1`;

const image = `docker image inspect bb >/dev/null 2>&1 && exit 0
mkdir -p /tmp/bb/bin /tmp/bb/tmp; cp /bin/busybox /tmp/bb/bin
for applet in ${applets}; do ln -sf busybox /tmp/bb/bin/$applet; done
tar -C /tmp/bb -c . | docker import --change 'ENV PATH=/bin' --change 'CMD ["sh"]' - bb >/dev/null && rm -r /tmp/bb`;

/**
 * Starts the guest's Docker engine and returns when it answers and has the image `bb`. Its data is on the guest's
 * disk: after `guest.reset()` the same call brings containers with a restart policy back. @throws Error
 */
export async function startDocker(guest: Guest, options: DockerOptions = {}): Promise<void> {
  await guest.ok(containerd, 60);
  await guest.ok(dockerd(options), 120);
  await guest.ok(image, 60);
}

/** Ends dockerd as a service manager does (TERM), or as the kernel's out-of-memory killer does (KILL). */
export async function stopDocker(guest: Guest, signal: 'TERM' | 'KILL' = 'TERM'): Promise<void> {
  const stop = `pid=$(cat /run/docker.pid) && kill -${signal} $pid
    for _ in $(seq 600); do kill -0 $pid 2>/dev/null || exit 0; sleep 0.1; done; exit 1`;
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
