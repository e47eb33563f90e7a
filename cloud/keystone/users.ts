import {
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
  page,
  param,
  permit,
  withLink,
} from './call.ts';
import { badRequest, conflict, unauthorized } from './errors.ts';
import { extraOf } from './projects.ts';
import type { Routes } from './router.ts';
import { validate } from './schema.ts';
import { PASSWORD_CHANGE, USER_CREATE, USER_UPDATE } from './schemas.ts';
import { hashSecret, isSecret } from './secret.ts';
import type { State, User } from './state.ts';

const KNOWN = ['id', 'name', 'domain_id', 'enabled', 'default_project_id', 'options', 'password', 'extra'];

/** As a request gives it. */
type Given = Partial<
  Pick<User, 'id' | 'name' | 'domain_id' | 'enabled' | 'default_project_id' | 'options' | 'password'>
>;

const userView = (
  { id, name, domain_id, enabled, default_project_id, options, extra }: User,
  revealed: object = {},
) => ({
  ...extra,
  ...{ id, name, domain_id, enabled },
  ...(default_project_id === null ? {} : { default_project_id }),
  ...{ password_expires_at: null, ...revealed, options },
});

export function userRoutes(keep: Keep): Routes {
  const { state } = keep;
  const told = (call: Call, user: User, revealed?: object) => ({
    user: withLink(call, 'users', userView(user, revealed)),
  });
  const one = (call: Call): User => find(state.users, param(call, 'user_id'), 'user');
  const hashed = (password: string | null): string | null =>
    password === null ? null : hashSecret(password, keep.newId());
  const self = (call: Call) => (rights: { reader: boolean; token: { user_id: string } }) =>
    rights.reader || rights.token.user_id === param(call, 'user_id');

  return {
    'GET /v3/users': call => {
      permit(call, keep, 'list_users', isReader);
      const users = [...state.users.values()].map(each => userView(each));
      return listed(call, 'users', users, ['domain_id', 'enabled', 'name']);
    },

    'GET /v3/users/{user_id}': call => {
      permit(call, keep, 'get_user', self(call));
      return ok(told(call, one(call)));
    },

    'GET /v3/users/{user_id}/groups': call => {
      permit(call, keep, 'list_groups_for_user', self(call));
      one(call);
      return page(call, 'groups', []);
    },

    'POST /v3/users': call => {
      permit(call, keep, 'create_user', isAdmin);
      const sent = given(call, 'user');
      validate(USER_CREATE, sent);
      const fields = sent as Given & { name: string };
      const domain_id = fields.domain_id ?? 'default';
      find(state.domains, domain_id, 'domain');
      const name = fields.name.trim();
      if (clash(state, name, domain_id)) {
        throw conflict('user', `Duplicate entry found with name ${name} at domain ID ${domain_id}`);
      }
      const user: User = {
        ...{ id: keep.newId(), name, domain_id, enabled: fields.enabled ?? true },
        ...{ default_project_id: fields.default_project_id ?? null, options: fields.options ?? {} },
        ...{ extra: extraOf(sent as object, KNOWN), password: hashed(fields.password ?? null), revoked_at: 0 },
      };
      state.users.set(user.id, user);
      return created(told(call, user));
    },

    'PATCH /v3/users/{user_id}': call => {
      permit(call, keep, 'update_user', isAdmin);
      const user = one(call);
      const sent = given(call, 'user');
      validate(USER_UPDATE, sent);
      const fields = sent as Given;
      if (fields.id !== undefined && fields.id !== user.id) throw badRequest('Cannot change ID');
      if (fields.domain_id !== undefined && fields.domain_id !== user.domain_id) {
        throw badRequest('Cannot change Domain ID');
      }
      const name = fields.name?.trim() ?? user.name;
      if (clash(state, name, user.domain_id, user.id)) {
        throw conflict('user', `Duplicate entry found with name ${name}`);
      }
      const { enabled = user.enabled, default_project_id = user.default_project_id, options = user.options } = fields;
      const changed: User = { ...user, name, enabled, default_project_id, options };
      changed.extra = { ...user.extra, ...extraOf(sent as object, KNOWN) };
      if (fields.password !== undefined) changed.password = hashed(fields.password);
      if (fields.password !== undefined || !enabled) changed.revoked_at = keep.now();
      state.users.set(user.id, changed);
      const revealed = Object.keys(changed.extra).length > 0 ? { extra: changed.extra } : {};
      return ok(told(call, changed, revealed));
    },

    'DELETE /v3/users/{user_id}': call => {
      permit(call, keep, 'delete_user', isAdmin);
      const { id } = one(call);
      state.users.delete(id);
      state.grants = state.grants.filter(each => each.user_id !== id);
      for (const entities of [state.credentials, state.rules]) {
        for (const each of entities.values()) if (each.user_id === id) entities.delete(each.id);
      }
      return noContent;
    },

    // needs no token: the old password is the proof
    'POST /v3/users/{user_id}/password': call => {
      const sent = given(call, 'user');
      validate(PASSWORD_CHANGE, sent);
      const { password, original_password } = sent as { password: string; original_password: string };
      const user = state.users.get(param(call, 'user_id'));
      if (user?.enabled !== true || user.password === null) throw unauthorized();
      if (!isSecret(original_password, user.password)) throw unauthorized();
      state.users.set(user.id, { ...user, password: hashed(password), revoked_at: keep.now() });
      return noContent;
    },
  };
}

const clash = (state: State, name: string, domainId: string, but?: string): boolean =>
  [...state.users.values()].some(each => each.name === name && each.domain_id === domainId && each.id !== but);
