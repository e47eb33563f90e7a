// Records `./kuryr demo` as it runs here, and makes docs/demo.svg of it: ./tools/node tools/demo-picture.ts
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const top = join(import.meta.dirname, '..');

/** A line of a recording, and when it was printed, seconds from the start. */
export interface Line {
  readonly text: string;
  readonly at: number;
}

const columns = 118;
const fontSize = 13;
const advance = fontSize * 0.602;
const lineHeight = 19;
const margin = 22;
/** A recording is watched faster than it was made. */
const speed = 2;

/** The recording as a picture of a terminal, in which lines appear as they were printed; where nothing moves all are there. */
export function picture(lines: readonly Line[]): string {
  const wrapped = lines.flatMap(wrap);
  const width = Math.ceil(columns * advance + 2 * margin);
  const height = Math.ceil((wrapped.length + 1) * lineHeight + 2 * margin);
  const rows = wrapped.map(({ text, at }, n) => {
    const y = margin + (n + 2) * lineHeight;
    return `<text x="${margin}" y="${y}" class="${classOf(text)}" style="animation-delay:${(at / speed).toFixed(2)}s">${escaped(text)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" xml:space="preserve" role="img" aria-label="A terminal in which kuryr demo runs">
<style>
text { font: ${fontSize}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #c9d1d9; white-space: pre; animation: appear 1ms both }
.title { fill: #ffffff; font-weight: bold } .good { fill: #7ee787 } .more { fill: #8b949e } .bad { fill: #ff7b72 }
@keyframes appear { from { opacity: 0 } }
@media (prefers-reduced-motion) { text { animation: none } }
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<circle cx="20" cy="18" r="5" fill="#ff5f56"/><circle cx="38" cy="18" r="5" fill="#ffbd2e"/><circle cx="56" cy="18" r="5" fill="#27c93f"/>
${rows.join('\n')}
</svg>
`;
}

function classOf(text: string): string {
  if (/^ *✗|^This did not hold/.test(text)) return 'bad';
  if (/^ *✓/.test(text)) return 'good';
  return /^\s/.test(text) ? 'more' : 'title';
}

/** Lines that are too long go on below, indented as they began. */
function wrap({ text, at }: Line): Line[] {
  if (text.length <= columns) return [{ text, at }];
  const cut = text.lastIndexOf(' ', columns);
  const indent = /^ */.exec(text)?.[0] ?? '';
  if (cut <= indent.length) return [{ text, at }];
  return [{ text: text.slice(0, cut), at }, ...wrap({ text: `${indent}    ${text.slice(cut + 1)}`, at })];
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

async function record(): Promise<Line[]> {
  const from = performance.now();
  const lines: Line[] = [{ text: '$ ./kuryr demo', at: 0 }];
  const child = spawn(join(top, 'kuryr'), ['demo'], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const text of createInterface({ input: child.stdout })) {
    console.log(text);
    lines.push({ text, at: (performance.now() - from) / 1000 });
  }
  const code = child.exitCode ?? (await new Promise<number | null>(resolve => child.once('exit', resolve)));
  if (code !== 0) throw new Error(`the demo ended with ${code}: no picture is made of that`);
  return lines;
}

if (import.meta.main) await writeFile(join(top, 'docs/demo.svg'), picture(await record()));
