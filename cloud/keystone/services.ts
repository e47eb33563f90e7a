/** Regions, services and endpoints: what the catalogue is made of. */
import {
  authenticated,
  type Call,
  created,
  find,
  given,
  isAdmin,
  isReader,
  type Keep,
  listed,
  noContent,
  ok,
  param,
  permit,
  withLink,
} from './call.ts';
import { endpointView } from './catalog.ts';
import { conflict, KeystoneError, lacking } from './errors.ts';
import type { Routes } from './router.ts';
import { validate } from './schema.ts';
import { ENDPOINT_CREATE, REGION_CREATE, SERVICE_CREATE } from './schemas.ts';
import type { Endpoint, Region, Service } from './state.ts';

export function serviceRoutes(keep: Keep): Routes {
  const { regions, services, endpoints } = keep.state;
  const shown = (call: Call, endpoint: Endpoint) => endpointView(endpoint, call.request.origin);

  return {
    'GET /v3/regions': call => {
      authenticated(call);
      return listed(call, 'regions', [...regions.values()], ['parent_region_id']);
    },
    'GET /v3/regions/{region_id}': call => {
      authenticated(call);
      return ok({ region: withLink(call, 'regions', find(regions, param(call, 'region_id'), 'region')) });
    },
    'POST /v3/regions': call => {
      permit(call, keep, 'create_region', isAdmin);
      const sent = given(call, 'region');
      validate(REGION_CREATE, sent);
      const { id = keep.newId(), description, parent_region_id = null } = sent as Partial<Region>;
      if (regions.has(id)) throw conflict('region', `Duplicate ID, ${id}.`);
      if (parent_region_id !== null) find(regions, parent_region_id, 'region');
      const region: Region = { id, description: description ?? '', parent_region_id };
      regions.set(id, region);
      return created({ region: withLink(call, 'regions', region) });
    },
    'DELETE /v3/regions/{region_id}': call => {
      permit(call, keep, 'delete_region', isAdmin);
      const { id } = find(regions, param(call, 'region_id'), 'region');
      if ([...endpoints.values()].some(each => each.region_id === id)) {
        const reason = 'because it or its child regions have associated endpoints.';
        throw new KeystoneError(403, `Unable to delete region ${id} ${reason}`);
      }
      regions.delete(id);
      return noContent;
    },

    'GET /v3/services': call => {
      permit(call, keep, 'list_services', isReader);
      return listed(call, 'services', [...services.values()], ['type', 'name']);
    },
    'GET /v3/services/{service_id}': call => {
      permit(call, keep, 'get_service', isReader);
      return ok({ service: withLink(call, 'services', find(services, param(call, 'service_id'), 'service')) });
    },
    'POST /v3/services': call => {
      permit(call, keep, 'create_service', isAdmin);
      const sent = given(call, 'service');
      validate(SERVICE_CREATE, sent);
      const { name = '', type, enabled = true } = sent as Partial<Service> & { type: string };
      const service: Service = { name, id: keep.newId(), type, enabled };
      services.set(service.id, service);
      return created({ service: withLink(call, 'services', service) });
    },
    'DELETE /v3/services/{service_id}': call => {
      permit(call, keep, 'delete_service', isAdmin);
      const { id } = find(services, param(call, 'service_id'), 'service');
      services.delete(id);
      for (const each of endpoints.values()) if (each.service_id === id) endpoints.delete(each.id);
      return noContent;
    },

    'GET /v3/endpoints': call => {
      permit(call, keep, 'list_endpoints', isReader);
      const all = [...endpoints.values()].map(each => shown(call, each));
      return listed(call, 'endpoints', all, ['interface', 'service_id', 'region_id']);
    },
    'GET /v3/endpoints/{endpoint_id}': call => {
      authenticated(call);
      const endpoint = find(endpoints, param(call, 'endpoint_id'), 'endpoint');
      permit(call, keep, 'get_endpoint', isReader);
      return ok({ endpoint: withLink(call, 'endpoints', shown(call, endpoint)) });
    },
    'POST /v3/endpoints': call => {
      permit(call, keep, 'create_endpoint', isAdmin);
      const sent = given(call, 'endpoint');
      validate(ENDPOINT_CREATE, sent);
      const { service_id, url, enabled = true, region, ...rest } = sent as Endpoint & { region?: string };
      const region_id = rest.region_id ?? region ?? null;
      if (!services.has(service_id)) throw lacking('endpoint service_id', 'service table');
      if (region_id !== null && !regions.has(region_id)) throw lacking('endpoint region_id', 'region table');
      const endpoint = { id: keep.newId(), interface: rest.interface, region_id, service_id, url, enabled };
      endpoints.set(endpoint.id, endpoint);
      return created({ endpoint: withLink(call, 'endpoints', shown(call, endpoint)) });
    },
    'DELETE /v3/endpoints/{endpoint_id}': call => {
      authenticated(call);
      const { id } = find(endpoints, param(call, 'endpoint_id'), 'endpoint');
      permit(call, keep, 'delete_endpoint', isAdmin);
      endpoints.delete(id);
      return noContent;
    },
  };
}
