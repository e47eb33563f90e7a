import fc from 'fast-check';
import { capture } from '../wire/captured.ts';
import type { World } from '../wire/nasty.ts';
import { Raw } from '../wire/nasty-values.ts';
import { assertDockerAnswer } from './answers.ts';
import { assertSound, livedIn } from './bed.ts';
import { hastyClock } from './hasty-clock.ts';
import { changed, changes } from './mutate.ts';
import { target } from './target.ts';

/** What engines were seen to send: a body each of every verb and set of keys. */
const seen = [
  ...new Map(
    ['docker-20.10', 'docker-28.5']
      .flatMap(name => capture(name).requests)
      .filter(({ body }) => body !== '')
      .map(
        ({ path, body }) => [`${path} ${body.replace(/[0-9a-f.:/]+"/g, '"')}`, { verb: path.slice(1), body }] as const,
      ),
  ).values(),
];

export interface Sent {
  readonly verb: string;
  /** As it goes onto the wire. */
  readonly text: string;
}

/** Bodies that engines send, of things that stand, with changes; now and then a key twice. */
export function bodiesOf(world: World): fc.Arbitrary<Sent> {
  return fc
    .record({
      template: fc.constantFrom(...seen),
      names: fc.nat(3),
      list: fc.oneof({ weight: 4, arbitrary: changes }, { weight: 1, arbitrary: fc.constant([]) }),
      twice: fc.option(
        fc.record({ key: fc.nat(20), value: fc.constantFrom('null', '{}', '"a"', '1e999', '-0', '[[]]') }),
      ),
    })
    .map(({ template, names, list, twice }) => {
      const body = changed(named(JSON.parse(template.body), world, names), list);
      const text = JSON.stringify(body);
      return { verb: template.verb, text: twice === null ? text : withKeyTwice(text, twice.key, twice.value) };
    });
}

/** The captured body, of pools, networks and endpoints that stand here. */
function named(body: unknown, world: World, variant: number): unknown {
  const { network, other, pool4, pool6, otherPool, freePool, endpoint, provisional, cidr4 } = world;
  const pick = (...of: readonly string[]) => of[variant % of.length];
  return JSON.parse(JSON.stringify(body), (key, part: unknown) => {
    if (key === 'PoolID') return pick(pool4, pool6, otherPool, freePool);
    if (key === 'NetworkID') return pick(network, other, 'd'.repeat(64));
    if (key === 'EndpointID') return pick(endpoint, 'e'.repeat(63), 'd'.repeat(64));
    if (key === 'Pool' && part !== '') return String(part).includes(':') ? 'fd30::/64' : '10.30.0.0/24';
    if (key === 'AddressIPv6') return '';
    if (key === 'Address' && part !== '') return String(part).includes('/') ? pick(provisional, cidr4) : '10.30.0.77';
    return part;
  });
}

function withKeyTwice(text: string, n: number, value: string): string {
  const keys = [...text.matchAll(/[{,]("\w+"):/g)];
  const key = keys[n % Math.max(1, keys.length)];
  if (key?.[1] === undefined) return text;
  const after = key.index + 1;
  return `${text.slice(0, after)}${key[1]}:${value},${text.slice(after)}`;
}

/** Whatever an engine sends is answered, and what came of it can be taken away as what comes of an ordinary day. */
export const dockerBodies = target({
  name: 'the plug-in answers what engines send, changed in any way, by success or a code, and all of it can be undone',
  runs: 120,
  open: () => livedIn(() => ({ clock: hastyClock })),
  inputs: ({ world }) => bodiesOf(world),
  async check({ engine }, { verb, text }) {
    const raw = await engine.ask(verb, new Raw(text));
    assertDockerAnswer(raw, `${verb} ${text.slice(0, 300)}`);
    await engine.serves();
  },
  finish: bed => assertSound(bed),
});
