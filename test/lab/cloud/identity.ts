/** Keystone's service, seen from outside: users, tokens, what a fresh one must be told. */

/** Users of the cloud: two projects' members, an administrator, a mere reader of demo's project. The password is the name and "pw". */
export type User = 'demo' | 'demo2' | 'admin' | 'ro';

export const projectOf = (user: User): string => (user === 'ro' ? 'demo' : user);
export const passwordOf = (user: User): string => `${user}pw`;

/** What a client is told by its environment about a user of the cloud. */
export const clientEnvironment = (authUrl: string, user: User): Record<string, string> => ({
  OS_AUTH_URL: authUrl,
  OS_USERNAME: user,
  OS_PASSWORD: passwordOf(user),
  OS_PROJECT_NAME: projectOf(user),
  OS_USER_DOMAIN_ID: 'default',
  OS_PROJECT_DOMAIN_ID: 'default',
  OS_IDENTITY_API_VERSION: '3',
  OS_REGION_NAME: 'RegionOne',
});

/** A token for a user's project. */
export async function issueToken(authUrl: string, user: User, signal: AbortSignal): Promise<string> {
  const domain = { id: 'default' };
  const response = await fetch(`${authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { name: user, domain, password: passwordOf(user) } } },
        scope: { project: { name: projectOf(user), domain } },
      },
    }),
    signal,
  });
  const token = response.headers.get('x-subject-token');
  if (token === null) throw new Error(`no token for ${user}: ${response.status} ${await response.text()}`);
  await response.body?.cancel();
  return token;
}

/** Tells a bootstrapped Keystone of Neutron and of the users. */
export async function seedIdentity(authUrl: string, neutronUrl: string, signal: AbortSignal): Promise<void> {
  const token = await issueToken(authUrl, 'admin', signal);
  const call = async (method: string, path: string, body?: object): Promise<Record<string, { id: string }>> => {
    const response = await fetch(`${authUrl}${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-auth-token': token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Record<string, { id: string }>);
  };
  const make = async (kind: string, plural: string, body: object): Promise<string> => {
    const id = (await call('POST', `/${plural}`, { [kind]: body }))[kind]?.id;
    if (id === undefined) throw new Error(`${kind} was made without an id`);
    return id;
  };
  const { roles } = (await call('GET', '/roles')) as unknown as { roles: { id: string; name: string }[] };
  const role = new Map(roles.map(({ id, name }) => [name, id]));
  if (!role.has('service')) role.set('service', await make('role', 'roles', { name: 'service' }));
  const service = await make('service', 'services', { type: 'network', name: 'neutron' });
  for (const side of ['public', 'internal', 'admin']) {
    const endpoint = { service_id: service, interface: side, region_id: 'RegionOne', url: neutronUrl };
    await make('endpoint', 'endpoints', endpoint);
  }
  const projects = new Map<string, string>();
  const user = async (name: string, project: string, ...names: string[]): Promise<void> => {
    const projectId =
      projects.get(project) ?? (await make('project', 'projects', { name: project, domain_id: 'default' }));
    projects.set(project, projectId);
    const fields = { name, password: `${name}pw`, domain_id: 'default', default_project_id: projectId };
    const id = await make('user', 'users', fields);
    for (const each of names) await call('PUT', `/projects/${projectId}/users/${id}/roles/${role.get(each)}`);
  };
  await user('neutron', 'service', 'admin', 'service');
  await user('demo', 'demo', 'member', 'reader');
  await user('demo2', 'demo2', 'member', 'reader');
  await user('ro', 'demo', 'reader');
}
