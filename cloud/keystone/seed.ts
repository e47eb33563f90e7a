import { hashSecret } from './secret.ts';
import { type Entity, emptyState, type State } from './state.ts';

/** A fresh cloud: a password is the user's name and "pw". @param newId 32 hex digits */
export function seed(newId: () => string): State {
  const state = emptyState();
  const add = <T extends Entity>(map: Map<string, T>, entity: T): string => {
    map.set(entity.id, entity);
    return entity.id;
  };
  const common = { enabled: true, options: {}, tags: [] };
  const description = 'The default domain';
  const domain = add(state.domains, { id: 'default', name: 'Default', description, ...common });
  const region = add(state.regions, { id: 'RegionOne', description: '', parent_region_id: null });
  const role = (name: string, immutable: boolean): string =>
    add(state.roles, {
      id: newId(),
      name,
      domain_id: null,
      description: null,
      options: immutable ? { immutable } : {},
    });
  const roles = new Map(['reader', 'member', 'admin'].map(name => [name, role(name, true)]));
  roles.set('service', role('service', false));

  for (const [type, name, path] of [
    ['identity', 'keystone', 'identity/v3'],
    ['network', 'neutron', 'networking'],
  ] as const) {
    const service_id = add(state.services, { id: newId(), name, type, enabled: true });
    for (const side of ['public', 'internal', 'admin']) {
      const place = { region_id: region, service_id, url: `{origin}/${path}`, enabled: true };
      add(state.endpoints, { id: newId(), interface: side, ...place });
    }
  }

  const projects = new Map<string, string>();
  for (const name of ['admin', 'service', 'demo', 'demo2']) {
    const about = name === 'admin' ? 'Bootstrap project for initializing the cloud.' : '';
    const place = { domain_id: domain, parent_id: domain, is_domain: false, extra: {} };
    projects.set(name, add(state.projects, { id: newId(), name, description: about, ...place, ...common }));
  }
  const user = (name: string, project: string, ...names: string[]): string => {
    const home = projects.get(project) ?? null;
    const password = hashSecret(`${name}pw`, newId());
    const fields = { domain_id: domain, enabled: true, options: {}, extra: {}, password, revoked_at: 0 };
    const default_project_id = name === 'admin' ? null : home;
    const id = add(state.users, { id: newId(), name, default_project_id, ...fields });
    for (const each of names) state.grants.push({ user_id: id, project_id: home, role_id: roles.get(each) ?? '' });
    return id;
  };
  const admin = user('admin', 'admin', 'admin');
  state.grants.push({ user_id: admin, project_id: null, role_id: roles.get('admin') ?? '' });
  user('neutron', 'service', 'admin', 'service');
  user('demo', 'demo', 'member', 'reader');
  user('demo2', 'demo2', 'member', 'reader');
  user('ro', 'demo', 'reader');
  return state;
}
