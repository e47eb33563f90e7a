import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** An answer as it stood on the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How long a test waits for an answer, milliseconds. */
const PATIENCE_MS = 30_000;

/** A connection to a unix socket on which a test writes bytes as it likes, and reads HTTP/1.1 answers one by one. */
export class RawConnection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #wake = () => {};
  /** Whether the server has ended the connection. */
  ended = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    for (const event of ['end', 'close', 'error'])
      socket.on(event, () => {
        this.ended = true;
        this.#wake();
      });
  }

  static async open(path: string): Promise<RawConnection> {
    const socket = connect({ path, allowHalfOpen: true });
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  /** Hands bytes to the kernel; what a server that hung up does not take is lost without an error. */
  send(bytes: string | Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  /** Says that nothing more will be sent; the other direction stays open. */
  finish(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** The next answer. Fails when the connection ends, or the test's patience, before it is whole. */
  answer(): Promise<RawAnswer> {
    return this.#patiently(async () => {
      for (;;) {
        const found = parse(this.#received);
        if (found !== undefined) {
          this.#received = this.#received.subarray(found.length);
          return found.answer;
        }
        if (this.ended) throw new Error(`the connection ended without an answer, after: ${this.#received.toString()}`);
        await this.#news();
      }
    });
  }

  /** Resolves when the server has ended the connection. */
  end(): Promise<void> {
    return this.#patiently(async () => {
      while (!this.ended) await this.#news();
    });
  }

  #news(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
    });
  }

  async #patiently<T>(wait: () => Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#socket.destroy(), PATIENCE_MS);
    try {
      return await wait();
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The bytes of a request; the headers stand as they are given, with the length of the body besides. */
export function rawRequest(
  line: { readonly method?: string; readonly path: string },
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
): Buffer {
  const bytes = Buffer.from(body as string);
  const fields = Object.entries({ ...headers, 'Content-Length': String(bytes.length) });
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`${line.method ?? 'POST'} ${line.path} HTTP/1.1\r\n${head}\r\n`), bytes]);
}

/** One request to the daemon's control socket, over a connection of its own. */
export async function askControl(socket: string, method: string, path: string, body = ''): Promise<RawAnswer> {
  const control = await RawConnection.open(socket);
  try {
    control.send(rawRequest({ method, path }, { Host: 'kuryr' }, body));
    return await control.answer();
  } finally {
    control.close();
  }
}

function parse(bytes: Buffer): { answer: RawAnswer; length: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
  if (status === 100) {
    const after = parse(bytes.subarray(end + 4));
    return after && { ...after, length: after.length + end + 4 };
  }
  const length = Number(headers['content-length']);
  if (!Number.isInteger(status) || !Number.isInteger(length)) throw new Error(`not an answer of ours: ${bytes}`);
  if (bytes.length < end + 4 + length) return undefined;
  const body = bytes.toString('utf8', end + 4, end + 4 + length);
  return { answer: { status, headers, body }, length: end + 4 + length };
}
