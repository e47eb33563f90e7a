import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { RunResult } from '../../guest/line.ts';

/** A program that a user's machine would have, played by the test: ssh and scp, which no VM of the lab listens for. */
export type Played = (args: readonly string[]) => Promise<RunResult>;

const top = fileURLToPath(new URL('../..', import.meta.url));

/** A shell in a folder of the repository, with the programs that are played first on its PATH. What one line sets, the next one sees. */
export class YourMachine implements AsyncDisposable {
  readonly #folder: string;
  readonly #server: Server;
  readonly #environment: Readonly<Record<string, string>>;

  private constructor(folder: string, server: Server, environment: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#server = server;
    this.#environment = environment;
  }

  /** @param cloudsYaml the user's own, with one cloud in it */
  static async make(cloudsYaml: string, played: Readonly<Record<string, Played>>): Promise<YourMachine> {
    const folder = await mkdtemp(join(tmpdir(), 'kuryr-home-'));
    const socket = join(folder, 'socket');
    for (const name of Object.keys(played)) {
      const call = `exec '${top}tools/node' '${top}test/home/played.ts' '${socket}' '${name}' "$@"`;
      await writeFile(join(folder, name), `#!/bin/sh\n${call}\n`);
      await chmod(join(folder, name), 0o755);
    }
    await writeFile(join(folder, 'clouds.yaml'), cloudsYaml, { mode: 0o600 });
    const server = createServer((request, response) => {
      json(request)
        .then(async asked => {
          const { name, args } = asked as { name: string; args: string[] };
          const program = played[name];
          response.end(JSON.stringify(await program?.(args)));
        })
        .catch(error => response.end(JSON.stringify({ code: 255, stdout: '', stderr: `${error}\n` })));
    });
    await new Promise<void>(resolve => server.listen(socket, resolve));
    const { HOME = '', PATH = '' } = process.env;
    const environment = { HOME, PATH: `${folder}:${PATH}`, OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml') };
    return new YourMachine(folder, server, environment);
  }

  /** Types the lines. @throws Error with what was said, when one of them fails */
  async type(script: string, signal: AbortSignal): Promise<string> {
    const state = join(this.#folder, 'state');
    const whole = `. '${state}' 2>/dev/null\ntrap 'declare -p >"${state}"' EXIT\nset -e -o pipefail\n${script}`;
    return await new Promise((resolve, reject) => {
      const options = { cwd: top, env: this.#environment, signal, maxBuffer: 2 ** 24 };
      execFile('bash', ['-c', whole], options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${script}\n${stdout}${stderr}`, { cause: error }));
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
