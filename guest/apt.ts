import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.ts';

const fallback = 'http://deb.debian.org/debian';
const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** First Debian archive in a sources file, one-line or deb822 style; undefined when there is none. */
function archiveIn(text: string): string | undefined {
  for (const raw of text.split('\n')) {
    const line = raw.replace(/#.*/, '').trim();
    const uri = /^(?:deb\s+(?:\[[^\]]*\]\s+)?|URIs:\s*)(https?:\/\/\S+)/i.exec(line)?.[1];
    if (uri !== undefined && /\/debian\/?$/.test(uri)) return uri.replace(/\/$/, '');
  }
  return undefined;
}

/**
 * A mirror that stands still, as a snapshot does, has a list of packages that ran out some days after it was made. Its
 * signature holds all the same, and so does the digest of each package.
 */
export const STANDING_STILL = 'Acquire::Check-Valid-Until=false';

/** The Debian archive to fetch from: KURYR_LAB_MIRROR, else the machine's own, else deb.debian.org. */
export async function mirror(): Promise<string> {
  const asked = process.env['KURYR_LAB_MIRROR'];
  if (asked) return asked;
  const parts = await readdir('/etc/apt/sources.list.d').catch((): string[] => []);
  for (const file of ['/etc/apt/sources.list', ...parts.sort().map(name => `/etc/apt/sources.list.d/${name}`)]) {
    const found = archiveIn(await readFile(file, 'utf8').catch(() => ''));
    if (found !== undefined) return found;
  }
  return fallback;
}

/**
 * Downloads packages of a suite into a folder, by apt lists of its own: the machine's apt state is neither read nor
 * changed. Gives the paths of the .debs, in the order of the names. @throws Error, as where Debian's keyring is missing
 */
export async function download(
  names: readonly string[],
  suite: string,
  folder: string,
  keyring = debianKeyring,
): Promise<string[]> {
  await withApt({ suite, folder, keyring }, apt => command([...apt, 'download', ...names], { cwd: folder }));
  const there = await readdir(folder);
  return names.map(name => {
    const deb = there.find(file => file.startsWith(`${name}_`) && file.endsWith('.deb'));
    if (deb === undefined) throw new Error(`apt-get download ${name}: nothing arrived in ${folder}`);
    return join(folder, deb);
  });
}

/**
 * Downloads packages and all that they depend on, in the same way. Gives the paths of the .debs.
 * @param installed dpkg's status file of a system that has some of it; of one without any package by default
 */
export async function downloadAll(
  names: readonly string[],
  suite: string,
  folder: string,
  { keyring = debianKeyring, installed }: { readonly keyring?: string; readonly installed?: string } = {},
): Promise<string[]> {
  const debs = join(folder, 'debs');
  await mkdir(join(debs, 'partial'), { recursive: true });
  const status = installed ?? join(folder, 'status');
  if (installed === undefined) await writeFile(status, '');
  const options = [`Dir::State::status=${status}`, `Dir::Cache::archives=${debs}`, 'Debug::NoLocking=1'];
  await withApt({ suite, folder, keyring }, apt =>
    command([
      ...apt,
      ...options.flatMap(option => ['-o', option]),
      ...['install', '--download-only', '--yes', '--no-install-recommends', ...names],
    ]),
  );
  return (await readdir(debs)).filter(file => file.endsWith('.deb')).map(file => join(debs, file));
}

/** Runs apt-get with the lists of one suite, in a folder that is removed. */
async function withApt(
  { suite, folder, keyring }: { readonly suite: string; readonly folder: string; readonly keyring: string },
  run: (apt: readonly string[]) => Promise<unknown>,
): Promise<void> {
  // What is fetched comes by plain HTTP and is run, a kernel among it: its signature is all that vouches for it.
  if (!existsSync(keyring))
    throw new Error(
      `without ${keyring} nothing of Debian's archive can be verified: install it (apt-get install debian-archive-keyring)`,
    );
  const state = join(folder, 'apt');
  await mkdir(join(state, 'lists/partial'), { recursive: true });
  await mkdir(join(state, 'cache/archives/partial'), { recursive: true });
  await writeFile(join(state, 'sources.list'), `deb [signed-by=${keyring}] ${await mirror()} ${suite} main\n`);
  const options = [
    `Dir::Etc::sourcelist=${state}/sources.list`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${state}/lists`,
    `Dir::Cache=${state}/cache`,
    'Acquire::Languages=none',
    'Acquire::Retries=3',
    STANDING_STILL,
    'APT::Sandbox::User=root',
  ].flatMap(option => ['-o', option]);
  const apt = ['apt-get', ...options, '-qq'];
  try {
    await command([...apt, 'update']);
    await run(apt);
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}
