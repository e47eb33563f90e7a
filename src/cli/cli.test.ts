import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Status } from '../attach/status.ts';
import type { Cleaned } from '../attach/upkeep.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import { Control, type ControlParts } from '../fronts/control/control.ts';
import type { UnixServer } from '../fronts/http-server.ts';
import { silentLogger } from '../observe/logger.ts';
import { systemClock } from '../time/system-clock.ts';
import type { Terminal } from './command.ts';
import { commandNames } from './commands.ts';
import { askDaemon } from './control-client.ts';
import { dispatch } from './dispatch.ts';

const status: Status = {
  ports: [
    {
      port: 'vm-port',
      master: 'ens3',
      network: 'private',
      pairs: { used: 2, ours: 1, limit: 10 },
      portSecurity: true,
    },
    { port: 'open-port', master: 'ens4', network: 'open', pairs: undefined, portSecurity: false },
  ],
  attachments: [
    {
      id: 'ab'.repeat(32),
      network: 'cd'.repeat(32),
      link: 'kuryr1',
      kind: 'ipvlan l2',
      sandbox: undefined,
      seen: 'sandbox',
      addresses: [
        {
          name: 'kuryr-1',
          address: '10.0.0.21',
          facts: ['reserved', 'permitted', 'named', 'linked', 'reachable'],
          reached: undefined,
        },
      ],
      notes: ['8080 is at 10.0.0.21:8080'],
      since: '2026-01-02T03:04:05.678Z',
      ending: false,
    },
  ],
  guards: [],
  hostAccess: { state: 'working', lack: undefined, services: undefined, foreign: [] },
  loose: [{ name: 'kuryr-1', address: '10.0.0.22', state: 'provisional' }],
  cloud: undefined,
  health: [],
};

const life = {
  attachment: 'ab'.repeat(32),
  network: 'cd'.repeat(32),
  addresses: ['10.0.0.21'],
  state: 'attached',
  began: '2026-01-02T03:04:05.678Z',
  whole: true,
  story: [
    { at: '2026-01-02T03:04:05.678Z', after: 0, ms: 120, text: 'POST /ports: 201', requestId: 'req-1' },
    {
      at: '2026-01-02T03:04:07.178Z',
      after: 1500,
      ms: 0.4,
      text: 'the kernel made no link',
      error: { code: 'LINK_TAKEN', text: 'It is taken by \u001b[2J.', todo: 'Delete it.' },
    },
  ],
  dropped: 0,
  now: [
    { fact: 'reserved', state: 'holds', text: '10.0.0.21 is reserved.' },
    { fact: 'permitted', state: 'lacks', code: 'PAIR_MISSING', text: 'There is no pair.', todo: 'Wait.' },
  ],
  health: [],
};

/** A daemon's control socket with the parts of a test behind it, and a terminal that keeps what is printed. */
class Bench {
  folder = '';
  #server: UnixServer | undefined;
  parts: Partial<ControlParts> = {};
  printed: string[] = [];
  ran: (readonly string[])[] = [];

  async start(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'kuryr-cli-'));
    const control = new Control({
      status: async signal => this.parts.status?.(signal) ?? status,
      gc: async (dryRun, signal) => this.parts.gc?.(dryRun, signal) ?? { cleaned: [] },
      withdraw: () => this.parts.withdraw?.(),
      networkPlan: async (request, signal) => this.parts.networkPlan?.(request, signal) ?? { command: [] },
      explain: async (what, signal) => this.parts.explain?.(what, signal) ?? { lives: [] },
      lives: () => this.parts.lives?.() ?? { lives: [] },
      metrics: () => '',
      health: () => ({ status: 'ok', problems: [] }),
      version: '1',
      logger: silentLogger,
      clock: systemClock,
      life: new AbortController().signal,
    });
    this.#server = control.server(join(this.folder, 'control.sock'));
    await this.#server.listen();
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  terminal(env: Record<string, string>, file?: string): Terminal {
    this.printed = [];
    this.ran = [];
    return {
      out: text => void this.printed.push(text),
      err: text => void this.printed.push(text),
      env,
      readFile: async () => file,
      run: async command => {
        this.ran.push(command);
        return 3;
      },
    };
  }

  async kuryr(args: readonly string[], env: Record<string, string> = { KURYR_RUN_DIR: this.folder }) {
    const terminal = this.terminal(env);
    const code = await dispatch(args, terminal, new AbortController().signal);
    return { code, text: this.printed.join('\n') };
  }
}

