import type { PairView, PairWriter, PairWriters } from './pair-writer.ts';
import { type PairWriterEdges, PortPairWriter } from './port-pair-writer.ts';

/** Gives each VM port its one writer, made when first asked for, until closed. */
export class PortPairWriters implements PairWriters {
  readonly #edges: PairWriterEdges;
  readonly #closing = new AbortController();
  readonly #writers = new Map<string, PairWriter>();

  constructor(edges: PairWriterEdges) {
    this.#edges = edges;
  }

  of(portId: string): PairWriter {
    const known = this.#writers.get(portId);
    if (known !== undefined) return known;
    const writer = new PortPairWriter(portId, this.#edges, this.#closing.signal);
    this.#writers.set(portId, writer);
    return writer;
  }

  /** Each VM port that was read, as it was then; nothing is asked. */
  views(): readonly { readonly port: string; readonly view: PairView }[] {
    return [...this.#writers].flatMap(([port, writer]) => {
      const view = writer.view();
      return view === undefined ? [] : [{ port, view }];
    });
  }

  /** Ends every loop: a call under way is aborted, and who waits gets the reason. */
  close(reason: Error): void {
    this.#closing.abort(reason);
  }
}
