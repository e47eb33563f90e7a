import { dirname, join } from 'node:path';
import { isScalar, parseDocument, visit, type YAMLParseError } from 'yaml';
import { KuryrError } from '../errors/kuryr-error.ts';

/** The installed daemon's, for root alone. */
export const CREDENTIAL = '/etc/kuryr/clouds.yaml';

/** Where systemd puts the copy of it that the service may read (LoadCredential=); undefined elsewhere. */
export function credentialCopy(env: CloudSurroundings['env']): string | undefined {
  const folder = env['CREDENTIALS_DIRECTORY'];
  return folder === undefined || folder === '' ? undefined : join(folder, 'clouds.yaml');
}

/** Where the configuration of clouds is looked for; injected, so that a test owns it. */
export interface CloudSurroundings {
  /** The process's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  /** Where the credential is that systemd handed over, the first file that is there; by default its copy alone. */
  readonly handed?: readonly string[] | undefined;
  /** As `fs.promises.readFile(path, 'utf8')`: rejects with code ENOENT where there is no such file. */
  readFile(path: string): Promise<string>;
}

/** A mapping as it stands in the file; every scalar is text, so that a password of digits stays as written. */
export type Mapping = { readonly [key: string]: Value };
export type Value = string | Mapping | readonly Value[];

/** The `clouds` of clouds.yaml with secure.yaml laid over, and the profiles of clouds-public.yaml. */
export interface CloudsFile {
  /** The clouds.yaml that was read; undefined where none exists. */
  readonly path: string | undefined;
  /** Where clouds.yaml was looked for. */
  readonly searched: readonly string[];
  readonly clouds: Mapping;
  readonly profiles: Mapping;
}

/**
 * Reads the first clouds.yaml, secure.yaml and clouds-public.yaml of the search path that openstacksdk uses, the installed
 * daemon's before the machine's, and a credential that systemd hands over before all others.
 * @throws CLOUD_CONFIG_INVALID
 */
export async function readCloudsFile(around: CloudSurroundings): Promise<CloudsFile> {
  const { env } = around;
  const searched = candidates(around, 'clouds', ...named(around));
  const [clouds, secure, profiles] = await Promise.all([
    firstOf(around, searched, 'clouds'),
    firstOf(around, candidates(around, 'secure', env['OS_CLIENT_SECURE_FILE']), 'clouds'),
    firstOf(around, candidates(around, 'clouds-public', env['OS_CLIENT_VENDOR_FILE']), 'public-clouds'),
  ]);
  return { path: clouds.path, searched, clouds: merge(clouds.content, secure.content), profiles: profiles.content };
}

/** The second laid over the first, mappings in depth. */
export function merge(under: Mapping, over: Mapping): Mapping {
  const merged: Record<string, Value> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isMapping(value) && isMapping(below) ? merge(below, value) : value;
  }
  return merged;
}

export function isMapping(value: Value | undefined): value is Mapping {
  return typeof value === 'object' && !Array.isArray(value);
}

/** The clouds.yaml that this process was told of, before all that lies about. */
function named({ env, handed }: CloudSurroundings): readonly (string | undefined)[] {
  const file = env['OS_CLIENT_CONFIG_FILE'];
  return file ? [file] : (handed ?? [credentialCopy(env)]);
}

function candidates(around: CloudSurroundings, name: string, ...first: readonly (string | undefined)[]) {
  const config = around.env['XDG_CONFIG_HOME'] || join(around.home, '.config');
  const folders = [
    around.cwd,
    join(config, 'openstack'),
    join(around.home, '.config/openstack'),
    dirname(CREDENTIAL),
    '/etc/openstack',
  ];
  const files = folders.flatMap(folder => ['yaml', 'yml', 'json'].map(ending => join(folder, `${name}.${ending}`)));
  return [...new Set([...first.flatMap(path => path || []), ...files])];
}

async function firstOf(around: CloudSurroundings, paths: readonly string[], root: string) {
  for (const path of paths) {
    const text = await readIfThere(around, path);
    if (text !== undefined) return { path, content: parse(path, text, root) };
  }
  return { path: undefined, content: {} };
}

async function readIfThere(around: CloudSurroundings, path: string): Promise<string | undefined> {
  try {
    return await around.readFile(path);
  } catch (error) {
    if (error instanceof KuryrError) throw error;
    const code = String((error as NodeJS.ErrnoException).code ?? 'unknown error');
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    // The daemon's own is root's alone, and no matter of a user who looks for theirs.
    const isNamed = named(around).includes(path);
    if (code === 'EACCES' && dirname(path) === dirname(CREDENTIAL) && !isNamed) return undefined;
    throw new KuryrError('CLOUD_CONFIG_INVALID', { source: path, problem: `it cannot be read (${code})` });
  }
}

/** Neither the parser's message nor its excerpt goes into the error: both may show a password. */
function parse(path: string, text: string, root: string): Mapping {
  const invalid = (problem: string) => new KuryrError('CLOUD_CONFIG_INVALID', { source: path, problem });
  let content: Value | null;
  let error: YAMLParseError | undefined;
  try {
    // Its warnings go past us to the terminal, and show what they are about.
    const document = parseDocument(text, { schema: 'failsafe', merge: true, prettyErrors: false, logLevel: 'error' });
    error = document.errors[0];
    // A mapping in the place of a key would become a name, and names are shown.
    visit(document, {
      Pair(_, { key }) {
        if (!isScalar(key)) throw new Error('no name');
      },
    });
    content = error === undefined ? document.toJS() : null;
  } catch {
    // Of a merge of what is no mapping, aliases of aliases without end, too many levels.
    throw invalid('it is not YAML that can be read: look at its anchors (&), aliases (*), merges (<<) and keys');
  }
  if (error !== undefined) {
    const line = text.slice(0, error.pos[0]).split('\n').length;
    throw invalid(`it is not YAML: line ${line} (${error.code})`);
  }
  if (content === null || content === '') return {};
  if (!isMapping(content)) throw invalid(`it must be a mapping with the key "${root}"`);
  const clouds = content[root];
  if (clouds === undefined || clouds === '') return {};
  if (!isMapping(clouds)) throw invalid(`"${root}" must be a mapping of names to clouds`);
  return clouds;
}
