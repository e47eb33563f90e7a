import { type ChildProcess, spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  cpSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from './cache.ts';
import { guestConfiguration, launchCommand, lineFd } from './launch.ts';
import { Line, type RunResult } from './line.ts';
import type { GuestOptions } from './options.ts';
import { writeRunFolder } from './systemd.ts';
import { makeWorkFolder, removeWorkFolder } from './work-folder.ts';

const init = fileURLToPath(new URL('init', import.meta.url));
/** Sparse: it takes what the guest writes. */
const diskBytes = 8 * 1024 ** 3;
/** Debian's kernel takes 2 s on an idle machine. */
const bootTimeoutMs = 90_000;
/** systemd itself gives each service 90 s to end. */
const rebootTimeoutMs = 120_000;

/** A virtual machine: User-Mode Linux with the root of a Debian tree, a disk of its own, and TAPs for NICs. */
export class Guest {
  readonly name: string;
  readonly options: GuestOptions;
  readonly #work = makeWorkFolder();
  readonly #disk: number;
  #line!: Line;
  #closed: Promise<void> = Promise.resolve();
  #process: ChildProcess | undefined;
  #console = '';
  #fresh = true;
  #killed = false;
  /** A folder of the host that the guest sees, read-only, as /mnt. */
  readonly folder: string;
  /** Release of the kernel that runs, such as 6.1.176. */
  release = '';
  /** From the start of the process to the first command it would have run, in milliseconds. */
  bootMs = 0;

  /** Use {@link bootGuest}. */
  constructor(options: GuestOptions) {
    this.name = options.name;
    this.options = options;
    this.#disk = makeDisk(options.disk ?? cacheFolder());
    mkdirSync(join(this.#work, 'root'));
    this.folder = join(this.#work, 'boot');
    cpSync(init, this.folder, { recursive: true });
  }

  /** The process of this machine within which it runs; 0 before it boots. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Boots, from its disk as it is. @throws Error with the end of the console when it does not come up */
  async boot(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    writeFileSync(join(this.folder, 'guest.conf'), guestConfiguration(this.options, this.#fresh));
    if (this.options.systemd !== undefined) writeRunFolder(join(this.folder, 'run'), this.options);
    const from = performance.now();
    const [program = '', ...args] = launchCommand(this.options, this.#work);
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', this.#disk],
      detached: true,
      // Its kernel keeps its memory where TMPDIR says, which it would not find.
      env: { PATH: process.env['PATH'] },
    });
    const line = new Line(child.stdio[lineFd] as Duplex);
    this.#process = child;
    this.#line = line;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#log(text));
    }
    child.stdin?.on('error', () => {});
    this.#closed = new Promise(resolve => child.once('close', () => resolve()));
    child.once('error', error => line.end(`${this.name}: ${error.message}`));
    child.once('close', (code, by) => line.end(`${this.name}: the guest ended (${by ?? `exit ${code}`})`));
    const stop = (why: unknown): void => line.end(`${this.name}: not up: ${why}`);
    const aborted = (): void => stop(signal.reason);
    const late = setTimeout(() => stop(`no answer after ${bootTimeoutMs} ms`), bootTimeoutMs);
    signal.addEventListener('abort', aborted);
    try {
      this.release = await line.ready;
    } catch (error) {
      await this.#end();
      throw new Error(`${(error as Error).message}\n${this.console().slice(-3000)}`);
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', aborted);
    }
    this.#fresh = false;
    this.bootMs = performance.now() - from;
  }

  #log(text: string): void {
    this.#console = (this.#console + text).slice(-65536);
    if (!this.#killed) appendFileSync(join(this.#work, 'console.log'), text);
    // a kernel that panicked stays, whatever panic= says
    if (text.includes('Kernel panic')) {
      this.#line.end(`${this.name}: kernel panic`);
      this.#process?.kill('SIGKILL');
    }
  }

  /** The last 64 KiB of its console. */
  console(): string {
    return this.#console;
  }

  /** Runs a bash script in the guest. Never rejects: see {@link RunResult} for the codes of a guest that is gone. */
  async run(script: string, timeoutS = 60): Promise<RunResult> {
    return await this.#line.run(script, timeoutS);
  }

  /** As {@link run}, gives stdout. @throws Error unless the exit code is 0 */
  async ok(script: string, timeoutS = 60): Promise<string> {
    const { code, stdout, stderr } = await this.run(script, timeoutS);
    if (code !== 0) throw new Error(`${this.name}: exit ${code} of: ${script}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Pulls the plug and boots again from the same disk: what the guest had not written to it is lost. */
  async reset(signal: AbortSignal): Promise<void> {
    await this.#end();
    await this.boot(signal);
  }

  /** Has its systemd end all that runs and boots again; gives the milliseconds until it had ended. */
  async reboot(signal: AbortSignal): Promise<number> {
    const from = performance.now();
    await this.ok('systemctl --no-block reboot');
    await this.#ended(rebootTimeoutMs);
    const ms = performance.now() - from;
    await this.boot(signal);
    return ms;
  }

  /** Ends it at once; its disk is gone with it. */
  async kill(): Promise<void> {
    if (this.#killed) return;
    this.#killed = true;
    await this.#end();
    closeSync(this.#disk);
    removeWorkFolder(this.#work);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #end(): Promise<void> {
    this.#process?.kill('SIGKILL');
    await this.#ended(30_000);
  }

  async #ended(withinMs: number): Promise<void> {
    const stuck = Promise.withResolvers<never>();
    const late = setTimeout(() => stuck.reject(new Error(`${this.name}: does not end`)), withinMs);
    try {
      await Promise.race([this.#closed, stuck.promise]);
    } finally {
      clearTimeout(late);
    }
  }
}

/** Opens a disk that has no name: it goes when the last process that has it open ends. */
function makeDisk(folder: string): number {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `.disk-${process.pid}-${Math.random()}`);
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  ftruncateSync(fd, diskBytes);
  return fd;
}

/** Boots a guest; it lives until `kill`, or until this process ends in whatever way. */
export async function bootGuest(options: GuestOptions, signal: AbortSignal): Promise<Guest> {
  const guest = new Guest(options);
  try {
    await guest.boot(signal);
    return guest;
  } catch (error) {
    await guest.kill();
    throw error;
  }
}
