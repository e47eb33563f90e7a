/** `npm run wire:record [-- bookworm|trixie]`, as root: what a real engine sends, as a golden file in `captures/`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from '../../tools/build.ts';
import { Lab } from '../lab/lab.ts';
import { NODE, PROGRAM, type Vm } from '../lab/vm.ts';
import { goldenLines, type Recorded } from './golden.ts';
import type { Tapped } from './tap.ts';

const [release = 'bookworm'] = process.argv.slice(2);
if (release !== 'bookworm' && release !== 'trixie') {
  console.error('usage: npm run wire:record [-- bookworm|trixie]');
  process.exit(64);
}
const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const LOG = '/var/log/tap.jsonl';
const say = (line: string) => console.log(line);

/** A VM whose engine talks to the daemon by way of the tap, and what was recorded so far. */
class Recorder {
  readonly #vm: Vm;
  readonly recorded: Recorded[] = [];
  #seen = 0;

  constructor(vm: Vm) {
    this.#vm = vm;
  }

  /** Types a line, whether or not it ends well, and keeps what the engine said meanwhile. */
  async type(line: string, mark = line): Promise<void> {
    this.recorded.push({ mark });
    const { code, stderr } = await this.#vm.run(line, 300);
    say(`${code === 0 ? ' ' : code} ${mark}${code === 0 ? '' : `: ${stderr.trim().slice(0, 300)}`}`);
    await this.keep();
  }

  /** Something that happens to the machine, not by the engine's will. */
  async happens(event: NonNullable<Extract<Recorded, { event: string }>['event']>, act: () => Promise<unknown>) {
    this.recorded.push({ event });
    say(`  (${event})`);
    await act();
    await this.keep();
  }

