import { scryptSync, timingSafeEqual } from 'node:crypto';

/** Low, since many logins a second matter more here than a stolen keep file: about 2 ms. */
const COST = { N: 1024, r: 8, p: 1 };

/** `scrypt$salt$hash`, in hex. @param salt 32 hex digits, fresh for each secret */
export function hashSecret(secret: string, salt: string): string {
  return `scrypt$${salt}$${derive(secret, salt).toString('hex')}`;
}

export function isSecret(secret: string, hashed: string): boolean {
  const [, salt, hash] = hashed.split('$');
  if (salt === undefined || hash === undefined) return false;
  const wanted = Buffer.from(hash, 'hex');
  const given = derive(secret, salt);
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}

const derive = (secret: string, salt: string): Buffer => scryptSync(secret, Buffer.from(salt, 'hex'), 32, COST);
