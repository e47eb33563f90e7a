// Makes the lab's trees ahead of the first test that needs them: ./tools/node test/lab/tree/make.ts [bookworm] [trixie] [forky]
import type { Suite } from './recipe.ts';
import { ensureTree } from './tree.ts';

const asked = process.argv.slice(2);
for (const suite of ['bookworm', 'trixie', 'forky'] satisfies Suite[]) {
  if (asked.length === 0 || asked.includes(suite)) {
    console.log(await ensureTree(suite, line => console.error(line)));
  }
}
