import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findings } from '../src/attach/finding.ts';
import { tableOfOptions } from '../src/config/render.ts';
import { doctorReference } from '../src/doctor/reference.ts';
import { type ErrorEntry, errorTable } from '../src/errors/table.ts';
import { type HealthValue, healthCodes } from '../src/observe/health-codes.ts';
import { buckets, type Metric, metrics } from '../src/observe/metrics.ts';

const folder = join(import.meta.dirname, '../docs/reference');

/** The reference pages that are made of tables in the code, by file name. */
export function pages(): Readonly<Record<string, string>> {
  return {
    'options.md': optionsPage(),
    'errors.md': errorsPage(),
    'doctor.md': doctorReference(),
    'metrics.md': metricsPage(),
    'health.md': healthPage(),
  };
}

function optionsPage(): string {
  return `# Options

Each option has one name: a flag of \`kuryr run\`, a variable, and a key of the YAML file. A flag wins over a variable, a
variable over the file, the file over the default. What a reload (\`systemctl reload kuryr\`) takes over says so;
the others take a restart, in which containers keep running. Unknown keys, variables that begin with \`KURYR_\` and flags are errors.
This page is made of \`src/config/options.ts\` by \`npm run docs\`.

${tableOfOptions()}
`;
}

function errorsPage(): string {
  const entries: readonly (readonly [string, ErrorEntry])[] = Object.entries(errorTable);
  const sections = entries.map(
    ([code, { status, text, todo }]) => `## ${code}\n\n${text}\n\n${todo}\n\nHTTP status ${status}.\n`,
  );
  return `# Errors

Each error has a code that stays; scripts can match on it. \`{name}\` stands for a detail of the case. This page is made of
\`src/errors/table.ts\` by \`npm run docs\`.

${sections.join('\n')}`;
}

function metricsPage(): string {
  const rows = Object.entries(metrics as Readonly<Record<string, Metric>>).map(([name, { type, labels, help }]) => {
    const told = Object.entries(labels).map(([label, values]) =>
      typeof values === 'string' ? `\`${label}\`: ${values}` : `\`${label}\`: ${values.join(', ')}`,
    );
    return `| \`${name}\` | ${type} | ${unitOf(name)} | ${told.join('; ')} | ${help} |`;
  });
  return `# Metrics

What the daemon counts, as Prometheus reads it: \`GET /metrics\` on the control socket, and on a port of the loopback where
\`--metrics-listen\` names one ([guide](../guides/monitoring.md)). No label holds an id, an address or a URL, so their number does not grow
with the containers. Asking costs the cloud nothing. This page is made of \`src/observe/metrics.ts\` by \`npm run docs\`.

| name | type | unit | labels | what it is |
|---|---|---|---|---|
${rows.join('\n')}

Histograms have the buckets ${buckets.join(', ')} seconds.
`;
}

function unitOf(name: string): string {
  return ['seconds', 'bytes'].find(unit => name.replace(/_total$/, '').endsWith(`_${unit}`)) ?? '';
}

function healthPage(): string {
  const values = Object.entries(healthCodes as Readonly<Record<string, HealthValue>>).map(
    ([code, { severity, text, todo, dependsOn }]) => {
      const hidden = dependsOn.length === 0 ? '' : `\n\nNot shown while one of these is: ${dependsOn.join(', ')}.`;
      return `## ${code}\n\n${capital(severity)}. ${text}\n\n${todo}${hidden}\n`;
    },
  );
  const found = Object.entries(findings).map(([code, { text, todo }]) => `| ${code} | ${text} | ${todo} |`);
  return `# Health

Values that are set while something is wrong: \`kuryr status\` shows them, \`GET /health\` on the control socket has them as JSON, and the
metric \`kuryr_health\` is 1 for each. An **error** says that containers cannot start, or are not safe; \`GET /health\` then answers 503, else
200. A **warning** says that less than was asked for works. What is the consequence of another value is not shown while that one is.
Codes stay; \`{subject}\` and \`{reason}\` stand for those of the case. This page is made of \`src/observe/health-codes.ts\` and
\`src/attach/finding.ts\` by \`npm run docs\`.

${values.join('\n')}
## What \`kuryr explain\` finds

It asks cloud, kernel and network about one attachment when it is called.

| code | what it found | what to do |
|---|---|---|
${found.join('\n')}
`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Names of pages whose file is not what the tables say. */
export async function stalePages(): Promise<string[]> {
  const stale: string[] = [];
  for (const [name, text] of Object.entries(pages())) {
    const found = await readFile(join(folder, name), 'utf8').catch(() => undefined);
    if (found !== text) stale.push(name);
  }
  return stale;
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const stale = await stalePages();
    if (stale.length > 0) {
      console.error(`docs/reference: ${stale.join(', ')} not up to date; run npm run docs`);
      process.exitCode = 1;
    }
  } else {
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(pages())) await writeFile(join(folder, name), text);
  }
}
