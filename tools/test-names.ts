import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** `test/x.test.ts` › `the name of a test`, as the pages quote them; `test/matrix/x.ts` for a row of the matrix. */
const quoted = /`([^`]+\.ts)` › `([^`]+)`/g;
/** The name that a call of the test runner begins with, or that a row of the matrix has. */
const declared =
  /\b(?:(?:test|it|ipvlanTest)\(|name:)\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;

/** Tests that a page quotes, and those of them that there are none of. */
export async function quotedTests(top: string, page: string): Promise<{ quoted: number; missing: string[] }> {
  const text = await readFile(join(top, page), 'utf8');
  const found = [...text.matchAll(quoted)].map(([, file = '', name = '']) => ({ file, name }));
  const missing: string[] = [];
  for (const { file, name } of found) {
    const source = await readFile(join(top, file), 'utf8').catch(() => '');
    if (!testNames(source).some(pattern => pattern.test(name))) missing.push(`${file}: ${name}`);
  }
  return { quoted: found.length, missing };
}

/** The names of a file's tests; what is filled into one when it runs can be anything. */
function testNames(source: string): RegExp[] {
  return [...source.matchAll(declared)].map(([, single, double, template]) => {
    const plain = (single ?? double ?? template ?? '').replaceAll(/\\(['"`])/g, '$1');
    const parts = template === undefined ? [plain] : plain.split(/\$\{[^}]*\}/);
    return new RegExp(`^${parts.map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+')}$`);
  });
}
