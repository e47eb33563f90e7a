import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableOfOptions } from '../src/config/render.ts';
import { doctorReference } from '../src/doctor/reference.ts';
import { type ErrorEntry, errorTable } from '../src/errors/table.ts';

const folder = join(import.meta.dirname, '../docs/reference');

/** The reference pages that are made of tables in the code, by file name. */
export function pages(): Readonly<Record<string, string>> {
  return { 'options.md': optionsPage(), 'errors.md': errorsPage(), 'doctor.md': doctorReference() };
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
