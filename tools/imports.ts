import { readdir, readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { parse } from '@swc/core';

/** What one module asks for, types included. */
export interface ModuleImports {
  /** Path from the top of the checkout. */
  readonly file: string;
  /** Modules of this checkout, as paths from its top. */
  readonly files: readonly string[];
  /** Packages by name; Node's own modules are left out. */
  readonly packages: readonly string[];
}

/**
 * The imports of every TypeScript module below a folder. Read from the syntax tree, since dependency-cruiser 18 stops at
 * a `using` declaration.
 */
export async function readImports(top: string, folder: string): Promise<ModuleImports[]> {
  const names = await readdir(join(top, folder), { recursive: true });
  const files = names.filter(name => name.endsWith('.ts')).map(name => join(folder, name));
  return Promise.all(files.sort().map(async file => importsOf(file, await readFile(join(top, file), 'utf8'))));
}

/** The imports of one module's text: static and dynamic ones, re-exports and types. */
export async function importsOf(file: string, text: string): Promise<ModuleImports> {
  const specifiers = new Set<string>();
  collect(await parse(text, { syntax: 'typescript', target: 'es2024' }), specifiers);
  const files: string[] = [];
  const packages: string[] = [];
  for (const specifier of specifiers) {
    if (specifier.startsWith('.')) files.push(normalize(join(dirname(file), specifier)));
    else if (!specifier.startsWith('node:') && !builtinModules.includes(specifier)) {
      packages.push(specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'));
    }
  }
  return { file, files, packages };
}

const declarations = new Set(['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration']);

/** swc: `source` of declarations, the first argument of `import()`, the argument of the type `import('…')`. */
function collect(node: unknown, found: Set<string>): void {
  if (Array.isArray(node)) for (const item of node) collect(item, found);
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
  const {
    type,
    source,
    callee,
    arguments: args,
    argument,
  } = node as Record<string, { type?: string; value?: unknown }>;
  const kind: unknown = type;
  if (declarations.has(String(kind)) && typeof source?.value === 'string') found.add(source.value);
  if (kind === 'TsImportType' && typeof argument?.value === 'string') found.add(argument.value);
  if (kind === 'CallExpression' && callee?.type === 'Import' && Array.isArray(args)) {
    const value: unknown = args[0]?.expression?.value;
    if (typeof value === 'string') found.add(value);
  }
  for (const value of Object.values(node)) collect(value, found);
}
