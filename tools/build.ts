import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build as esbuild, type Plugin } from 'esbuild';
import { manPages } from './man/pages.ts';
import { dayOf, sourceDate } from './package/source-date.ts';

const top = join(import.meta.dirname, '..');

/**
 * koffi looks for its native half in node_modules. In the bundle it lies beside the file, under a name that says for which
 * processor it is.
 */
const koffiBeside: Plugin = {
  name: 'koffi-beside',
  setup({ onLoad }) {
    onLoad({ filter: /\/koffi\/src\/koffi\/src\/static\.js$/ }, () => ({
      contents: `
        import { createRequire } from 'node:module';
        export const loadStatic = platform => createRequire(import.meta.url)('./koffi-' + platform + '.node');
      `,
      loader: 'js',
    }));
  },
};

/**
 * An import statement reads all that a module of Node's exports, once, and so loads what stands behind getters: that of
 * `node:http` is a whole client with WebSockets, 16 MiB of resident memory for nobody. A call reads what it is asked for.
 */
const nodesOwnByCall: Plugin = {
  name: 'nodes-own-by-call',
  setup({ onResolve, onLoad }) {
    const namespace = 'nodes-own';
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace } : undefined,
    );
    onLoad({ filter: /^/, namespace }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}');`,
    }));
  },
};

/**
 * Makes `kuryr.mjs`, the whole program in one file, and koffi's native half beside it, for each processor installed here.
 * A test may name another entry. Gives the npm packages that are in the file.
 */
export async function build(folder: string, entry = 'src/cli/main.ts', file = 'kuryr.mjs'): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const { metafile } = await esbuild({
    // Names of modules stand in the file: from the top, whoever builds it from where.
    absWorkingDir: top,
    entryPoints: [join(top, entry)],
    outfile: join(folder, file),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Without comments it is ASCII alone, of which V8 keeps a byte a character and not two. Names stay, for stacks.
    minifyWhitespace: true,
    // The packages bring all licences in a file of their own.
    legalComments: 'none',
    lineLimit: 160,
    // Packages written in CommonJS ask for Node's own modules by require.
    banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
    plugins: [koffiBeside, nodesOwnByCall],
    logLevel: 'warning',
    metafile: true,
  });
  const natives = join(top, 'node_modules/@koromix');
  for (const name of await readdir(natives)) {
    const [, cpu] = /^koffi-linux-(\w+)$/.exec(name) ?? [];
    // glibc alone: so is the Node that comes with Kuryr.
    if (cpu !== undefined)
      await copyFile(join(natives, name, `linux_${cpu}`, 'koffi.node'), join(folder, `${name}.node`));
  }
  const [output] = Object.values(metafile.outputs);
  const names = Object.entries(output?.inputs ?? {}).flatMap(([path, { bytesInOutput }]) =>
    bytesInOutput > 0 ? (/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []) : [],
  );
  return [...new Set(names)].sort();
}

/** Writes the manual pages into a folder that is laid out as `share/man` is. */
async function buildManual(folder: string): Promise<void> {
  for (const [path, text] of Object.entries(await manPages(dayOf(await sourceDate(top))))) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

// A folder named gets the program alone, which is all that the demo's VMs run; with --manual what is installed.
if (import.meta.main) {
  const [, , folder, manual] = process.argv;
  const dist = join(top, 'dist');
  await build(folder ?? dist);
  if (folder === undefined) {
    await build(dist, 'cloud/index.ts', 'cloud.mjs');
  }
  if (folder === undefined || manual === '--manual') await buildManual(join(folder ?? dist, 'man'));
}
