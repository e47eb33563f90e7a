import * as v from 'valibot';
import { controlSocket, type DoctorContext } from './context.ts';
import { reasonOf } from './errno.ts';

/** What stands behind the control socket. */
export type DaemonState =
  | { readonly is: 'running'; readonly version: string }
  | { readonly is: 'stopped' | 'forbidden'; readonly why: string }
  | { readonly is: 'odd'; readonly why: string };

const versionAnswer = v.pipe(v.string(), v.parseJson(), v.object({ version: v.pipe(v.string(), v.maxLength(100)) }));

/** Asks the control socket who serves it. */
export async function askDaemon({ config, plainGet }: DoctorContext, signal: AbortSignal): Promise<DaemonState> {
  try {
    const { status, body } = await plainGet(
      { socket: controlSocket(config), url: 'http://localhost/v1/version' },
      signal,
    );
    const answer = v.safeParse(versionAnswer, body);
    if (status === 200 && answer.success) return { is: 'running', version: answer.output.version };
    return { is: 'odd', why: `status ${status}` };
  } catch (error) {
    const why = reasonOf(error);
    return { is: why === 'EACCES' || why === 'EPERM' ? 'forbidden' : 'stopped', why };
  }
}