describe('the command line', () => {
  const bench = new Bench();
  before(() => bench.start());
  after(() => bench.stop());

  it('lists its commands, and tells of each what it takes', async () => {
    const { code, text } = await bench.kuryr([]);
    assert.equal(code, 0);
    for (const name of commandNames) {
      assert.ok(text.includes(`  ${name} `), name);
      assert.match((await bench.kuryr([name, '--help'])).text, /usage: kuryr/);
      assert.match((await bench.kuryr(['help', name])).text, /usage: kuryr/);
    }
    assert.match((await bench.kuryr(['help', 'run'])).text, /--wait-seconds SECONDS/);
    assert.match((await bench.kuryr(['--version'])).text, /^kuryr \d+\.\d+\.\d+$/);
  });

  it('names the nearest command or flag, with the exit code of a usage error', async () => {
    const command = await bench.kuryr(['stauts']);
    assert.equal(command.code, 64);
    assert.match(command.text, /did you mean kuryr status/);
    const flag = await bench.kuryr(['status', '--jsno']);
    assert.equal(flag.code, 64);
    assert.match(flag.text, /did you mean --json/);
    assert.equal((await bench.kuryr(['constructor'])).code, 64);
    assert.equal((await bench.kuryr(['network', 'make', 'x'])).code, 64);
  });

  it('says that no daemon runs, where, and what to do', async () => {
    const { code, text } = await bench.kuryr(['status'], { KURYR_RUN_DIR: '/nonexistent-kuryr' });
    assert.equal(code, 1);
    assert.match(
      text,
      /^kuryr: No daemon answers at \/nonexistent-kuryr\/control\.sock\.\n {2}Start it .*\[DAEMON_NOT_RUNNING\]$/,
    );
  });

  it('finds the daemon that has not been restarted since the file names another folder, and says so once', async () => {
    const usual = join(bench.folder, 'control.sock');
    const ask = (terminal: Terminal, at: string) =>
      askDaemon({ method: 'GET', path: '/v1/version' }, {}, terminal, new AbortController().signal, at);
    const terminal = bench.terminal({}, 'run-dir: /nonexistent-kuryr');
    for (let n = 0; n < 2; n++) assert.deepEqual(await ask(terminal, usual), { version: '1' });
    assert.deepEqual(bench.printed, [
      `kuryr: the daemon answers at ${usual}: run-dir in /etc/kuryr/kuryr.yaml takes a restart of it`,
    ]);
    await assert.rejects(ask(terminal, '/nonexistent/control.sock'), {
      code: 'DAEMON_NOT_RUNNING',
      message: /\/nonexistent-kuryr\/control\.sock, \/nonexistent\/control\.sock.*until it is restarted/,
    });
    // Who names the folder, or the file, means that one.
    await assert.rejects(
      ask(bench.terminal({ KURYR_CONFIG: '/etc/other.yaml' }, 'run-dir: /nonexistent-kuryr'), usual),
      {
        code: 'DAEMON_NOT_RUNNING',
      },
    );
    await assert.rejects(ask(bench.terminal({ KURYR_RUN_DIR: '/nonexistent-kuryr' }), usual), {
      code: 'DAEMON_NOT_RUNNING',
    });
  });

  it('tells in its help of both ways to name that folder, wherever they are taken', async () => {
    const taken: string[] = [];
    for (const name of commandNames) {
      // The first flag that is unknown is the one that is named.
      const { text } = await bench.kuryr([name, '--run-dir=/x', '--config=/x', '--no-such-flag']);
      if (!text.includes('no-such-flag')) continue;
      taken.push(name);
      const help = (await bench.kuryr(['help', name])).text;
      for (const flag of ['--run-dir PATH', '--config PATH'])
        assert.ok(help.includes(`\n  ${flag}`) || /those of kuryr run/.test(help), `${name}: ${flag}`);
    }
    assert.deepEqual(
      taken.filter(name => !['run', 'config', 'doctor'].includes(name)),
      [...['network', 'status', 'explain', 'reload', 'uninstall', 'gc']],
    );
  });

  it('prints what the daemon refuses in its words', async () => {
    bench.parts = {
      status: async () => {
        throw new KuryrError('MASTER_AMBIGUOUS', {});
      },
    };
    const { code, text } = await bench.kuryr(['status']);
    bench.parts = {};
    assert.equal(code, 1);
    assert.match(text, /\[MASTER_AMBIGUOUS\]$/);
  });

  it('shows attachments, their addresses and the pairs that are left', async () => {
    const { code, text } = await bench.kuryr(['status']);
    assert.equal(code, 0);
    assert.match(
      text,
      /^abababababab {2}cdcdcdcdcdcd {2}ipvlan l2 {2}10\.0\.0\.21 {2}reachable {2}2026-01-02T03:04:05Z$/m,
    );
    assert.match(text, /^abababababab: 8080 is at 10\.0\.0\.21:8080$/m);
    assert.match(text, /^10\.0\.0\.22: asked for, not on an endpoint yet$/m);
    assert.match(text, /^ens3 \(VM port vm-port, network private\): 8 of 10 pairs left$/m);
    assert.match(text, /^ens4 .*port security is off/m);
  });

  it('shows whether the VM and its containers reach one another, and what is in the way', async () => {
    const foreign = ['the neighbour 10.0.0.21'];
    const well = status.hostAccess;
    const cases = [
      [well, /The VM and its own containers reach one another\.$/],
      [{ ...well, foreign }, /the neighbour 10\.0\.0\.21 is not Kuryr's and is left as it is$/],
      [{ ...well, state: 'lacking' }, /do not reach one another\.$/],
      [{ ...well, state: 'off' }, /Host access is off/],
    ] as const;
    for (const [hostAccess, text] of cases) {
      bench.parts = { status: async () => ({ ...status, hostAccess }) };
      assert.match((await bench.kuryr(['status'])).text, text);
    }
    bench.parts = {};
  });

  it('shows what is wrong, with code and what to do, and fails for an error when asked to', async () => {
    const health = [
      { code: 'PAIRS_FULL', severity: 'warning', text: 'All are in use.', todo: 'Stop one.', since: '' },
    ] as const;
    bench.parts = { status: async () => ({ ...status, health }) };
    const warned = await bench.kuryr(['status', '--check']);
    assert.match(warned.text, /\nNot as it should be:\n {2}! All are in use\. \[PAIRS_FULL\]\n {4}Stop one\.$/);
    assert.equal(warned.code, 0);
    const error = { ...health[0], severity: 'error', text: '\u001b[2J' };
    bench.parts = { status: async () => ({ ...status, health: [error] }) };
    const failed = await bench.kuryr(['status', '--check']);
    assert.match(failed.text, /✗ \?\[2J \[PAIRS_FULL\]/);
    assert.deepEqual([failed.code, (await bench.kuryr(['status'])).code], [1, 0]);
    bench.parts = {};
  });

  it('explains a life line by line, and what is wrong now', async () => {
    const asked: string[] = [];
    bench.parts = {
      explain: async what => {
        asked.push(what);
        return { lives: [life] };
      },
      lives: () => ({ lives: [{ ...life, error: 'LINK_TAKEN' }] }),
    };
    const { code, text } = await bench.kuryr(['explain', 'web']);
    assert.equal(code, 0);
    assert.equal(
      text,
      [
        'The attachment abababababab (10.0.0.21) on the network cdcdcdcdcdcd is attached.',
        '',
        'From its beginning at 2026-01-02T03:04:05.678Z:',
        '     +0.0 ms  POST /ports: 201, 120 ms, req-1',
        '     +1.50 s  the kernel made no link, 0.4 ms',
        '              It is taken by ?[2J. [LINK_TAKEN]',
        '              Delete it.',
        '',
        'Now:',
        '  ✓ 10.0.0.21 is reserved.',
        '  ✗ There is no pair. [PAIR_MISSING]',
        '    Wait.',
      ].join('\n'),
    );
    const list = await bench.kuryr(['explain']);
    assert.match(list.text, /^abababababab {2}10\.0\.0\.21 {2}attached {2}2026-01-02T03:04:05Z {2}- {6}LINK_TAKEN$/m);
    assert.deepEqual(JSON.parse((await bench.kuryr(['explain', 'web', '--json'])).text), { lives: [life] });
    assert.equal((await bench.kuryr(['explain', 'a', 'b'])).code, 64);
    bench.parts = {};
    assert.deepEqual(asked, ['web', 'web']);
  });

  it("shows a container's text without what a terminal would obey", async () => {
    const [attachment] = status.attachments;
    bench.parts = { status: async () => ({ ...status, attachments: [{ ...attachment, notes: ['\u001b[2Jgone'] }] }) };
    const { text } = await bench.kuryr(['status']);
    bench.parts = {};
    assert.match(text, /: \?\[2Jgone$/m);
  });

  it('gives the whole answer as JSON when asked', async () => {
    assert.deepEqual(JSON.parse((await bench.kuryr(['status', '--json'])).text), JSON.parse(JSON.stringify(status)));
  });

  it('tells what gc would do and what it did, and fails when a step did', async () => {
    const step = { do: 'unlink', id: 'x', link: 'kuryr7', why: 'no attachment has it' } as const;
    const asked: boolean[] = [];
    let answer: Cleaned[] = [];
    bench.parts = {
      gc: async dryRun => {
        asked.push(dryRun);
        return { cleaned: answer };
      },
    };
    assert.deepEqual(await bench.kuryr(['gc', '--dry-run']), { code: 0, text: 'Nothing is without an owner.' });
    answer = [{ step, done: false }];
    assert.match((await bench.kuryr(['gc', '--dry-run'])).text, /^would clear away link kuryr7: no attachment has it$/);
    answer = [{ step, done: true }];
    assert.match((await bench.kuryr(['gc'])).text, /^cleared away link kuryr7/);
    answer = [{ step, done: false, error: 'busy' }];
    const failed = await bench.kuryr(['gc']);
    bench.parts = {};
    assert.deepEqual(asked, [true, true, false, false]);
    assert.equal(failed.code, 1);
    assert.match(failed.text, /^failed: link kuryr7: no attachment has it\n {2}busy$/);
  });

  it('takes away what stands for containers that are left only when asked, and then even where the cloud is not there', async () => {
    let withdrawn = 0;
    bench.parts = {
      withdraw: () => void withdrawn++,
      gc: () => Promise.reject(new Error('no cloud')),
    };
    for (const args of [['gc'], ['gc', '--withdraw', '--dry-run']]) await bench.kuryr(args);
    assert.equal(withdrawn, 0);
    assert.equal((await bench.kuryr(['gc', '--withdraw'])).code, 1);
    bench.parts = {};
    assert.equal(withdrawn, 1);
  });

  it('prints the docker command of a network and runs it, with what the user adds before the name', async () => {
    const requests: unknown[] = [];
    bench.parts = {
      networkPlan: async request => {
        requests.push(request);
        return { command: ['docker', 'network', 'create', '--subnet', '10.0.0.0/24', 'net'] };
      },
    };
    const line = ['network', 'create', 'net', '--subnet', 'blue', '--ipv6', '--link', 'macvlan', '--mode', 'private'];
    const { code, text } = await bench.kuryr([...line, '--', '--label', "it's"]);
    assert.equal(code, 3);
    assert.equal(text, `docker network create --subnet 10.0.0.0/24 --label 'it'\\''s' net`);
    assert.deepEqual(bench.ran, [['docker', 'network', 'create', '--subnet', '10.0.0.0/24', '--label', "it's", 'net']]);
    assert.deepEqual(requests, [
      {
        name: 'net',
        subnets: ['blue'],
        ipv6: true,
        options: { link: 'macvlan', macvlan_mode: 'private' },
      },
    ]);
    assert.equal((await bench.kuryr([...line, '--print'])).code, 0);
    assert.deepEqual(bench.ran, []);
    bench.parts = {};
  });
});
