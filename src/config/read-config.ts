import { parseDocument, type YAMLError } from 'yaml';
import { KuryrError } from '../errors/kuryr-error.ts';
import { type Config, camelCase, type Origin, type ResolvedConfig } from './config.ts';
import { nearest } from './nearest.ts';
import { isOptionName, type OptionName, optionNames, options, variableOf } from './options.ts';

/** Where options come from besides the defaults; flags win over variables, and these over the file. */
export interface ConfigSources {
  /** Values of flags by option name, as `parseFlags` gives them. */
  readonly flags: Readonly<Partial<Record<string, string>>>;
  readonly env: Readonly<Partial<Record<string, string>>>;
  /** The file's text, or undefined where there is none; may reject. */
  readFile(path: string): Promise<string | undefined>;
}

type Given = ReadonlyMap<OptionName, { readonly text: string; readonly origin: Origin }>;

/** More than any sensible file has; a device or a log named by mistake is refused rather than parsed. */
const longestFile = 64 * 1024;
/** What is repeated of a wrong key or value, characters. */
const longestQuote = 200;

/**
 * Puts the options together, each checked, with where it comes from.
 *
 * @throws CONFIG_INVALID, CONFIG_UNKNOWN, CONFIG_UNREADABLE, LINK_MODE_UNSUPPORTED
 */
export async function readConfig(sources: ConfigSources): Promise<ResolvedConfig> {
  const flags = fromFlags(sources.flags);
  const variables = fromVariables(sources.env);
  const named = flags.get('config') ?? variables.get('config');
  const path = named === undefined ? options.config.fallback.value : checked('config', named);
  const file = await fromFile(sources, path as string, named !== undefined);
  const values: Record<string, unknown> = {};
  const origins = {} as Record<OptionName, Origin>;
  for (const name of optionNames) {
    const given = flags.get(name) ?? variables.get(name) ?? file.get(name);
    const { fallback } = options[name];
    const whenNot = 'value' in fallback ? fallback.value : undefined;
    values[camelCase(name)] = given === undefined ? whenNot : checked(name, given);
    origins[name] = given?.origin ?? { kind: 'default', name: 'the default' };
  }
  values['mode'] = modeOf(values['link'], values['mode'], origins);
  const config = values as unknown as Config;
  checkServices(config, origins);
  return { config, origins };
}

function fromFlags(flags: ConfigSources['flags']): Given {
  const given = new Map();
  for (const name of optionNames) {
    const text = flags[name];
    if (text !== undefined) given.set(name, { text, origin: { kind: 'flag', name: `--${name}` } });
  }
  return given;
}

function fromVariables(env: ConfigSources['env']): Given {
  const known = new Map(optionNames.map(name => [variableOf(name), name]));
  const given = new Map();
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('KURYR_') || text === undefined) continue;
    const name = known.get(variable);
    if (name === undefined) throw unknown(variable, 'the environment', nearest(variable, known.keys()));
    // As elsewhere in the shell's world, an empty variable is one that is not set.
    if (text !== '') given.set(name, { text, origin: { kind: 'variable', name: variable } });
  }
  return given;
}

async function fromFile(sources: ConfigSources, path: string, mustExist: boolean): Promise<Given> {
  const unreadable = (reason: string, cause?: unknown) =>
    new KuryrError('CONFIG_UNREADABLE', { file: path, reason }, { cause });
  let text: string | undefined;
  try {
    text = await sources.readFile(path);
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : String(error), error);
  }
  if (text === undefined && mustExist) throw unreadable('there is no such file');
  if (text === undefined) return new Map();
  if (text.length > longestFile) throw unreadable(`it is longer than ${longestFile} characters`);
  const content = parsed(text, unreadable) ?? {};
  if (content === null || typeof content !== 'object' || Array.isArray(content))
    throw unreadable('it is no mapping of options to values');
  const given = new Map();
  for (const [key, value] of Object.entries(content)) {
    const inFile = optionNames.filter(name => name !== 'config');
    if (!isOptionName(key) || key === 'config') throw unknown(key, path, nearest(key, inFile));
    const origin: Origin = { kind: 'file', name: `${key} in ${path}` };
    if (typeof value !== 'string' && typeof value !== 'number')
      throw invalid(key, JSON.stringify(value), origin, 'a single value');
    given.set(key, { text: String(value), origin });
  }
  return given;
}

function parsed(text: string, unreadable: (reason: string) => KuryrError): unknown {
  let problem: YAMLError | undefined;
  try {
    const document = parseDocument(text, { prettyErrors: true, logLevel: 'error' });
    problem = document.errors[0] ?? document.warnings[0];
    if (problem === undefined) return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw unreadable('it has aliases (*) or merges (<<), or too many levels: an option is a key and a single value');
  }
  throw unreadable(problem.message.split('\n')[0]?.slice(0, longestQuote) ?? problem.code);
}

function checked(name: OptionName, { text, origin }: { readonly text: string; readonly origin: Origin }): unknown {
  if (name === 'mode' && (text === 'l3' || text === 'l3s')) {
    const reason = "on the VM's own subnet nobody would answer ARP for the container, so that nothing reaches it";
    throw new KuryrError('LINK_MODE_UNSUPPORTED', { option: origin.name, value: text, reason, instead: 'mode l2' });
  }
  const parsed = options[name].kind.parse(text);
  if ('rule' in parsed) throw invalid(name, text, origin, parsed.rule);
  return parsed.value;
}

/** The mode, which has to be one of the link's. */
function modeOf(link: unknown, mode: unknown, origins: Record<OptionName, Origin>): Config['mode'] {
  const fitting = link === 'ipvlan' ? (['l2'] as const) : (['bridge', 'private'] as const);
  if (mode === undefined) return fitting[0];
  const fits = fitting.find(name => name === mode);
  if (fits !== undefined) return fits;
  throw invalid('mode', String(mode), origins.mode, `${fitting.join(' or ')} where link is ${link}`);
}

/** Services are a part of host access, and their backends a part of them. */
function checkServices({ services, serviceBackends, hostAccess }: Config, origins: Record<OptionName, Origin>): void {
  if (services.length > 0 && hostAccess === 'off')
    throw invalid('services', services.join(','), origins.services, 'left out where host-access is off');
  if (serviceBackends.length > 0 && services.length === 0)
    throw invalid(
      'service-backends',
      serviceBackends.join(','),
      origins['service-backends'],
      'left out without services',
    );
}

function invalid(name: string, value: string, origin: Origin, rule: string): KuryrError {
  return new KuryrError('CONFIG_INVALID', { name, value: value.slice(0, longestQuote), origin: origin.name, rule });
}

function unknown(written: string, origin: string, near: string | undefined): KuryrError {
  const hint = near === undefined ? 'kuryr help lists them' : `did you mean ${near}`;
  const name = written.slice(0, longestQuote);
  return new KuryrError('CONFIG_UNKNOWN', { name, origin, hint });
}
