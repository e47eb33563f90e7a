/** All that Keystone remembers, in the shapes of the wire. */
export interface Entity {
  id: string;
}

interface Domain extends Entity {
  name: string;
  description: string;
  enabled: boolean;
  tags: readonly string[];
  options: object;
}

export interface Project extends Entity {
  name: string;
  domain_id: string;
  description: string | null;
  enabled: boolean;
  parent_id: string | null;
  is_domain: boolean;
  tags: readonly string[];
  options: object;
  /** Attributes that Keystone does not know and keeps. */
  extra: Readonly<Record<string, unknown>>;
}

export interface User extends Entity {
  name: string;
  domain_id: string;
  enabled: boolean;
  default_project_id: string | null;
  options: object;
  extra: Readonly<Record<string, unknown>>;
  /** Hashed; null where the user has none. */
  password: string | null;
  /** Tokens of that second and of earlier ones are void: milliseconds since 1970. */
  revoked_at: number;
}

export interface Role extends Entity {
  name: string;
  domain_id: null;
  description: string | null;
  options: { immutable?: boolean };
}

/** Without a project it is a grant on the whole system. */
export interface Grant {
  user_id: string;
  project_id: string | null;
  role_id: string;
}

export interface ApplicationCredential extends Entity {
  name: string;
  description: string | null;
  user_id: string;
  project_id: string | null;
  system: string | null;
  /** `2031-01-01T00:00:00.000000`, UTC. */
  expires_at: string | null;
  unrestricted: boolean | null;
  role_ids: readonly string[];
  rule_ids: readonly string[];
  /** Hashed. */
  secret: string;
}

export interface StoredRule extends Entity {
  user_id: string;
  service: string;
  path: string;
  method: string;
}

export interface Region extends Entity {
  description: string;
  parent_region_id: string | null;
}

export interface Service extends Entity {
  name: string;
  type: string;
  enabled: boolean;
}

export interface Endpoint extends Entity {
  interface: string;
  region_id: string | null;
  service_id: string;
  /** `{origin}` stands for where the client found the server. */
  url: string;
  enabled: boolean;
}

export interface Token {
  user_id: string;
  methods: readonly string[];
  /** Its own, and that of the token at the start of the chain. */
  audit_ids: readonly string[];
  project_id: string | null;
  system: boolean;
  credential_id: string | null;
  /** Milliseconds since 1970, whole seconds as in Fernet tokens. */
  issued_at: number;
  /** As it was told. */
  expires_at: string;
  revoked: boolean;
}

export interface State {
  domains: Map<string, Domain>;
  projects: Map<string, Project>;
  users: Map<string, User>;
  roles: Map<string, Role>;
  grants: Grant[];
  credentials: Map<string, ApplicationCredential>;
  rules: Map<string, StoredRule>;
  regions: Map<string, Region>;
  services: Map<string, Service>;
  endpoints: Map<string, Endpoint>;
  /** By the token's SHA-256: who reads a kept state holds no token. */
  tokens: Map<string, Token>;
}

/** Each role gives the next one too. */
const CHAIN = ['admin', 'member', 'reader'];

/** The roles that a role stands for: itself and those it implies. */
export function implied({ roles }: State, roleId: string): Role[] {
  const role = roles.get(roleId);
  if (role === undefined) return [];
  const at = CHAIN.indexOf(role.name);
  const names = at < 0 ? [] : CHAIN.slice(at + 1);
  return [role, ...[...roles.values()].filter(each => names.includes(each.name))];
}

/** The roles of a user on a project, or on the system, implied ones among them. */
export function rolesOf(state: State, userId: string, projectId: string | null): Role[] {
  const granted = state.grants.filter(each => each.user_id === userId && each.project_id === projectId);
  return [...new Set(granted.flatMap(each => implied(state, each.role_id)))];
}

const VERSION = 1;

export function toSnapshot(state: State): object {
  const lists = Object.entries(state).map(([key, held]) => [key, held instanceof Map ? [...held] : held]);
  return structuredClone({ version: VERSION, ...Object.fromEntries(lists) });
}

/** @throws Error where it is no snapshot of this version */
export function fromSnapshot(snapshot: unknown): State {
  const held = structuredClone(snapshot) as Record<string, unknown> | null;
  if (typeof held !== 'object' || held?.['version'] !== VERSION) throw new Error('this is no state of Keystone');
  const empty = emptyState();
  const filled = Object.entries(empty).map(([key, kind]) => {
    const list = held[key];
    if (!Array.isArray(list)) throw new Error(`the state of Keystone lacks its ${key}`);
    return [key, kind instanceof Map ? new Map(list) : list];
  });
  return Object.fromEntries(filled) as State;
}

/** A state with nothing in it. */
export function emptyState(): State {
  return {
    ...{ domains: new Map(), projects: new Map(), users: new Map(), roles: new Map(), grants: [] },
    ...{ credentials: new Map(), rules: new Map(), regions: new Map(), services: new Map() },
    ...{ endpoints: new Map(), tokens: new Map() },
  };
}
