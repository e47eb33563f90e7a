/** What a cell of the matrix may say. */
export type Cell = 'passed' | `impossible: ${string}` | 'failed' | '';

/** The matrix as it stands in docs: rows of promises, a column for each back end and engine. */
export class Table {
  readonly #columns: string[] = [];
  readonly #rows = new Map<string, Map<string, Cell>>();

  set(row: string, column: string, cell: Cell): void {
    if (!this.#columns.includes(column)) this.#columns.push(column);
    const cells = this.#rows.get(row) ?? new Map<string, Cell>();
    this.#rows.set(row, cells.set(column, cell));
  }

  markdown(): string {
    const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
    return [
      line(['', ...this.#columns]),
      line(['---', ...this.#columns.map(() => '---')]),
      ...[...this.#rows].map(([row, cells]) => line([row, ...this.#columns.map(column => cells.get(column) ?? '')])),
      '',
    ].join('\n');
  }
}
