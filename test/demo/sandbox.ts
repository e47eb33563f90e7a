// Runs a command and tells what of the machine differs afterwards. In namespaces of its own, so that what else goes on on
// this machine does not count. Arguments: JSON of {@link SandboxRequest}; prints JSON of {@link SandboxResult}.
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface SandboxRequest {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folders whose files are compared. */
  readonly folders: readonly string[];
  /** What is typed into it. */
  readonly input?: string;
  /** Once it has printed this, it is sent the signal. */
  readonly end?: { readonly after: string; readonly signal: 'SIGKILL' | 'SIGINT' };
}

export interface SandboxResult {
  readonly code: number | null;
  readonly output: string;
  readonly before: MachineState;
  /** While it ran, at its last line. */
  readonly processesThen: number;
  readonly after: MachineState;
}

export interface MachineState {
  readonly processes: readonly string[];
  readonly networks: readonly string[];
  readonly names: readonly string[];
  readonly links: readonly string[];
  readonly mounts: readonly string[];
  readonly files: readonly string[];
}

if (import.meta.main) {
  const request = JSON.parse(process.argv[2] ?? '') as SandboxRequest;
  process.stdout.write(JSON.stringify(await run(request)));
}

async function run({ command, env, folders, input = '', end }: SandboxRequest): Promise<SandboxResult> {
  const before = state(folders);
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
  let output = '';
  let processesThen = 0;
  let told = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      processesThen = Math.max(processesThen, state([]).processes.length);
      // Once: a second signal would end it otherwise than the first.
      if (end === undefined || told || !output.includes(end.after)) return;
      told = true;
      child.kill(end.signal);
    });
  }
  const code = await new Promise<number | null>(resolve => child.once('close', resolve));
  // The kernel takes a moment to end what lived in namespaces.
  const late = performance.now() + 10_000;
  let after = state(folders);
  while (JSON.stringify(after) !== JSON.stringify(before) && performance.now() < late) {
    await new Promise(resolve => setTimeout(resolve, 50));
    after = state(folders);
  }
  return { code, output, before, processesThen, after };
}

function state(folders: readonly string[]): MachineState {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name) && !isGone(name));
  return {
    processes: pids.map(pid => quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '))),
    networks: [...new Set(pids.map(pid => quietly(() => readlinkSync(`/proc/${pid}/ns/net`))))].toSorted(),
    names: quietly(() => readdirSync('/run/netns').join(' ')).split(' '),
    links: execFileSync('ip', ['-br', 'link'], { encoding: 'utf8' }).split('\n'),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n'),
    files: folders
      .flatMap(folder => readdirSync(folder, { recursive: true }).map(name => `${folder}/${name}`))
      .toSorted(),
  };
}

/** A process that has ended and waits for its parent, or the ip(8) that is asked here. */
function isGone(pid: string): boolean {
  return quietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) (.).*/s, '$1')) === 'Z';
}

function quietly(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
