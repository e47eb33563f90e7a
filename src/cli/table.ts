import type { Problem } from '../observe/health-board.ts';

/** Rows as aligned columns, the first row being the heading. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [n, cell] of row.entries()) widths[n] = Math.max(widths[n] ?? 0, cell.length);
  }
  return rows
    .map(row =>
      row
        .map((cell, n) => cell.padEnd(widths[n] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Text from elsewhere as it may be shown: control characters, which a terminal would obey, as question marks. */
export function shown(text: string | undefined): string {
  return text === undefined || text === '' ? '-' : text.replace(/\p{C}/gu, '?');
}

/** Ids of 64 digits as Docker shows them. */
export function shortened(id: string): string {
  return /^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : shown(id);
}

/** A health value that is set, and what to do. */
export function problemLines({ severity, code, text, todo }: Problem): string[] {
  return [`  ${severity === 'error' ? '✗' : '!'} ${shown(text)} [${shown(code)}]`, `    ${shown(todo)}`];
}
