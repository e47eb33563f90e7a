import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readConfig } from '../../src/config/read-config.ts';
import { loadCloudConfig } from '../../src/openstack/clouds-yaml.ts';
import { assertRefusal } from './answers.ts';
import { onlyFile } from './only-file.ts';
import { noBed, target } from './target.ts';

const PASSWORD = 'pa55-of-the-user';
/** What each YAML parser has its own thoughts about. */
const pieces = [
  ...[
    '\n',
    ' ',
    '  ',
    '\t',
    ':',
    ': ',
    '-',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ',',
    '#',
    '|',
    '>',
    '"',
    "'",
    '&a ',
    '*a',
    '<<: ',
    '!!x ',
  ],
  ...[
    '? ',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '!!binary ',
    '!!set ',
    '\u0000',
    '\ufeff',
    '\u2028',
    'null',
    '~',
    '1e999',
    '0x1f',
  ],
  ...['__proto__', 'constructor', 'clouds', 'auth', 'regions', 'profile', 'password', 'mode', 'link', 'wait-seconds'],
  ...['&a [*a, *a, *a, *a, *a, *a, *a, *a]', `${'['.repeat(4_000)}`, `${'{a: '.repeat(3_000)}`, '&a {b: *a}'],
];

interface Edit {
  readonly at: number;
  readonly drop: number;
  readonly piece: string;
}

const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record({ at: fc.nat(2_000), drop: fc.constantFrom(0, 0, 1, 5, 40), piece: fc.constantFrom('', ...pieces) }),
  { minLength: 1, maxLength: 4 },
);

/** The text with pieces put in, and parts of it left out. */
function edited(text: string, list: readonly Edit[]): string {
  return list.reduce((before, { at, drop, piece }) => {
    const place = at % (before.length + 1);
    return before.slice(0, place) + piece + before.slice(place + drop);
  }, text);
}

const clouds = `clouds:
  a: &base
    auth: {auth_url: 'https://keystone:5000/v3', username: demo, password: '${PASSWORD}', project_name: demo,
      user_domain_name: Default, project_domain_name: Default}
    regions:
      - name: R1
        values: {interface: internal}
      - R2
    verify: true
  b:
    <<: *base
    profile: vendor
    interface: [public, internal]
`;

export const cloudsYaml = target({
  name: 'a broken clouds.yaml is refused by a code that shows nothing of it, or read',
  runs: 60,
  open: noBed,
  inputs: () => fc.record({ edits, cloud: fc.constantFrom('a', 'b', '__proto__', 'constructor', undefined) }),
  async check(_, { edits: list, cloud }) {
    const text = edited(clouds, list);
    const readFile = onlyFile('/clouds.yaml', text);
    try {
      const config = await loadCloudConfig({ env: {}, cwd: '/', home: '/root', readFile }, cloud);
      assert.equal(JSON.stringify(config).includes(PASSWORD), false);
    } catch (error) {
      assertRefusal(error, /^CLOUD_(CONFIG_INVALID|UNKNOWN)$/);
      assert.equal(String(error).includes(PASSWORD), false);
    }
  },
});

const file = `# what is special here
cloud: mycloud
link: macvlan
mode: bridge
wait-seconds: 10
master: ens3
state-dir: /var/lib/kuryr
log-level: info
`;

export const configurationFile = target({
  name: 'a broken configuration file is refused by a code, or read',
  runs: 60,
  open: noBed,
  inputs: () => edits,
  async check(_, list) {
    const text = edited(file, list);
    try {
      await readConfig({ flags: {}, env: {}, readFile: async () => text });
    } catch (error) {
      assertRefusal(error, /^CONFIG_|^LINK_MODE_UNSUPPORTED$/);
    }
  },
});
