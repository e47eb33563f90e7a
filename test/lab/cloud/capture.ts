import { readFile } from 'node:fs/promises';
import type { Jail, Service } from './jail.ts';
import type { Place } from './place.ts';

/** A service's log is added to, never begun anew. */
let captures = 0;

/** What passes a NIC's TAP, both ways: a line a frame, in tcpdump's words, the MACs of source and destination first. */
export class Capture {
  readonly #service: Service;
  readonly #log: string;

  private constructor(service: Service, log: string) {
    this.#service = service;
    this.#log = log;
  }

  /** Resolves when frames are being taken. */
  static async start(jail: Jail, place: Place, netns: string, tap: string): Promise<Capture> {
    const name = `capture-${tap}-${++captures}`;
    const tcpdump = ['tcpdump', '-Z', 'root', '-l', '-n', '-e', '-p', '--immediate-mode', '-i', tap];
    const service = jail.serve(name, tcpdump, { netns });
    const capture = new Capture(service, `${place.dir}/log/${name}.log`);
    await service.answers(async () => (await capture.#text()).includes('listening on'));
    return capture;
  }

  /** Ends it; gives all that passed. */
  async lines(): Promise<readonly string[]> {
    await this.#service.stop('INT');
    return this.soFar();
  }

  /** What has passed by now; it goes on. */
  async soFar(): Promise<readonly string[]> {
    return (await this.#text()).split('\n').filter(line => /^\d\d:\d\d:/.test(line));
  }

  #text(): Promise<string> {
    return readFile(this.#log, 'utf8');
  }
}
