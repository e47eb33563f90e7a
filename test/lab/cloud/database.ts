/**
 * PostgreSQL with the schemas of Keystone and Neutron and the users in it. Making that takes half a minute, so
 * it is made once for each tree and kept in the user's cache; a lab starts from a copy.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../../guest/cache.ts';
import { keystoneConf, keystoneUwsgi } from './config.ts';
import { seedIdentity } from './identity.ts';
import type { Jail, Service } from './jail.ts';
import type { Place } from './place.ts';
import { run } from './run.ts';

/** To be raised when what a fresh database holds changes. */
const EDITION = 1;

export interface DatabaseEdges {
  place: Place;
  jail: Jail;
  tree: string;
  say: (line: string) => void;
  signal: AbortSignal;
}

/** Starts PostgreSQL on a copy of the databases, made first if this tree has none yet. */
export async function startDatabase(edges: DatabaseEdges): Promise<Service> {
  const golden = goldenFolder(edges.tree);
  if (!existsSync(golden)) await makeGolden(edges, golden);
  await run('cp', ['-a', '--reflink=auto', `${golden}/.`, edges.place.dir], edges.signal);
  const postgres = await startPostgres(edges);
  await sql(edges, 'keystone', `update endpoint set url = ${catalogueUrls(edges.place)}`);
  return postgres;
}

/** Where a cloud's API is differs from lab to lab. */
const catalogueUrls = ({ ports }: Place): string =>
  `case when url like '%/v3' then 'http://127.0.0.1:${ports.keystone}/v3' else 'http://127.0.0.1:${ports.neutron}' end`;

function goldenFolder(tree: string): string {
  const hash = createHash('sha256')
    .update(readFileSync(join(tree, 'var/lib/dpkg/status')))
    .update(`${EDITION}`);
  return join(cacheFolder(), 'golden', hash.digest('hex').slice(0, 16));
}

const programs = (tree: string): string => {
  const version = readdirSync(join(tree, 'usr/lib/postgresql')).at(0);
  if (version === undefined) throw new Error(`${tree} has no PostgreSQL`);
  return `/usr/lib/postgresql/${version}/bin`;
};

async function startPostgres({ place, jail, tree }: DatabaseEdges): Promise<Service> {
  const { dir, ports } = place;
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: `${dir}/pg`,
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: 200,
    // Compiling Neutron's many joins takes far longer than running them on a handful of rows.
    jit: 'off',
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const argv = [`${programs(tree)}/postgres`, '-D', `${dir}/pg/data`, '-p', `${ports.postgres}`, ...flags];
  const postgres = jail.serve('postgres', argv, { user: 'postgres' });
  const ask = [`${programs(tree)}/pg_isready`, '-q', '-h', '127.0.0.1', '-p', `${ports.postgres}`];
  await postgres.answers(() => jail.run(ask).then(() => true));
  return postgres;
}

function sql({ jail, place, tree }: DatabaseEdges, database: string, ...statements: string[]): Promise<string> {
  const psql = `${programs(tree)}/psql`;
  const commands = statements.flatMap(statement => ['-c', statement]);
  return jail.run([
    psql,
    '-q',
    '-h',
    '127.0.0.1',
    '-p',
    `${place.ports.postgres}`,
    '-U',
    'postgres',
    '-d',
    database,
    ...commands,
  ]);
}

async function makeGolden(edges: DatabaseEdges, golden: string): Promise<void> {
  const { place, jail, tree, say, signal } = edges;
  const { dir, ports } = place;
  say('databases: none for this tree yet; made once, half a minute');
  await run('install', ['-d', '-o', await uid(jail), `${dir}/pg`], signal);
  for (const keys of ['fernet', 'cred']) mkdirSync(`${dir}/${keys}`, { mode: 0o700 });
  const initdb = [
    `${programs(tree)}/initdb`,
    '-D',
    `${dir}/pg/data`,
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
  ];
  await jail.run(initdb, { user: 'postgres' });
  const postgres = await startPostgres(edges);
  await sql(edges, 'postgres', 'create database neutron', 'create database keystone');

  const authUrl = `http://127.0.0.1:${ports.keystone}/v3`;
  const conf = `${dir}/etc/keystone.conf`;
  writeFileSync(conf, keystoneConf(place, 3600));
  writeFileSync(`${dir}/etc/uwsgi.ini`, keystoneUwsgi(ports.keystone, conf));
  const manage = (...args: string[]) => jail.run(['keystone-manage', '--config-file', conf, ...args]);
  const asRoot = ['--keystone-user', 'root', '--keystone-group', 'root'];
  const keystone = async (): Promise<void> => {
    await manage('db_sync');
    await manage('fernet_setup', ...asRoot);
    await manage('credential_setup', ...asRoot);
    const urls = ['public', 'internal', 'admin'].flatMap(side => [`--bootstrap-${side}-url`, authUrl]);
    await manage('bootstrap', '--bootstrap-password', 'adminpw', ...urls, '--bootstrap-region-id', 'RegionOne');
    say('databases: Keystone schema');
  };
  const neutron = async (): Promise<void> => {
    await jail.run(['neutron-db-manage', '--config-file', `${dir}/etc/neutron.conf`, 'upgrade', 'heads']);
    say('databases: Neutron schema');
  };
  await Promise.all([keystone(), neutron()]);
  const server = jail.serve('keystone-seed', ['uwsgi_python3', '--ini', `${dir}/etc/uwsgi.ini`]);
  await server.answers(async () => (await fetch(authUrl, { signal })).ok);
  await seedIdentity(authUrl, `http://127.0.0.1:${ports.neutron}`, signal);
  await server.stop();
  await postgres.stop('INT');

  const draft = `${golden}.${process.pid}`;
  mkdirSync(dirname(golden), { recursive: true });
  mkdirSync(draft);
  const parts = ['pg', 'fernet', 'cred'];
  await run('cp', ['-a', ...parts.map(part => `${dir}/${part}`), draft], signal);
  if (existsSync(golden)) rmSync(draft, { recursive: true });
  else renameSync(draft, golden);
  for (const part of parts) rmSync(`${dir}/${part}`, { recursive: true });
  say('databases: kept for the next time');
}

const uid = async (jail: Jail): Promise<string> => (await jail.run(['id', '-u', 'postgres'])).trim();
