import type { Capture, Captured } from './captured.ts';
import { type RawAnswer, RawConnection, rawRequest } from './raw-http.ts';

export type Body = Readonly<Record<string, unknown>>;

/** One request as it was sent to us, and our answer. */
export interface Exchange {
  readonly mark: string;
  readonly verb: string;
  readonly sent: Body;
  readonly raw: RawAnswer;
  readonly answered: Body;
}

/** What a user would have typed for Kuryr where the captured one typed something for another driver. */
export type Retyped = (verb: string, body: Body) => Body;

/**
 * Sends an engine's requests again, byte for byte but for the names that another driver had given it: pool ids, ranges
 * and addresses are those that this server answered before, as the engine would say them.
 */
export class Replay {
  readonly #capture: Capture;
  readonly #retyped: Retyped;
  readonly #names = new Map<string, string>();
  #connection: RawConnection | undefined;
  /** Connections that were opened: an engine keeps one for hours. */
  connections = 0;

  constructor(capture: Capture, retyped: Retyped = (_, body) => body) {
    this.#capture = capture;
    this.#retyped = retyped;
  }

  async send(request: Captured, socket: string): Promise<Exchange> {
    if (this.#connection === undefined || this.#connection.ended) {
      this.#connection = await RawConnection.open(socket);
      this.connections++;
    }
    const verb = request.path.slice(1);
    const sent = request.body === '' ? undefined : this.#retyped(verb, this.#translate(JSON.parse(request.body)));
    const body = sent === undefined ? '' : `${JSON.stringify(sent)}\n`;
    this.#connection.send(rawRequest({ path: request.path }, this.#capture.headers, body));
    const raw = await this.#connection.answer();
    const answered = JSON.parse(raw.body) as Body;
    this.#learn(request, answered);
    return { mark: request.mark, verb, sent: sent ?? {}, raw, answered };
  }

  /** Hangs up; the next request goes on another connection. */
  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** What the other driver had called one thing, this one calls another: from its answer on, or by a name it never gave. */
  #learn({ answer }: Captured, ours: Body): void {
    const { PoolID: pool, Pool: range, Address: address } = answer;
    if (pool !== undefined) this.#names.set(pool, String(ours['PoolID'] ?? 'never-given'));
    if (range !== undefined && typeof ours['Pool'] === 'string') this.#names.set(range, ours['Pool']);
    if (address === undefined || typeof ours['Address'] !== 'string') return;
    this.#names.set(address, ours['Address']);
    this.#names.set(plain(address), plain(ours['Address']));
  }

  #translate(value: Body): Body {
    return JSON.parse(JSON.stringify(value), (key, part: unknown) => {
      if (typeof part !== 'string') return part;
      if (key === 'AddressSpace' && part.startsWith('Stub')) return 'kuryr';
      return this.#names.get(part) ?? part;
    });
  }
}

const plain = (cidr: string) => cidr.split('/')[0] ?? '';
