import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { FaultError, startCloud, users } from '../../cloud/index.ts';
import { parseFlags } from '../config/flags.ts';
import { absolutePath, choice, type Kind, wholeNumber } from '../config/kinds.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Command, Terminal } from './command.ts';

const origin = 'the command line';

/** A file that the shell would find from here too. */
const path: Kind<string> = {
  ...absolutePath(),
  parse: text => absolutePath().parse(resolve(text)),
};

/** What the cloud's flags mean, but for --fault, which may come again. */
export const cloudFlags = {
  port: { kind: wholeNumber('PORT', 0, 65_535), text: 'where it listens on the loopback; a free one when left out' },
  file: { kind: path, text: 'keeps its state there; without one it is gone at the end' },
  user: { kind: choice(...users), text: 'whom the clouds.yaml is for: demo when left out' },
  'pair-limit': { kind: wholeNumber('N', 1, 100_000), text: "Neutron's max_allowed_address_pair: 10 when left out" },
  mtu: { kind: wholeNumber('BYTES', 68, 65_535), text: 'the most an MTU can be: 1442 when left out' },
  latency: {
    kind: choice('none', 'measured'),
    text: 'measured: each request takes as long as a real Neutron was seen to take',
  },
  races: {
    kind: choice('union', 'first-wins'),
    text: 'what writes of one port at the same moment come to: as up to Neutron 2025.1, or as later',
  },
  'access-rules': {
    kind: choice('judged', 'refused'),
    text: 'refused: 401 to every credential that has some, as where Neutron has no service_type',
  },
  'token-seconds': { kind: wholeNumber('SECONDS', 1, 86_400), text: 'how long a token lives: 3600 when left out' },
} as const satisfies Readonly<Record<string, { readonly kind: Kind<unknown>; readonly text: string }>>;

type Name = keyof typeof cloudFlags;

const faultText = '"METHOD PATH WHAT [times=N] [chance=P]": fails on purpose; may come again';

export const cloudCommand: Command = {
  help() {
    const shown = Object.entries(cloudFlags).map(([name, { kind, text }]) => [`--${name} ${kind.placeholder}`, text]);
    const rows = [...shown, ['--fault FAULT', faultText]];
    const width = Math.max(...rows.map(([flag = '']) => flag.length));
    return [
      'usage: kuryr cloud [FLAGS]',
      '',
      'An OpenStack in memory for those who write tools for it: Keystone and Neutron as a tenant sees them. Prints a',
      'clouds.yaml for the ordinary openstack client, and serves until it is interrupted.',
      '',
      ...rows.map(([flag = '', text]) => `  ${flag.padEnd(width)}  ${text}`),
    ].join('\n');
  },

  async run(args, terminal, signal) {
    const kinds = Object.fromEntries(Object.keys(cloudFlags).map(name => [name, 'text' as const])) as Record<
      Name,
      'text'
    >;
    const { text, list, positionals } = parseFlags(args, { ...kinds, fault: 'list' });
    if (positionals.length > 0) throw new KuryrError('COMMAND_USAGE', { usage: 'kuryr cloud [FLAGS]' });
    const user = readFlag('user', text) ?? 'demo';
    const cloud = await started(text, list.fault ?? [], terminal);
    try {
      terminal.out(`${cloud.cloudsYaml(user)}\n${usage(user)}`);
      await new Promise<void>(ended => {
        if (signal.aborted) ended();
        signal.addEventListener('abort', () => ended(), { once: true });
      });
    } finally {
      await cloud.close();
    }
    return 0;
  },
};

async function started(text: Readonly<Partial<Record<string, string>>>, faults: readonly string[], terminal: Terminal) {
  const given = {
    port: readFlag('port', text),
    file: readFlag('file', text),
    pairLimit: readFlag('pair-limit', text),
    mtu: readFlag('mtu', text),
    latency: readFlag('latency', text),
    races: readFlag('races', text),
    accessRules: readFlag('access-rules', text),
    tokenSeconds: readFlag('token-seconds', text),
  };
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  try {
    return await startCloud({ ...options, faults, report: error => terminal.err(inspect(error)) });
  } catch (error) {
    if (error instanceof FaultError) {
      throw new KuryrError('CONFIG_INVALID', {
        name: '--fault',
        value: faults.join(', '),
        origin,
        rule: error.message,
      });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new KuryrError('EMBEDDED_CLOUD_FAILED', { reason }, { cause: error });
  }
}

/** @throws CONFIG_INVALID */
function readFlag<N extends Name>(name: N, text: Readonly<Partial<Record<string, string>>>) {
  const value = text[name];
  if (value === undefined) return undefined;
  const parsed = cloudFlags[name].kind.parse(value);
  if ('rule' in parsed) throw new KuryrError('CONFIG_INVALID', { name: `--${name}`, value, origin, rule: parsed.rule });
  return parsed.value as Extract<ReturnType<(typeof cloudFlags)[N]['kind']['parse']>, { value: unknown }>['value'];
}

const usage = (user: string): string =>
  [
    '# The lines above are a clouds.yaml. In another shell, where they stand in ./clouds.yaml:',
    '#   openstack --os-cloud kuryr-embedded network list',
    `# The user is ${user}; --user takes ${users.join(', ')}, whose password is the name with pw. Ctrl-C ends it.`,
  ].join('\n');
