import { dirname } from 'node:path';
import * as v from 'valibot';
import { defineCheck } from '../check.ts';
import { reasonOf } from '../errno.ts';

const versionSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    Version: v.pipe(v.string(), v.maxLength(100)),
    Components: v.optional(v.array(v.object({ Name: v.string() })), []),
  }),
);

const infoSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ SecurityOptions: v.optional(v.nullable(v.array(v.string())), []) }),
);

/** From this engine on `docker network create` may be given no --subnet (moby skips its check of host routes). */
const BARE_CREATE = 27;
/** The oldest engine that the tests run. */
const TESTED = [20, 10] as const;

export const dockerCheck = defineCheck({
  id: 'docker',
  title: 'Docker',
  states: {
    ready: {
      state: 'ok',
      text: 'Docker {version} answers; networks can be made by kuryr network create or docker network create.',
    },
    'bare-create': {
      state: 'ok',
      text: 'Docker {version} answers; a network needs --subnet there (engines 26 and older), which kuryr network create adds by itself.',
    },
    untested: {
      state: 'warning',
      text: 'Docker {version} is older than 20.10, the oldest that is tested.',
      todo: 'Use 20.10 or newer.',
    },
    absent: { state: 'skipped', text: 'No Docker engine answers at {socket}.' },
    forbidden: {
      state: 'skipped',
      text: 'The socket {socket} is not for this user.',
      todo: 'Run kuryr doctor as root.',
    },
    rootless: {
      state: 'failure',
      text: "The Docker engine at {socket} is rootless: its containers live behind a network namespace that does not have the VM's NIC, so Kuryr cannot serve it.",
      todo: 'Use a Docker engine that runs as root.',
    },
    podman: {
      state: 'failure',
      text: 'Podman answers at {socket}: it does not use the network plug-ins of Docker.',
      todo: 'Use a Docker engine.',
    },
    odd: {
      state: 'warning',
      text: 'Something answers at {socket}, but not as a Docker engine does.',
      todo: 'See what it is: curl --unix-socket {socket} http://localhost/version.',
    },
    'no-folder': {
      state: 'warning',
      text: 'The folder {folder}, where Docker looks for plug-ins, does not exist yet; the daemon makes it when it starts.',
      todo: 'Nothing, unless Docker runs in a place of its own (snap, a container): then it looks elsewhere, and Kuryr needs a Docker from packages.',
    },
  },
  async examine({ context }, say, signal) {
    const { config, plainGet, folder } = context;
    const socket = config.engineSocket;
    let got: Awaited<ReturnType<typeof plainGet>>;
    try {
      got = await plainGet({ socket, url: 'http://localhost/version' }, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const why = reasonOf(error);
      return say(why === 'EACCES' || why === 'EPERM' ? 'forbidden' : 'absent', { socket }, [why]);
    }
    const answer = v.safeParse(versionSchema, got.body);
    if (got.status !== 200 || !answer.success) return say('odd', { socket }, [`status ${got.status}`]);
    const { Version: version, Components: parts } = answer.output;
    if (parts.some(({ Name }) => /podman/i.test(Name))) return say('podman', { socket }, [`version ${version}`]);
    const info = v.safeParse(infoSchema, (await plainGet({ socket, url: 'http://localhost/info' }, signal)).body);
    const options = info.success ? (info.output.SecurityOptions ?? []) : [];
    if (options.some(option => /\bname=rootless\b/.test(option)))
      return say('rootless', { socket }, [`version ${version}`]);
    const [major = 0, minor = 0] = version.split('.').map(part => Number.parseInt(part, 10) || 0);
    const evidence = [`security options: ${options.join(' ').slice(0, 200) || 'none told'}`];
    if (major < TESTED[0] || (major === TESTED[0] && minor < TESTED[1])) say('untested', { version }, evidence);
    else say(major < BARE_CREATE ? 'bare-create' : 'ready', { version }, evidence);
    const plugins = dirname(config.dockerSocket);
    if ((await folder(plugins)) === 'missing') say('no-folder', { folder: plugins });
  },
});
