/** Runs the real `openstack` client of the lab's tree against a cloud, and makes what it prints comparable. */
import { copyFileSync, writeFileSync } from 'node:fs';
import type { Cloud } from '../lab/cloud/cloud.ts';
import { clientEnvironment } from '../lab/cloud/identity.ts';
import type { Command } from './client-commands.ts';
import type { Endpoints } from './target.ts';

export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the commands, all in one process of the lab's jail, as a user whose lists the cases of the suite do not fill. */
export async function runClient(lab: Cloud, endpoints: Endpoints, commands: readonly Command[]): Promise<Printed[]> {
  // the one folder of the machine that the jail sees
  const { dir } = lab.place;
  const file = `${dir}/commands-${endpoints.name}.json`;
  copyFileSync(new URL('client-driver.py', import.meta.url), `${dir}/client-driver.py`);
  writeFileSync(file, JSON.stringify(commands));
  const variables = Object.entries(clientEnvironment(endpoints.authUrl, 'demo2')).map(
    ([name, value]) => `${name}=${value}`,
  );
  return JSON.parse(await lab.run(['env', ...variables, 'python3', `${dir}/client-driver.py`, file]));
}

/** Of a command that prints JSON, `out` is what that says. */
export interface Comparable {
  readonly code: number;
  readonly out: unknown;
  readonly err: string;
}

/** What was printed with ids, times, secrets and the places of the servers taken out, and lists and keys in one order. */
export function comparable({ code, out, err }: Printed, endpoints: Endpoints): Comparable {
  let said: unknown = out;
  try {
    said = JSON.parse(out);
  } catch {
    // a text
  }
  return { code, out: normal(said, endpoints), err: normalText(err.trim(), endpoints) };
}

function normal(value: unknown, endpoints: Endpoints): unknown {
  if (typeof value === 'string') return normalText(value, endpoints);
  if (Array.isArray(value)) {
    const all = value.map(each => normal(each, endpoints));
    return all.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    entries.map(([key, each]) => [
      key,
      // a token, and numbers that count what else happened meanwhile
      /^(revision_number|standard_attr_id)$/.test(key) ? '<number>' : normal(each, endpoints),
    ]),
  );
}

function normalText(text: string, { authUrl, neutronUrl }: Endpoints): string {
  return text
    .replaceAll(authUrl, '<keystone>')
    .replaceAll(neutronUrl, '<neutron>')
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<id>')
    .replace(/\b[0-9a-f]{32}\b/g, '<id>')
    .replace(/\bfa:16:3e:(?!00:00:01)[0-9a-f:]{8}\b/g, '<mac>')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|\+0000)/g, '<time>')
    .replace(/\bgAAAA[\w-]+={0,2}/g, '<token>');
}
