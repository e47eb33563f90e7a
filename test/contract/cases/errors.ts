/** What a request that is wrong in itself is told. */
import assert from 'node:assert/strict';
import { badNewPort, badPort, NO_ID, raw, refusals } from '../refusals.ts';
import { type Case, status } from '../trial.ts';

const bad = (message: string) => [400, 'HTTPBadRequest', message] as const;
const invalid = 'Body contains invalid data';
const id = 'ffffffff-0000-4000-8000-000000000001';
const otherProject =
  "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin or advsvc privileges";

export const errors: readonly Case[] = [
  ...refusals({
    'a body that is no JSON is refused': ({ port }) => ({
      ask: ['PUT', `/ports/${port.id}`, raw('{"port":')],
      answer: bad(invalid),
    }),
    'a body that is no JSON is refused at creation': () => ({
      ask: ['POST', '/ports', raw('nothing')],
      answer: bad(invalid),
    }),
    'a body that is a list is refused': ({ port }) => ({ ask: ['PUT', `/ports/${port.id}`, []], answer: bad(invalid) }),
    'a body without the resource is refused': ({ port }) => ({
      ask: ['PUT', `/ports/${port.id}`, {}],
      answer: bad("Unable to find 'port' in request body"),
    }),
    'a body without the resource is refused at creation': () => ({
      ask: ['POST', '/networks', {}],
      answer: bad("Unable to find 'network' in request body"),
    }),
    'a resource that is a list is refused': ({ port }) => ({
      ask: ['PUT', `/ports/${port.id}`, { port: [] }],
      answer: bad("Object 'port' contains invalid data"),
    }),
    'an update of several at once is refused': ({ port }) => ({
      ask: ['PUT', `/ports/${port.id}`, { ports: {} }],
      answer: bad('Bulk operation not supported'),
    }),
    'an attribute that is lacking is named': () => ({
      ask: ['POST', '/ports', { port: {} }],
      answer: bad("Failed to parse request. Required attribute 'network_id' not specified"),
    }),
    'an unknown attribute is named at creation': badNewPort({ nonsense: 1 }, "Unrecognized attribute(s) 'nonsense'"),
    'an unknown attribute is named at an update': badPort({ nonsense: 1 }, "Unrecognized attribute(s) 'nonsense'"),
    'an unknown attribute of a network is named': ({ network }) => ({
      ask: ['PUT', `/networks/${network.id}`, { network: { nonsense: 1 } }],
      answer: bad("Unrecognized attribute(s) 'nonsense'"),
    }),
    'a word is no boolean': badNewPort(
      { admin_state_up: 'maybe' },
      "Invalid input for operation: 'maybe' cannot be converted to boolean.",
      'InvalidInput',
    ),
    'a number is no name': badNewPort({ name: 5 }, "Invalid input for name. Reason: '5' is not a valid string."),
    'a name has an end': badNewPort(
      { name: 'x'.repeat(256) },
      `Invalid input for name. Reason: '${'x'.repeat(256)}' exceeds maximum length of 255.`,
    ),
    'a network id is a UUID': () => ({
      ask: ['POST', '/ports', { port: { network_id: 'x' } }],
      answer: bad("Invalid input for network_id. Reason: 'x' is not a valid UUID."),
    }),
    'a MAC is a MAC': badNewPort(
      { mac_address: 'zz' },
      "Invalid input for mac_address. Reason: 'zz' is not a valid MAC address.",
    ),
    'fixed_ips is a list': badNewPort(
      { fixed_ips: 'x' },
      "Invalid input for fixed_ips. Reason: Invalid data format for fixed IP: 'x'.",
    ),
    'a fixed IP is an address': badNewPort(
      { fixed_ips: [{ ip_address: 'foo' }] },
      "Invalid input for fixed_ips. Reason: 'foo' is not a valid IP address.",
    ),
    "a fixed IP's subnet is a UUID": badNewPort(
      { fixed_ips: [{ subnet_id: 'x' }] },
      "Invalid input for fixed_ips. Reason: 'x' is not a valid UUID.",
    ),
    'a fixed IP has an address or a subnet': badNewPort(
      { fixed_ips: [{ x: 1 }] },
      'Invalid input for operation: IP allocation requires subnet_id or ip_address.',
      'InvalidInput',
    ),
    'a vNIC type is one of a list': badPort(
      { 'binding:vnic_type': 'bogus' },
      'Invalid input for binding:vnic_type. Reason: bogus is not in valid_values.',
    ),
    ...Object.fromEntries(
      ['id', 'status', 'network_id', 'tags', 'revision_number', 'created_at'].map(name => [
        `${name} of a port is read-only`,
        badPort({ [name]: name === 'tags' ? ['a'] : 'x' }, `Cannot update read-only attribute ${name}`),
      ]),
    ),
    'a port comes without a status': badNewPort({ status: 'ACTIVE' }, "Attribute 'status' not allowed in POST"),
    'a port comes without an id': badNewPort({ id }, "Attribute 'id' not allowed in POST"),
    'a port of another project is refused': badNewPort({ tenant_id: 'zzz' }, otherProject),
    'a port cannot be given away': badPort({ tenant_id: 'x' }, otherProject),
    'a port that is not there is named': () => ({
      ask: ['GET', `/ports/${NO_ID}`],
      answer: [404, 'PortNotFound', `Port ${NO_ID} could not be found.`],
    }),
    'a port that is not there is not updated': () => ({
      ask: ['PUT', `/ports/${NO_ID}`, { port: { name: 'x' } }],
      answer: [404, 'PortNotFound', `Port ${NO_ID} could not be found.`],
    }),
    'a port that is not there is not deleted': () => ({
      ask: ['DELETE', `/ports/${NO_ID}`],
      answer: [404, 'PortNotFound', `Port ${NO_ID} could not be found.`],
    }),
    'an id of a port may be any text': () => ({
      ask: ['GET', '/ports/zzz'],
      answer: [404, 'PortNotFound', 'Port zzz could not be found.'],
    }),
    'a network that is not there is named': () => ({
      ask: ['GET', `/networks/${NO_ID}`],
      answer: [404, 'NetworkNotFound', `Network ${NO_ID} could not be found.`],
    }),
    'a subnet that is not there is named': () => ({
      ask: ['GET', `/subnets/${NO_ID}`],
      answer: [404, 'SubnetNotFound', `Subnet ${NO_ID} could not be found.`],
    }),
    'a security group that is not there is named': () => ({
      ask: ['GET', `/security-groups/${NO_ID}`],
      answer: [404, 'SecurityGroupNotFound', `Security group ${NO_ID} does not exist`],
    }),
    'a trunk that is not there is named': () => ({
      ask: ['GET', `/trunks/${NO_ID}`],
      answer: [404, 'TrunkNotFound', `Trunk ${NO_ID} could not be found.`],
    }),
    'a subnet pool that is not there is named': () => ({
      ask: ['GET', `/subnetpools/${NO_ID}`],
      answer: [404, 'SubnetPoolNotFound', `Subnet pool ${NO_ID} could not be found.`],
    }),
    'a port on a network that is not there is refused': () => ({
      ask: ['POST', '/ports', { port: { network_id: NO_ID } }],
      answer: [404, 'NetworkNotFound', `Network ${NO_ID} could not be found.`],
    }),
    'a port on a subnet that is not there is refused': badNewPort(
      { fixed_ips: [{ subnet_id: NO_ID }] },
      `Subnet ${NO_ID} could not be found.`,
      'SubnetNotFound',
      404,
    ),
    'a security group that is not there is refused': badNewPort(
      { security_groups: [NO_ID] },
      `Security group ${NO_ID} does not exist`,
      'SecurityGroupNotFound',
      404,
    ),
    'an unknown collection is not found': () => ({
      ask: ['GET', '/nonsense'],
      answer: [404, 'HTTPNotFound', 'The resource could not be found.'],
    }),
    'a collection cannot be deleted': () => ({
      ask: ['DELETE', '/ports'],
      answer: [404, 'PortNotFound', 'Port None could not be found.'],
    }),
    'the version without its slash is not found': () => ({
      ask: ['GET', '//v2.0'],
      answer: [404, 'HTTPNotFound', 'The resource could not be found.'],
    }),
    'a method that there is not is refused': ({ port }) => ({
      ask: ['PATCH', `/ports/${port.id}`, { port: {} }],
      answer: [
        405,
        'HTTPMethodNotAllowed',
        'The server could not comply with the request since it is either malformed or otherwise incorrect.',
      ],
    }),
  }),
  {
    name: 'words are booleans where they mean one',
    run: async t => {
      const port = await t.bare({ admin_state_up: 'False' });
      assert.equal(port.admin_state_up, false);
      const answer = await t.put(port, { admin_state_up: 1 });
      status(answer, 200);
      assert.equal(answer.body.port.admin_state_up, true);
    },
  },
];