  /** Waits until nothing more comes, and takes what has come. */
  async keep(): Promise<void> {
    const count = `wc -l <${LOG}`;
    const quiet = `for i in 1 2 3 4 5 6 7 8; do a=$(${count}); sleep 1; [ "$a" = "$(${count})" ] && break; done; tail -n +${this.#seen + 1} ${LOG}`;
    const lines = (await this.#vm.ok(quiet)).split('\n').filter(line => line !== '');
    this.#seen += lines.length;
    const tapped = lines.map(line => JSON.parse(line) as Tapped);
    this.recorded.push(...tapped.sort((a, b) => a.n - b.n));
  }
}

await using lab = await Lab.up({ backend: 'ovn', engine: release, say, signal: new AbortController().signal });
await build(dist, 'test/wire/tap.ts', 'tap.mjs');
const [vm] = await lab.addVms({ name: 'vr', host: 'h1', start: false });
const behind = '/run/behind/kuryr.sock';
const PLUGIN = '/run/docker/plugins/kuryr.sock';
/** Daemon and tap come and go together: a tap alone would take what nobody answers, which no dead daemon does. */
const startBoth = async () => {
  await vm.startKuryr(`--wait permitted --docker-socket ${behind}`);
  await vm.ok(
    `setsid ${NODE}/bin/node ${PROGRAM}/tap.mjs ${PLUGIN} ${behind} ${LOG} </dev/null >>/var/log/tap.err 2>&1 & echo $! >/run/tap.pid
    exec 9<> <(:); for ((i = 0; i < 200; i++)); do [ -S ${PLUGIN} ] && exit 0; read -rt 0.1 -u 9; done; exit 1`,
  );
};
const stopBoth = async () => {
  await vm.ok(`kill $(</run/tap.pid); rm -f ${PLUGIN}`);
  await vm.stopKuryr();
};
await vm.ok(`mkdir -p ${PLUGIN.replace(/\/[^/]*$/, '')}; : >${LOG}`);
await startBoth();
await vm.startDocker();
const version = await vm.ok("docker version -f '{{.Server.Version}}'");
const it = new Recorder(vm);
/** Waits until the container runs, for two minutes at most: the log tells what came of it. */
const runs = (name: string) =>
  it.type(
    `for ((i = 0; i < 120; i++)); do [ "$(docker inspect -f '{{.State.Running}}' ${name})" = true ] && exit 0; sleep 1; done; exit 1`,
    `${name} runs`,
  );
const sleeper = 'bb sleep 100000';

await it.type('kuryr network create dual --ipv6');
await it.type('kuryr network create lan');
await it.type(`docker run -d --name c1 --network lan ${sleeper}`);
await it.type(`docker run -d --name c2 --network dual --ip 10.30.0.77 --ip6 fd30::77 ${sleeper}`);
await it.type('docker stop -t 0 c1');
await it.type('docker start c1');
await it.type('docker restart -t 0 c2');
await it.type('docker network connect --ip 10.30.0.78 lan c2');
await it.type('docker network disconnect lan c2');
await it.type('docker network disconnect dual c2');
await it.type('docker network connect dual c2');
await it.type(`docker create --name c3 --network lan ${sleeper}`);
await it.type('docker network connect dual c3');
await it.type('docker start c3');
await it.type('docker kill c3');
await it.type('docker rm c3');
await it.type(`docker run -d --name c4 --network lan --ip 10.30.0.77 ${sleeper}`);
await it.type('docker rm -f c4 c2');
await it.type(
  `for n in 1 2 3 4 5 6; do docker run -d --name b$n --network dual ${sleeper} & done; wait`,
  'six docker run at once',
);
await it.type('docker rm -f b1 b2 b3 b4 b5 b6', 'docker rm -f of six');

await it.type(`docker run -d --name e1 --restart always --network dual --ip 10.30.0.66 ${sleeper}`);
await it.type(`docker run -d --name e2 --network lan ${sleeper}`);
await it.happens('the engine ends', () => vm.stopDocker('TERM'));
await it.happens('the engine begins', () => vm.startDocker());
await runs('e1');
await it.type('docker start e2');
await it.happens('the engine is killed', () => vm.stopDocker('KILL'));
await it.happens('the engine begins', () => vm.startDocker());
await runs('e1');
await it.type('docker rm -f e1 e2');

await it.happens('the engine ends', () => vm.stopDocker('TERM'));
await it.happens('the engine begins', () => vm.startDocker({ liveRestore: true }));
await it.type(`docker run -d --name l1 --network dual ${sleeper}`);
await it.type(`docker run -d --name l2 --network lan ${sleeper}`);
await it.happens('the engine ends, its containers live on', () => vm.stopDocker('TERM'));
await it.happens('the engine begins', () => vm.startDocker({ liveRestore: true }));
await it.happens('the engine is killed, its containers live on', () => vm.stopDocker('KILL'));
await it.happens('the engine begins', () => vm.startDocker({ liveRestore: true }));
await it.type('docker stop -t 0 l2');
await it.type('docker start l2');
await it.type('docker rm -f l1 l2');

await it.type(`docker run -d --name p1 --network lan ${sleeper}`);
await it.happens('the daemon ends', stopBoth);
await it.type('docker network rm dual', 'docker network rm dual, with the plug-in down');
it.recorded.push({ mark: 'docker run and docker rm -f, with the plug-in down for a while' });
await it.happens('the daemon begins', async () => {
  const typed = vm.run(`docker run -d --name p2 --network lan ${sleeper} & docker rm -f p1 & wait`, 300);
  await vm.ok('sleep 3');
  await startBoth();
  say((await typed).stderr);
});
await runs('p2');
await it.type('docker rm -f p2 c1');
await it.type('docker network rm dual; docker network rm lan', 'docker network rm dual lan');
await vm.ok('kuryr gc');
say(await vm.ok('kuryr status; docker ps -a; docker network ls'));

const short = version.split('.').slice(0, 2).join('.');
const file = join(import.meta.dirname, 'captures', `docker-${short}-life.jsonl`);
writeFileSync(file, goldenLines(version, it.recorded));
say(`${file}: ${readFileSync(file, 'utf8').split('\n').length - 1} lines`);
