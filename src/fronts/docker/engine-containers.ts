import * as v from 'valibot';
import type { RuntimeContainers } from '../../attach/explain.ts';
import type { AskEngine } from './engine-networks.ts';

const inspected = v.object({
  NetworkSettings: v.object({ Networks: v.record(v.string(), v.object({ EndpointID: v.string() })) }),
});

/** What Docker takes for a container's name; an id is one too. */
const containerName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** The engine's containers, by the name or the id's beginning that people know; an endpoint is an attachment. */
export class EngineContainers implements RuntimeContainers {
  readonly #askEngine: AskEngine;

  constructor(askEngine: AskEngine) {
    this.#askEngine = askEngine;
  }

  async attachmentsOf(container: string, signal: AbortSignal): Promise<readonly string[]> {
    if (!containerName.test(container)) return [];
    try {
      const { status, body } = await this.#askEngine(`/containers/${container}/json`, signal);
      const parsed = v.safeParse(inspected, JSON.parse(body));
      if (status !== 200 || !parsed.success) return [];
      return Object.values(parsed.output.NetworkSettings.Networks).flatMap(({ EndpointID: id }) =>
        id === '' ? [] : [id],
      );
    } catch {
      return [];
    }
  }
}
