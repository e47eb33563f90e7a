/** One figure of a bench, as each of its peers came to it round by round; all peers of a row are in the same unit. */
export interface Row {
  readonly figure: string;
  readonly samples: ReadonlyMap<string, readonly number[]>;
}

/** Samples by figure and peer, in the order they first came. */
export class Figures {
  readonly #rows = new Map<string, Map<string, number[]>>();

  add(figure: string, peer: string, value: number): void {
    const row = this.#rows.get(figure) ?? new Map<string, number[]>();
    row.set(peer, [...(row.get(peer) ?? []), value]);
    this.#rows.set(figure, row);
  }

  rows(): readonly Row[] {
    return [...this.#rows].map(([figure, samples]) => ({ figure, samples }));
  }
}

/** The rows as a table in Markdown, `minimum / median / maximum` for each peer. */
export function table(rows: readonly Row[]): string {
  const peers = [...new Set(rows.flatMap(({ samples }) => [...samples.keys()]))];
  const lines = [
    ['', ...peers],
    ...rows.map(({ figure, samples }) => [figure, ...peers.map(peer => spread(samples.get(peer) ?? []))]),
  ];
  const widths = ['', ...peers].map((_, column) => Math.max(...lines.map(cells => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join(' | ')} |`;
  const [head = [], ...rest] = lines;
  return [head, widths.map(width => '-'.repeat(width)), ...rest].map(line).join('\n');
}

function spread(samples: readonly number[]): string {
  if (samples.length === 0) return '';
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = median(sorted);
  return [sorted[0] ?? Number.NaN, middle, sorted.at(-1) ?? Number.NaN].map(short).join(' / ');
}

function median(sorted: readonly number[]): number {
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/** Three digits that count; whole numbers stay whole. */
const short = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : String(+value.toPrecision(3)));
