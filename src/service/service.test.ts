import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { KoffiSys } from '../linux/koffi-sys.ts';
import { AF_UNIX, MSG_DONTWAIT, SOCK_DGRAM, unixAddress } from '../linux/sys.ts';
import { silentLogger } from '../observe/logger.ts';
import { FakeClock } from '../time/fake-clock.ts';
import { takeServiceEnvironment } from './environment.ts';
import { handedOver } from './handed-over.ts';
import { notifierOf } from './notifier.ts';
import { lookAtMode, lookAtSocket, parseUnixSockets, type UnixSocket } from './unix-sockets.ts';
import { keepAlive } from './watchdog.ts';

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-service-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

describe('what systemd tells a service', () => {
  const told = {
    NOTIFY_SOCKET: '/run/systemd/notify',
    WATCHDOG_USEC: '90000000',
    WATCHDOG_PID: '42',
    LISTEN_PID: '42',
    LISTEN_FDS: '2',
    LISTEN_FDNAMES: 'kuryr.socket:kuryr.socket',
    SYSTEMD_EXEC_PID: '42',
    PATH: '/bin',
  };

  it('is read, and leaves nothing behind that a child would take for its own', () => {
    const env: Record<string, string | undefined> = { ...told };
    assert.deepEqual(takeServiceEnvironment(env, 42), {
      notifySocket: '/run/systemd/notify',
      watchdogMs: 90_000,
      sockets: 2,
      isMain: true,
    });
    assert.deepEqual(env, { SYSTEMD_EXEC_PID: '42', PATH: '/bin' });
  });

  it('is left alone by a process that it is not for', () => {
    const { watchdogMs, sockets, isMain } = takeServiceEnvironment({ ...told }, 43);
    assert.deepEqual([watchdogMs, sockets, isMain], [undefined, 0, false]);
    const none = { notifySocket: undefined, watchdogMs: undefined, sockets: 0, isMain: false };
    assert.deepEqual(takeServiceEnvironment({}, 42), none);
    assert.equal(takeServiceEnvironment({ NOTIFY_SOCKET: 'vsock:2:3' }, 42).notifySocket, undefined);
  });
});

describe('what a service tells systemd', () => {
  for (const where of ['a path', 'an abstract name'] as const) {
    it(`arrives at ${where}, a datagram each`, async t => {
      const sys = new KoffiSys();
      const socket = where === 'a path' ? join(await folderOf(t), 'notify') : `@kuryr-test-${process.pid}`;
      const fd = sys.socket(AF_UNIX, SOCK_DGRAM, 0);
      t.after(() => sys.close(fd));
      assert.equal(sys.bind(fd, unixAddress(socket)), 0);
      const notifier = notifierOf(sys, socket, silentLogger);
      const before = process.hrtime.bigint() / 1000n;
      notifier.ready('Serves\nREADY=0');
      notifier.reloading();
      notifier.alive();
      notifier.stopping();
      const heard = Array.from({ length: 4 }, () => {
        const into = Buffer.alloc(512);
        return into.toString('utf8', 0, Math.max(0, sys.recv(fd, into, MSG_DONTWAIT)));
      });
      assert.equal(heard[0], 'READY=1\nSTATUS=Serves READY=0');
      const usec = BigInt(/^RELOADING=1\nMONOTONIC_USEC=(\d+)\n/.exec(heard[1] ?? '')?.[1] ?? 0);
      assert.ok(usec >= before && usec <= process.hrtime.bigint() / 1000n);
      assert.equal(heard[2], 'WATCHDOG=1');
      assert.match(heard[3] ?? '', /^STOPPING=1\n/);
    });
  }

  it('ends nothing where systemd is not there to hear it', async t => {
    const warnings: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: unknown) => void warnings.push(fields) };
    notifierOf(new KoffiSys(), join(await folderOf(t), 'nobody'), logger).ready('x');
    assert.equal(warnings.length, 1);
  });
});

describe('sockets that systemd hands over', () => {
  const path = '/run/kuryr/control.sock';
  const good: UnixSocket = { type: 'stream', listening: true, path };

  it('are told by their paths, in whatever order they come', () => {
    const other = '/run/docker/plugins/kuryr.sock';
    const table = [{ ...good, path: other }, good];
    const taken = handedOver(
      2,
      [path, other],
      fd => table[fd - 3],
      () => 0o140600,
    );
    assert.deepEqual(Object.fromEntries(taken), { [other]: 3, [path]: 4 });
    assert.equal(
      handedOver(
        0,
        [path],
        () => good,
        () => 0o140600,
      ).size,
      0,
    );
  });

  it('are refused, with the reason, where they are not what is served', () => {
    const cases: [RegExp, number, UnixSocket | undefined, number | undefined][] = [
      [/no unix socket/, 1, undefined, 0o600],
      [/no stream socket that listens/, 1, { ...good, type: 'datagram' }, 0o600],
      [/no stream socket that listens/, 1, { ...good, listening: false }, 0o600],
      [/serves nothing/, 1, { ...good, path: '/run/other.sock' }, 0o600],
      [/serves nothing/, 1, { ...good, path: undefined }, 0o600],
      [/twice/, 2, good, 0o600],
      [/gone/, 1, good, undefined],
      [/open to others than root \(mode 660\)/, 1, good, 0o660],
    ];
    for (const [reason, count, socket, mode] of cases) {
      assert.throws(
        () =>
          handedOver(
            count,
            [path],
            () => socket,
            () => mode,
          ),
        error => isKuryrError(error, 'SOCKET_HANDED_OVER') && reason.test(error.text) && error.todo.includes(path),
        String(reason),
      );
    }
  });

  it('are looked at in what the kernel lists', () => {
    const table = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01   181 /run/a b.sock
0000000000000000: 00000003 00000000 00000000 0002 03 18124
`;
    assert.deepEqual(Object.fromEntries(parseUnixSockets(table)), {
      181: { type: 'stream', listening: true, path: '/run/a b.sock' },
      18124: { type: 'datagram', listening: false, path: undefined },
    });
  });

  it('are seen as they are by the process that has them', async t => {
    const at = join(await folderOf(t), 'a.sock');
    const server = createServer();
    await new Promise<void>(resolve => server.listen(at, resolve));
    t.after(() => server.close());
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    assert.deepEqual(lookAtSocket(fd), { type: 'stream', listening: true, path: at });
    assert.equal(lookAtMode(at), (await stat(at)).mode & 0o7777);
    assert.equal(lookAtMode(`${at}.gone`), undefined);
    assert.equal(lookAtSocket(1_000_000), undefined);
  });
});

describe('the watchdog', () => {
  function watched(serves: (signal: AbortSignal) => Promise<void>) {
    const clock = new FakeClock();
    const life = new AbortController();
    let told = 0;
    const parts = { notifier: { alive: () => void told++ }, serves, clock, logger: silentLogger };
    const done = keepAlive(90_000, parts, life.signal);
    return { clock, done, end: () => life.abort(), told: () => told };
  }

  it('is told twice in its time while the daemon serves', async () => {
    const { clock, done, end, told } = watched(async () => {});
    await clock.advance(1);
    assert.equal(told(), 1);
    await clock.advance(90_000);
    assert.equal(told(), 3);
    end();
    await done;
    assert.equal(clock.sleeping, 0);
  });

  it('is told nothing by a daemon that refuses itself, or does not answer', async () => {
    for (const serves of [() => Promise.reject(new Error('refused')), () => new Promise<void>(() => {})]) {
      const { clock, done, end, told } = watched(serves);
      await clock.advance(300_000);
      assert.equal(told(), 0);
      end();
      await done;
    }
  });
});
