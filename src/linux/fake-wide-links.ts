import type { Link, LinkEvent, WideLinkEvent } from './kernel.ts';

/** The part of FakeKernel that gives namespaces ids and tells of the links of those that have one. */
export class FakeWideLinks {
  readonly #ids = new Map<string, number>();
  readonly #watchers = new Set<{ readonly wake: () => void; readonly events: WideLinkEvent[]; lost: boolean }>();

  idOf(space: string): number {
    const id = this.#ids.get(space) ?? this.#ids.size;
    this.#ids.set(space, id);
    return id;
  }

  tell(space: string, type: LinkEvent['type'], link: Link): void {
    const netns = this.#ids.get(space);
    if (space !== 'host' && netns === undefined) return;
    for (const watcher of this.#watchers) {
      watcher.events.push({ type, link, netns });
      watcher.wake();
    }
  }

  /** As when the socket's buffer was full. */
  lose(): void {
    for (const watcher of this.#watchers) {
      watcher.events.length = 0;
      watcher.lost = true;
      watcher.wake();
    }
  }

  watch(wake: () => void, signal: AbortSignal) {
    const watcher = { wake, events: [] as WideLinkEvent[], lost: false };
    this.#watchers.add(watcher);
    signal.addEventListener('abort', () => this.#watchers.delete(watcher), { once: true });
    return {
      read: () => {
        const { lost } = watcher;
        watcher.lost = false;
        return { events: watcher.events.splice(0), lost };
      },
    };
  }
}
