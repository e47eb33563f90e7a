import type { Endpoint, State } from './state.ts';

/** The services with their endpoints, as tokens show them. @param origin where the client found the server */
export function catalogOf({ services, endpoints }: State, origin: string): object[] {
  return [...services.values()]
    .filter(each => each.enabled)
    .map(({ id, type, name }) => ({
      endpoints: [...endpoints.values()]
        .filter(each => each.service_id === id && each.enabled)
        .map(({ service_id: _, enabled: __, ...each }) => endpointView(each, origin)),
      ...{ id, type, name },
    }));
}

/** `region` is the old name of `region_id`. */
export const endpointView = <T extends Pick<Endpoint, 'url' | 'region_id'>>(endpoint: T, origin: string) => ({
  ...endpoint,
  url: endpoint.url.replace('{origin}', origin),
  region: endpoint.region_id,
});
