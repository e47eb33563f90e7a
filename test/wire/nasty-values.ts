/** A body that goes onto the wire as it stands, where JSON.stringify would not write it. */
export class Raw {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A wrong value and what is wrong with it. */
export type Value = readonly [what: string, value: unknown];

const named = (...values: readonly unknown[]): Value[] =>
  values.map(value => [JSON.stringify(value).slice(0, 40), value]);

const deep = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

/** What stands where a text belongs. */
const noText: readonly Value[] = [
  ...named(null, 7, -1, 1e308, true, [], {}, ['a'], { toString: 'a' }),
  ['a thousand levels of lists', deep(1000)],
];

const id: readonly Value[] = [
  ...noText,
  ...named(
    '',
    ' ',
    '../../../etc/passwd',
    '..',
    '/',
    'a/b',
    'a\u0000b',
    '\u0000',
    'a\n',
    ' a',
    'A',
    '__proto__',
    '%2e%2e',
  ),
  ['65 characters', 'a'.repeat(65)],
  ['a hundred thousand characters', 'a'.repeat(100_000)],
  ['right to left', '\u202eabc'],
  ['half of a surrogate pair', '\ud800'],
  ['digits of another script', '\u0661\u0662'],
  ['wide letters', '\uff41\uff42'],
  ['an emoji', '\u{1f4a9}'],
  ['a zero-width joiner', 'a\u200db'],
];

const address: readonly Value[] = [
  ...noText,
  ...named(
    '10.30.0',
    '10.30.0.256',
    '010.30.0.5',
    '0x0a.30.0.5',
    '10.30.0.5/24',
    '10.30.0.5 ',
    '10.30.0.-5',
    '169090600',
  ),
  ...named('fe80::1%eth0', 'fd30:::5', 'fd30::g', '::ffff:10.30.0.256', 'localhost', 'NaN', '1e3', '10.30.0.5\u0000'),
  ['digits of another script', '\u0661\u0660.30.0.5'],
  ['a hundred thousand dots', '.'.repeat(100_000)],
];

const cidr: readonly Value[] = [
  ...noText,
  ...named('10.30.0.0', '10.30.0.0/', '/24', '10.30.0.0/33', '10.30.0.0/-1', '10.30.0.0/24/8', '10.30.0.0/ 24'),
  ...named('10.30.0.0/255.255.255.0', '10.30.0/24', 'fd30::/129', 'fd30::/64%eth0', '10.30.0.0/NaN', '10.30.0.0/1e1'),
  ...named('10.30.0.0/24\u0000', '10.30.0.0\u2215 24', 'x/24', '10.30.0.0/0x18'),
  ['a prefix of another script', '10.30.0.0/\u0662\u0664'],
  ['a hundred thousand slashes', '/'.repeat(100_000)],
];

/** Wrong values of each kind of field; all of them are refused as not what Docker sends. */
export const wrong = {
  id,
  poolId: id,
  address,
  cidr,
  cidr4: [...cidr, ...named('fd30::5/64', '::ffff:10.30.0.5/120')],
  cidr6: [...cidr, ...named('10.30.0.5/24')],
  mac: [
    ...noText,
    ...named('02', '02:42:0a:33:00', '02:42:0a:33:00:4g', '02-42-0a-33-00-4d', '02:42:0a:33:00:4d:5e', '02420a33004d'),
  ],
  text: noText,
  boolean: named(null, 0, 1, 'true', '', [], {}),
  object: named(7, 'a', true, [], ['a'], [{}]),
  list: [
    ...named(7, 'a', true, {}, [7], [null], ['10.30.0.0/24'], [[]], [{ Pool: 7 }], [{ Pool: 'a' }], [{ Pool: null }]),
    ...named([{ Gateway: '10.30.0.1' }], [{ AddressSpace: 7 }]),
    ['65 entries', Array.from({ length: 65 }, () => ({ Pool: '10.30.0.0/24' }))],
  ],
  sandbox: [
    ...noText,
    ...named('', 'netns/a', './netns/a', '/var/run/docker/netns/../netns/a', '/var/run/docker/netns/..', '/../netns/a'),
    ...named('//var/run/docker/netns/a', '/var//netns/a', '/var/run/docker/netns/a/', '/netns/.', '/netns/a\u0000b'),
    ...named('/proc/1/ns/net', '/proc/self/ns/net', '/proc/self/fd/3', '/dev/sda', '/etc/shadow', '/', '/netns'),
    ...named(
      '/netns/a b',
      '/netns/a\n',
      '/netns/$(id)',
      '/netns/a;b',
      '/netns/%2e%2e',
      '\\netns\\a',
      'file:///netns/a',
    ),
    ['5000 characters', `/netns/${'a'.repeat(5000)}`],
    ['2000 levels', `${'/a'.repeat(2000)}/netns/a`],
    ['right to left', '/netns/\u202ea'],
    ['half of a surrogate pair', '/netns/\udfff'],
  ],
} as const satisfies Record<string, readonly Value[]>;

export type Kind = keyof typeof wrong;

/** Bodies that are no JSON. */
export const notJson: readonly Value[] = [
  ...[
    '{',
    '}',
    '[1,]',
    "{'a':1}",
    '{"a":}',
    '{}{}',
    '// a',
    'NaN',
    'undefined',
    '\u0000',
    '{"a":"\u0001"}',
    '<a/>',
    '-',
  ].map((text): Value => [text, new Raw(text)]),
  ['ten thousand open lists', new Raw('['.repeat(10_000))],
];

/** JSON of all sorts, for what reads no body. */
export const anyJson: readonly Value[] = [
  ...named(null, true, 0, -1, 1e308, '', 'a', [], {}, [[]], [{}], { Err: 'a' }, { Error: 'a' }, { Options: 7 }),
  ...named({ NetworkID: '../..' }, { DiscoveryType: -1, DiscoveryData: [] }, { Options: { a: { b: 'c' } } }),
  ...named('\u0000', '\u202e', '\ud800', { '\u0000': '\ud800' }),
  ['a key __proto__', new Raw('{"__proto__":{"polluted":true}}')],
  ['a key constructor', new Raw('{"constructor":{"prototype":{"polluted":true}}}')],
  ['a number beyond all', new Raw('1e999')],
  ['a thousand levels of lists', deep(1000)],
];
