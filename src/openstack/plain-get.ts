import type { RequestOptions } from 'node:http';

/** Where a local or link-local service is: never asked by way of a proxy, and never shown a credential. */
export interface PlainGet {
  readonly url: string;
  /** Path of a unix socket that is asked instead of the URL's host. */
  readonly socket?: string;
}

/** The largest body that is read, bytes: Docker's /info and the metadata of a VM have some ten thousand. */
const BODY_LIMIT = 1 << 20;
/** Milliseconds of silence after which nobody is taken to be there. */
const SILENCE_MS = 5_000;

/** @throws Error when nobody answers, or more than a mebibyte */
export function plainGet({ socket, url }: PlainGet, signal: AbortSignal): Promise<{ status: number; body: string }> {
  const { get } = process.getBuiltinModule('node:http');
  const options: RequestOptions = { signal, agent: false, timeout: SILENCE_MS };
  if (socket !== undefined) options.socketPath = socket;
  return new Promise((resolve, reject) => {
    const request = get(url, options, response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > BODY_LIMIT) request.destroy(new Error('the answer is larger than a mebibyte'));
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    request.on('timeout', () => request.destroy(new Error(`silent for ${SILENCE_MS / 1000} s`)));
    request.on('error', reject);
  });
}
