import * as v from 'valibot';

/** An object that is no list: valibot's own object takes lists too, and its record drops keys such as `__proto__` silently. */
export const plainObject = v.custom<Readonly<Record<string, unknown>>>(
  value => typeof value === 'object' && value !== null && !Array.isArray(value),
  'not an object',
);
