// Makes the packages in dist/: ./tools/node tools/package.ts [x64] [arm64] [npm] [--fast]
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDeb, makeNpm } from './package/make.ts';
import { cpus } from './package/natives.ts';

const dist = join(import.meta.dirname, '../dist');
const say = (line: string): void => console.error(line);
const asked = process.argv.slice(2);
const wants = (name: string): boolean => asked.every(each => each.startsWith('--')) || asked.includes(name);
// xz takes a minute or two for the smallest package; what is only tried need not be the smallest.
const level = asked.includes('--fast') ? 0 : 6;

const made: string[] = [];
if (wants('npm')) made.push(await makeNpm(dist, say));
for (const cpu of cpus) if (wants(cpu)) made.push(await makeDeb(dist, cpu, level, say));
for (const file of made) console.log(`${file}  ${((await stat(file)).size / 1e6).toFixed(1)} MB`);
