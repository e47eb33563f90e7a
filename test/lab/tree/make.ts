// Makes the lab's trees ahead of the first test that needs them: ./tools/node test/lab/tree/make.ts [bookworm] [trixie] [forky] [home-bookworm]
import type { TreeName } from './recipe.ts';
import { ensureTree } from './tree.ts';

const asked = process.argv.slice(2);
for (const name of ['bookworm', 'trixie', 'forky', 'home-bookworm'] satisfies TreeName[]) {
  if (asked.includes(name) || (asked.length === 0 && name !== 'home-bookworm')) {
    console.log(await ensureTree(name, line => console.error(line)));
  }
}
