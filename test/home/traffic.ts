import assert from 'node:assert/strict';
import type { Container, Vm } from '../lab/vm.ts';

// All stop where a file appears, and then print what they saw: nothing is lost between the last look and the end.
const STOP = '/run/init/stop-traffic';

const stream = (address: string): string => `import os, socket, time
def connect():
    for _ in range(100):
        try: return socket.create_connection(('${address}', 7), 30)
        except ConnectionRefusedError: time.sleep(0.1)
line = connect().makefile('rw', buffering=1)
n = 0
while not os.path.exists('${STOP}'):
    n += 1
    line.write(f'{n}\\n')
    assert line.readline() == f'{n}\\n', n
    time.sleep(0.01)
print(n)
`;

const requests = (socket: string): string => `import os, socket, time
worst, n = 0, 0
while not os.path.exists('${STOP}'):
    began = time.monotonic()
    to = socket.socket(socket.AF_UNIX)
    to.settimeout(60)
    to.connect('${socket}')
    to.sendall(b'POST /Plugin.Activate HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n')
    answer = b''
    while part := to.recv(4096): answer += part
    assert answer.startswith(b'HTTP/1.1 200'), answer
    n, worst = n + 1, max(worst, time.monotonic() - began)
    time.sleep(0.05)
print(n, worst)
`;

const python = (program: string): string => `exec python3 - <<'END'\n${program}END`;
const seconds = 600;

/** What passed while work was done. */
export interface Passed {
  readonly pings: number;
  readonly lines: number;
  readonly requests: number;
  /** The longest that a plug-in request waited for its answer, seconds. */
  readonly longestS: number;
  readonly runs: number;
}

/**
 * Does the work while `from` pings the container twenty times a second and talks with its echo service over one TCP
 * connection, while its own VM asks the plug-in twenty times a second, and starts container after container.
 * @throws AssertionError when a single packet, line, request or start is lost
 */
export async function underTraffic(from: Vm, to: Container, work: () => Promise<unknown>): Promise<Passed> {
  const { vm } = to;
  for (const each of [from, vm]) await each.ok(`rm -f ${STOP}`);
  const { stdout: echo } = await vm.within(
    to,
    'setsid socat TCP4-LISTEN:7,fork,reuseaddr PIPE </dev/null >/dev/null 2>&1 & echo $!',
  );
  const all = [
    from.run(`ping -i 0.05 ${to.v4} & until [ -e ${STOP} ]; do sleep 0.5; done; kill -INT $!; wait $!`, seconds),
    from.run(python(stream(to.v4)), seconds),
    vm.run(python(requests('/run/docker/plugins/kuryr.sock')), seconds),
    vm.run(
      `n=0; until [ -e ${STOP} ]; do docker run --rm --network lan bb true || exit; n=$((n+1)); done; echo $n`,
      seconds,
    ),
  ] as const;
  try {
    await work();
  } finally {
    for (const each of [from, vm]) await each.run(`touch ${STOP}`);
  }
  const [ping, tcp, plugin, runs] = await Promise.all(all);
  await vm.ok(`kill ${echo}`);
  for (const { code, stdout, stderr } of [tcp, plugin, runs]) assert.equal(code, 0, `${stdout}${stderr}`);
  const seen = [...ping.stdout.matchAll(/icmp_seq=(\d+) ttl=/g)].map(([, n]) => Number(n));
  assert.deepEqual(
    seen,
    seen.map((_, n) => n + 1),
    'every ping is answered once, in order',
  );
  const [count = 0, longestS = 0] = plugin.stdout.split(' ').map(Number);
  const passed = {
    ...{ pings: seen.length, lines: Number(tcp.stdout), requests: count, longestS },
    runs: Number(runs.stdout.trim().split('\n').at(-1)),
  };
  assert.ok(Math.min(passed.pings, passed.lines, passed.requests, passed.runs) > 0, JSON.stringify(passed));
  return passed;
}
