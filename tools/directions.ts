import type { ModuleImports } from './imports.ts';

/** The folders of src, lowest first: a module imports only from its own folder and from lower rows. */
const layers: readonly (readonly string[])[] = [
  ['errors', 'observe', 'time', 'address'],
  ['config', 'openstack', 'linux'],
  ['nic', 'ledger', 'service'],
  ['ipam', 'pairs', 'link', 'reach'],
  ['hostaccess', 'reconcile', 'credential'],
  ['attach'],
  ['fronts', 'doctor', 'install'],
  ['daemon'],
  ['demo'],
  ['cli'],
];

/** What stands beside src, and which folders of src may import it: nothing that runs in production needs any of it. */
const beside: Readonly<Record<string, readonly string[]>> = { cloud: ['demo', 'cli'], guest: ['demo'] };

/** Packages that are the matter of one folder alone: what is outside goes through that folder's interface. */
const packageHomes: Readonly<Record<string, string>> = { koffi: 'linux', undici: 'openstack', pino: 'observe' };

/** Every import that goes upward, sideways or around an edge, and every circle of modules. */
export function directionProblems(modules: readonly ModuleImports[]): string[] {
  const problems: string[] = [];
  for (const { file, files, packages } of modules) {
    const from = placeOf(file);
    if (from.layer === -1) problems.push(`${file}: src/${from.folder}/ has no layer in tools/directions.ts`);
    for (const target of files) {
      const to = placeOf(target);
      const inside = from.folder === to.folder && (from.front === to.front || to.front === undefined);
      const [first = ''] = target.split('/');
      const outside = beside[first];
      if (outside !== undefined && !outside.includes(from.folder))
        problems.push(`${file} imports ${target}, which is for ${outside.map(name => `src/${name}/`).join(' and ')}`);
      if (first !== 'src' || inside) continue;
      if (to.layer >= from.layer) problems.push(`${file} imports ${target}, which is not below it`);
    }
    for (const name of packages) {
      const home = packageHomes[name];
      if (home !== undefined && home !== from.folder)
        problems.push(`${file} imports ${name}, which is for src/${home}/`);
    }
  }
  return [...problems, ...circles(modules)];
}

function placeOf(file: string): {
  readonly folder: string;
  readonly front: string | undefined;
  readonly layer: number;
} {
  const [, folder = '', next, more] = file.split('/');
  const front = folder === 'fronts' && more !== undefined ? next : undefined;
  return { folder, front, layer: layers.findIndex(names => names.includes(folder)) };
}

/** Circles of imports, each told once; a type's import counts too, since it binds the folders as much. */
function circles(modules: readonly ModuleImports[]): string[] {
  const imports = new Map(modules.map(({ file, files }) => [file, files]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) found.push(`a circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
    if (path.includes(file) || done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const { file } of modules) visit(file, []);
  return found;
}
