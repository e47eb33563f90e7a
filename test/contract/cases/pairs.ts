/** Allowed address pairs: stored to the letter, limited, and only with port security. */
import assert from 'node:assert/strict';
import { badNewPort, badPort, refusals } from '../refusals.ts';
import { type Case, refused, status } from '../trial.ts';

interface Pair {
  readonly ip_address: string;
  readonly mac_address?: string;
}

const sorted = (pairs: readonly Pair[]) => pairs.map(pair => `${pair.ip_address} ${pair.mac_address}`).sort();

/** `{ip_address}` of each. */
const of = (...addresses: readonly string[]): Pair[] => addresses.map(ip_address => ({ ip_address }));

const bad = 'HTTPBadRequest';
const needed = 'Port Security must be enabled in order to have allowed address pairs on a port.';
const groupsNeed = 'Port security must be enabled and port must have an IP address in order to use security groups.';
const full = 'The number of allowed address pair exceeds the maximum 10.';
const off = { port_security_enabled: false, security_groups: [] };

export const pairs: readonly Case[] = [
  {
    name: "a pair without a MAC gets the port's",
    run: async t => {
      const port = await t.bare();
      const answer = await t.put(port, { allowed_address_pairs: of('10.60.0.50') });
      status(answer, 200);
      const expected = [{ mac_address: port.mac_address, ip_address: '10.60.0.50' }];
      assert.deepEqual(answer.body.port.allowed_address_pairs, expected);
      assert.deepEqual((await t.get(`/ports/${port.id}`)).port.allowed_address_pairs, expected);
    },
  },
  {
    name: 'pairs are stored to the letter: prefixes, host bits, capitals, MACs',
    run: async t => {
      const port = await t.bare();
      const allowed_address_pairs = [
        ...of('10.60.0.50/32', '10.244.1.7/24', 'FD20::50', 'fd20:0:0:0:0:0:0:50', 'fd20::/64', '10.60.0.50'),
        { ip_address: '0.0.0.0/0', mac_address: 'FA:16:3E:00:00:98' },
        { ip_address: '10.60.0.50', mac_address: 'fa-16-3e-00-00-99' },
      ];
      status(await t.put(port, { allowed_address_pairs }), 200);
      const { port: shown } = await t.get(`/ports/${port.id}`);
      const { mac_address } = port;
      assert.deepEqual(
        sorted(shown.allowed_address_pairs),
        sorted(allowed_address_pairs.map(pair => ({ mac_address, ...pair }))),
      );
    },
  },
  {
    name: 'a write replaces the whole list',
    run: async t => {
      const port = await t.bare({ allowed_address_pairs: of('10.60.0.50', '10.60.0.51') });
      const answer = await t.put(port, { allowed_address_pairs: of('10.60.0.51', '10.60.0.52') });
      const { mac_address } = port;
      const expected = sorted(of('10.60.0.51', '10.60.0.52').map(pair => ({ mac_address, ...pair })));
      assert.deepEqual(sorted(answer.body.port.allowed_address_pairs), expected);
      assert.deepEqual(sorted((await t.get(`/ports/${port.id}`)).port.allowed_address_pairs), expected);
    },
  },
  {
    name: 'other changes of the port leave its pairs alone',
    run: async t => {
      const port = await t.bare({ allowed_address_pairs: of('10.60.0.50') });
      status(await t.put(port, { name: 'x', admin_state_up: false }), 200);
      const { port: shown } = await t.get(`/ports/${port.id}`);
      assert.deepEqual(shown.allowed_address_pairs, port.allowed_address_pairs);
    },
  },
  {
    name: 'a list that is none takes all pairs away',
    run: async t => {
      for (const none of [[], null]) {
        const port = await t.bare({ allowed_address_pairs: of('10.60.0.50') });
        const answer = await t.put(port, { allowed_address_pairs: none });
        status(answer, 200);
        assert.deepEqual(answer.body.port.allowed_address_pairs, []);
      }
    },
  },
  {
    name: "the port's own address and one that another port holds may be pairs",
    run: async t => {
      const port = await t.port(t.bed.network.id, { fixed_ips: [{ ip_address: '10.60.0.60' }] });
      const answer = await t.put(port, { allowed_address_pairs: of('10.60.0.60', '10.60.0.11') });
      status(answer, 200);
      assert.equal(answer.body.port.allowed_address_pairs.length, 2);
    },
  },
  {
    name: 'ten pairs stand, eleven are refused and change nothing',
    run: async t => {
      const ten = Array.from({ length: 10 }, (_, index) => `10.60.1.${index}`);
      const port = await t.bare({ allowed_address_pairs: of(...ten) });
      assert.equal(port.allowed_address_pairs.length, 10);
      const eleven = of(...ten.slice(1), '10.60.1.90', '10.60.1.91');
      refused(await t.put(port, { allowed_address_pairs: eleven }), 400, 'AllowedAddressPairExhausted', full);
      assert.deepEqual(
        sorted((await t.get(`/ports/${port.id}`)).port.allowed_address_pairs),
        sorted(port.allowed_address_pairs),
      );
    },
  },
  {
    name: 'the limit can be asked for where port security is off',
    run: async t => {
      const port = await t.bare(off);
      const allowed_address_pairs = Array.from({ length: 2000 }, () => ({}));
      refused(await t.put(port, { allowed_address_pairs }), 400, 'AllowedAddressPairExhausted', full);
    },
  },
  {
    name: 'the right to write pairs can be asked for: 412 and nothing changed',
    run: async t => {
      const port = await t.bare({ allowed_address_pairs: of('10.60.0.50') });
      const body = { allowed_address_pairs: of('10.60.0.50', '10.60.0.70') };
      const answer = await t.put(port, body, { headers: { 'if-match': 'revision_number=0' } });
      const message = `Constrained to 0, but current revision is ${port.revision_number}`;
      refused(answer, 412, 'RevisionNumberConstraintFailed', message);
      assert.deepEqual((await t.get(`/ports/${port.id}`)).port, port);
    },
  },
  {
    name: "on another project's network pairs are forbidden, before any revision is looked at",
    run: async t => {
      const port = await t.port(t.bed.shared.network.id, {}, 'demo2');
      const rule =
        '(rule:update_port and (rule:update_port:allowed_address_pairs and (rule:update_port:allowed_address_pairs:ip_address)))';
      const asking = { user: 'demo2', headers: { 'if-match': 'revision_number=0' } } as const;
      const answer = await t.put(port, { allowed_address_pairs: of('10.60.0.50') }, asking);
      refused(answer, 403, 'PolicyNotAuthorized', `${rule} is disallowed by policy`);
    },
  },
  {
    name: 'without port security there are no pairs, old or new',
    run: async t => {
      const port = await t.bare(off);
      const answer = await t.put(port, { allowed_address_pairs: of('10.60.0.50') });
      refused(answer, 409, 'AddressPairAndPortSecurityRequired', needed);
      status(await t.put(port, { allowed_address_pairs: [] }), 200);
      const both = { port_security_enabled: true, allowed_address_pairs: of('10.60.0.50') };
      status(await t.put(port, both), 200);
    },
  },
  {
    name: 'port security stays on while pairs or groups stand',
    run: async t => {
      const grouped = await t.port(t.bed.network.id, { fixed_ips: [{ ip_address: '10.60.0.61' }] });
      const message =
        'Port has security group associated. Cannot disable port security or IP address until security group is removed.';
      const answer = await t.put(grouped, { port_security_enabled: false });
      refused(answer, 409, 'PortSecurityPortHasSecurityGroup', message);
      const paired = await t.bare({ security_groups: [], allowed_address_pairs: of('10.60.0.50') });
      const both = await t.put(paired, { port_security_enabled: false });
      refused(both, 409, 'AddressPairAndPortSecurityRequired', needed);
      status(await t.put(paired, { port_security_enabled: false, allowed_address_pairs: [] }), 200);
    },
  },
  {
    name: 'without port security there are no groups',
    run: async t => {
      const port = await t.port(t.bed.network.id, { ...off, fixed_ips: [{ ip_address: '10.60.0.62' }] });
      assert.deepEqual(port.security_groups, []);
      const answer = await t.put(port, { security_groups: [t.bed.group.id] });
      refused(answer, 400, 'PortSecurityAndIPRequiredForSecurityGroups', groupsNeed);
      const both = { port_security_enabled: true, security_groups: [t.bed.group.id] };
      status(await t.put(port, both), 200);
    },
  },
  ...refusals({
    'a pair twice is refused': badPort(
      { allowed_address_pairs: of('10.60.0.50', '10.60.0.50') },
      'Request contains duplicate address pair: mac_address None ip_address 10.60.0.50.',
      'DuplicateAddressPairInRequest',
    ),
    "a pair twice, once with the port's MAC, is refused": ({ port }) => ({
      ask: [
        'PUT',
        `/ports/${port.id}`,
        {
          port: {
            allowed_address_pairs: [...of('10.60.0.50'), { ip_address: '10.60.0.50', mac_address: port.mac_address }],
          },
        },
      ],
      answer: [
        400,
        'DuplicateAddressPairInRequest',
        `Request contains duplicate address pair: mac_address ${port.mac_address} ip_address 10.60.0.50.`,
      ],
    }),
    'a pair has an address': badPort(
      { allowed_address_pairs: [{}] },
      'AllowedAddressPair must contain ip_address',
      'AllowedAddressPairsMissingIP',
    ),
    'a MAC alone is no pair': badPort(
      { allowed_address_pairs: [{ mac_address: 'fa:16:3e:00:00:01' }] },
      'AllowedAddressPair must contain ip_address',
      'AllowedAddressPairsMissingIP',
    ),
    "a pair's address is an address": badPort({ allowed_address_pairs: of('x') }, "'x' is not a valid IP address"),
    "a pair's MAC is a MAC": badPort(
      { allowed_address_pairs: [{ ip_address: '10.60.0.50', mac_address: 'zz' }] },
      "'zz' is not a valid MAC address",
    ),
    'a pair has no other fields': badPort(
      { allowed_address_pairs: [{ ip_address: '10.60.0.50', extra: 1 }] },
      "Unrecognized attribute(s) 'extra'",
    ),
    'pairs are a list': badPort({ allowed_address_pairs: 'x' }, 'Allowed address pairs must be a list.'),
    'a pair is an object': badPort(
      { allowed_address_pairs: ['x'] },
      "Invalid input for allowed_address_pairs. Reason: 'x' is not a dictionary.",
      bad,
    ),
    'eleven pairs are refused, whatever is in them': badPort(
      { allowed_address_pairs: Array.from({ length: 11 }, () => ({})) },
      full,
      'AllowedAddressPairExhausted',
    ),
    'eleven pairs are refused at creation': badNewPort(
      { allowed_address_pairs: of(...Array.from({ length: 11 }, (_, index) => `10.60.1.${index}`)) },
      full,
      'AllowedAddressPairExhausted',
    ),
    'a pair that is no address is a fault of the server': badPort(
      { allowed_address_pairs: [{ ip_address: null }] },
      'Request Failed: internal server error while processing your request.',
      'HTTPInternalServerError',
      500,
    ),
    'pairs without port security are refused at creation': badNewPort(
      { port_security_enabled: false, allowed_address_pairs: of('10.60.0.50') },
      needed,
      'AddressPairAndPortSecurityRequired',
      409,
    ),
    'groups without port security are refused at creation': ({ network, group }) => ({
      ask: [
        'POST',
        '/ports',
        { port: { network_id: network.id, port_security_enabled: false, security_groups: [group.id] } },
      ],
      answer: [400, 'PortSecurityAndIPRequiredForSecurityGroups', groupsNeed],
    }),
  }),
];
