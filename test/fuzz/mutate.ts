import fc from 'fast-check';

/** JSON as it is parsed. */
export type Json = unknown;

/** One change of a JSON value: where, counted over all its places, and what stands there afterwards. */
export interface Change {
  readonly at: number;
  readonly how: 'remove' | 'replace' | 'swap' | 'repeat' | 'wrap' | 'deepen';
  readonly odd: Json;
}

/** Values that programs stumble over: wrong types, edges of numbers, names with a meaning, paths, control characters. */
const odd: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    ...[null, true, false, 0, -1, 1, 1.5, 2 ** 53, -(2 ** 53), 1e308, 65_536, '', ' ', 'a', [], {}, [[]], [{}], [null]],
    ...['__proto__', 'constructor', 'toString', '../../etc/passwd', '%2e%2e%2f', '/', '.', '-', '--help', '$(id)'],
    ...['\u0000', '\u001b[2J', '\r\nX-Injected: a', '\u202e', '\ud800', '\u{1f4a9}', 'NaN', 'null', '1e999'],
    ...['0.0.0.0', '0.0.0.0/0', '::/0', '::', '10.30.0.11', '10.30.0.1', '10.30.0.5/33', '10.99.0.9', '127.0.0.1'],
    ...['fe80::1%eth0', '::ffff:10.30.0.5', 'ff02::1', '224.0.0.1', '255.255.255.255', '00:00:00:00:00:00'],
    ...['slaac', '2026-02-31T25:61:00Z', '9999-12-31T23:59:59Z', 'a'.repeat(65), 'a'.repeat(20_000), '9'.repeat(400)],
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

export const changes: fc.Arbitrary<readonly Change[]> = fc.array(
  fc.record({
    at: fc.nat(10_000),
    how: fc.constantFrom('remove', 'replace', 'replace', 'swap', 'repeat', 'wrap', 'deepen'),
    odd,
  }),
  { minLength: 1, maxLength: 3 },
);

/** The value with the changes made one after another. */
export function changed(value: Json, list: readonly Change[]): Json {
  return list.reduce((before: Json, change) => {
    const places = placesOf(before);
    const place = places[change.at % places.length] ?? [];
    return at(before, place, found => put(found, change, before));
  }, value);
}

type Place = readonly (string | number)[];

const REMOVED = Symbol('removed');

function put(found: Json, { how, odd: value, at: n }: Change, whole: Json): Json {
  switch (how) {
    case 'remove':
      return REMOVED;
    case 'replace':
      return value;
    case 'wrap':
      return n % 2 === 0 ? [found] : { value: found };
    case 'deepen':
      return deep(found, n % 2 === 0 ? 10 : 1_000);
    case 'repeat':
      return Array.isArray(found) ? Array.from({ length: 50 }, () => found).flat() : String(found).repeat(30);
    case 'swap': {
      const places = placesOf(whole);
      return places[(n * 7 + 3) % places.length]?.reduce((part: Json, key) => Reflect.get(Object(part), key), whole);
    }
  }
}

/** All places in the value, the whole first. Deeper than anything that is sent on purpose it is not looked into. */
function placesOf(value: Json, above: Place = []): Place[] {
  if (typeof value !== 'object' || value === null || above.length > 12) return [above];
  const keys = Array.isArray(value) ? value.slice(0, 50).keys() : Object.keys(value);
  return [above, ...[...keys].flatMap(key => placesOf(Reflect.get(value, key), [...above, key]))];
}

function at(value: Json, [key, ...rest]: Place, change: (found: Json) => Json): Json {
  if (key === undefined) {
    const whole = change(value);
    return whole === REMOVED ? null : whole;
  }
  const part = rest.length === 0 ? change(Reflect.get(Object(value), key)) : undefined;
  const next = rest.length === 0 ? part : at(Reflect.get(Object(value), key), rest, change);
  if (Array.isArray(value))
    return value.flatMap((entry, index) => (index !== key ? [entry] : next === REMOVED ? [] : [next]));
  const entries = Object.entries(Object(value)).flatMap(([name, entry]) =>
    name !== key ? [[name, entry]] : next === REMOVED ? [] : [[name, next]],
  );
  return Object.fromEntries(entries as [string, Json][]);
}

function deep(found: Json, levels: number): Json {
  let value = found;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}
