import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { RequestOptions } from 'node:http';
import { dirname } from 'node:path';
import type { HttpGet } from './context.ts';
import { reasonOf } from './errno.ts';

/** For a read that may find nothing there. Rethrows what is worse. */
export function missing(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR', 'EACCES'].includes(reasonOf(error))) throw error;
}

/**
 * Whether files can be made in it. A folder that is missing is judged by the first one above it that exists: there it
 * would be made.
 */
export async function folder(path: string): Promise<'writable' | 'unwritable' | 'missing'> {
  try {
    await access(path, constants.W_OK | constants.X_OK);
    return 'writable';
  } catch (error) {
    if (reasonOf(error) !== 'ENOENT' || path === dirname(path)) return 'unwritable';
    return (await folder(dirname(path))) === 'unwritable' ? 'unwritable' : 'missing';
  }
}

/** The largest body that is read, bytes: Docker's /info has some ten thousand. */
const BODY_LIMIT = 1 << 20;
/** Milliseconds of silence after which nobody is taken to be there. */
const SILENCE_MS = 5_000;

/** See DoctorContext.httpGet. No proxy is asked: every address is local or link-local. */
export function httpGet({ socket, url }: HttpGet, signal: AbortSignal): Promise<{ status: number; body: string }> {
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
