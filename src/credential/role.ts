import { KuryrError } from '../errors/kuryr-error.ts';

/** Enough by Neutron's default policy, and in every cloud since Keystone's 2018.3. */
const USUAL = 'member';

/**
 * The one role that the credential gets of those that the user has: the one named, else member.
 * @throws CREDENTIAL_ROLE_MISSING
 */
export function roleFor(has: readonly string[], wanted = USUAL): string {
  const role = has.find(name => name.toLowerCase() === wanted.toLowerCase());
  if (role === undefined)
    throw new KuryrError('CREDENTIAL_ROLE_MISSING', { role: wanted, roles: has.join(', ') || 'none' });
  return role;
}
