import { INVALID, type Nasty, nasty, type Verb, type World } from './nasty.ts';
import { ipamVerbs } from './nasty-ipam.ts';
import { networkVerbs } from './nasty-network.ts';
import { anyJson, notJson, Raw, type Value, wrong } from './nasty-values.ts';

const verbs: Readonly<Record<string, Verb>> = { ...networkVerbs, ...ipamVerbs };

/** The verbs that read no body. */
const bodiless = [
  ...['Plugin.Activate', 'NetworkDriver.GetCapabilities', 'IpamDriver.GetCapabilities'],
  ...['IpamDriver.GetDefaultAddressSpaces', 'NetworkDriver.FreeNetwork'],
  ...['NetworkDriver.DiscoverNew', 'NetworkDriver.DiscoverDelete'],
];

/** All nasty requests, by verb. */
export const nastyByVerb: ReadonlyMap<string, readonly Nasty[]> = new Map([
  ...bodiless.map(verb => [verb, [...noJson(), ...anyJson.map(([what, value]) => nasty(what, () => value))]] as const),
  ...Object.entries(verbs).map(
    ([verb, spec]) => [verb, [...noJson(), ...whole(spec), ...mutations(spec), ...(spec.meanings ?? [])]] as const,
  ),
]);

/** A body that would be answered well, for those that come by a wrong method or in a wrong frame. */
export const goodBody = (verb: string, world: World): object => verbs[verb]?.good(world) ?? {};

function noJson(): Nasty[] {
  return [
    ...notJson.map(([what, value]) => nasty(`no JSON: ${what.slice(0, 30)}`, () => value, 'BODY_NOT_JSON')),
    nasty('a byte more than a mebibyte', () => new Raw(`"${'a'.repeat((1 << 20) - 1)}"`), 'BODY_TOO_LARGE'),
  ];
}

function whole({ good, required }: Verb): Nasty[] {
  const wrapped = (world: World) => JSON.stringify(good(world));
  return [
    ...[[], [{}], 'a', 7, true, false].map(value => nasty(`the body ${JSON.stringify(value)}`, () => value, INVALID)),
    nasty('the body in a list', world => [good(world)], INVALID),
    nasty('the body as a text', wrapped, INVALID),
    nasty('half of the body', world => new Raw(wrapped(world).slice(0, -1)), 'BODY_NOT_JSON'),
    nasty('the body twice', world => new Raw(wrapped(world).repeat(2)), 'BODY_NOT_JSON'),
    nasty('the body in UTF-16', world => new Raw([...wrapped(world)].join('\u0000')), 'BODY_NOT_JSON'),
    ...(required.length === 0
      ? []
      : [
          nasty('null', () => null, INVALID),
          nasty('no body', () => new Raw(''), 'DOCKER_BODY_MISSING'),
          nasty('the body as a prototype', world => new Raw(`{"__proto__":${wrapped(world)}}`), INVALID),
          nasty(
            'the body of a constructor',
            world => new Raw(`{"constructor":{"prototype":${wrapped(world)}}}`),
            INVALID,
          ),
        ]),
    ...required.map(field => nasty(`no ${field}`, world => without(good(world), field), INVALID)),
  ];
}

function mutations({ good, fields }: Verb): Nasty[] {
  return Object.entries(fields).flatMap(([path, kind]) =>
    (wrong[kind] as readonly Value[]).map(([what, value]) =>
      nasty(`${path.replaceAll('~', '.')}: ${what}`, world => replaced(good(world), path.split('.'), value), INVALID),
    ),
  );
}

function without(body: object, field: string): object {
  return Object.fromEntries(Object.entries(body).filter(([name]) => name !== field));
}

/** A copy with another value at the path; `~` in a step stands for a dot. */
function replaced(body: unknown, [step = '', ...rest]: readonly string[], value: unknown): unknown {
  const key = step.replaceAll('~', '.');
  const part = rest.length === 0 ? value : replaced(Reflect.get(Object(body), key), rest, value);
  if (Array.isArray(body)) return body.map((entry, index) => (String(index) === key ? part : entry));
  return { ...Object(body), [key]: part };
}
