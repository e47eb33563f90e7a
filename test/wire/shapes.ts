import assert from 'node:assert/strict';
import { canonical, contains, parseCidr } from '../../src/address/address.ts';
import type { Body, Exchange } from './replay.ts';

/** Checks that an engine takes the answer for success, as libnetwork's remote drivers read it. */
export function assertTaken({ verb, sent, raw, answered }: Exchange): void {
  assert.equal(raw.status, 200, `${verb} ${JSON.stringify(sent)}: ${raw.body}`);
  assert.equal(answered['Err'] ?? '', '', verb);
  assert.equal(answered['Error'] ?? '', '', verb);
  shapes[verb]?.(answered, sent);
}

/** The code of a refusal, which an engine sees as one by its status and under the key of either driver. */
export function codeOf({ raw, answered }: Pick<Exchange, 'raw' | 'answered'>): string {
  assert.ok(raw.status >= 400, `answered ${raw.status} ${raw.body}`);
  assert.equal(typeof answered['Err'], 'string', raw.body);
  assert.equal(answered['Err'], answered['Error'], 'the key of the other driver is silently success');
  const code = /\[([A-Z][A-Z_]+)\]$/.exec(String(answered['Err']))?.[1];
  assert.ok(code !== undefined, `no code in ${raw.body}`);
  return code;
}

const shapes: Readonly<Record<string, (answer: Body, sent: Body) => void>> = {
  'Plugin.Activate': answer => assert.deepEqual(answer, { Implements: ['NetworkDriver', 'IpamDriver'] }),
  'NetworkDriver.GetCapabilities': answer => assert.equal(answer['Scope'], 'local'),
  'IpamDriver.GetCapabilities': answer => assert.equal(answer['RequiresMACAddress'], false),
  'IpamDriver.GetDefaultAddressSpaces': answer => {
    assert.equal(answer['LocalDefaultAddressSpace'], 'kuryr');
    assert.equal(answer['GlobalDefaultAddressSpace'], 'kuryr');
  },
  'IpamDriver.RequestPool': (answer, sent) => {
    assert.match(String(answer['PoolID']), /./);
    const range = parseCidr(String(answer['Pool']));
    assert.ok(range !== undefined, 'ParsePrefix fails on anything but a CIDR');
    assert.equal(range.address.includes(':'), sent['V6']);
    if (sent['Pool'] !== '') assert.equal(answer['Pool'], sent['Pool']);
  },
  'IpamDriver.RequestAddress': (answer, sent) => {
    const cidr = parseCidr(String(answer['Address']));
    assert.ok(cidr !== undefined && cidr.prefix > 0, 'an address without its mask is an "invalid CIDR address"');
    if (sent['Address'] !== '') assert.equal(cidr.address, sent['Address']);
  },
  'NetworkDriver.CreateEndpoint': (answer, sent) => {
    const given = (answer['Interface'] ?? {}) as Body;
    assert.equal(given['Address'] ?? '', '', '"driver modified interface address"');
    assert.equal(given['AddressIPv6'] ?? '', '');
    const asked = sent['Interface'] as Body;
    if (asked['MacAddress'] !== '') assert.equal(given['MacAddress'] ?? '', '');
  },
  'NetworkDriver.Join': answer => {
    const { SrcName, DstPrefix } = answer['InterfaceName'] as Body;
    assert.match(String(SrcName), /^[a-z0-9]{1,15}$/);
    assert.equal(DstPrefix, 'eth');
    for (const key of ['Gateway', 'GatewayIPv6'])
      if (answer[key] !== undefined) assert.ok(canonical(String(answer[key])) !== undefined, String(answer[key]));
    assert.equal(answer['DisableGatewayService'], true);
    assert.ok(Array.isArray(answer['StaticRoutes']));
  },
  'NetworkDriver.EndpointOperInfo': answer => assert.equal(typeof answer['Value'], 'object'),
};

/** Checks that Join's gateways are in ranges of the addresses that the endpoint has. */
export function assertGateways(answer: Body, cidrs: readonly string[]): void {
  for (const key of ['Gateway', 'GatewayIPv6'])
    if (answer[key] !== undefined) assert.ok(cidrs.some(cidr => contains(cidr, String(answer[key]))));
}
