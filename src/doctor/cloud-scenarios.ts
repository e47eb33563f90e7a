import { KuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';
import type { DoctorBench } from './doctor-bench.ts';
import { type Scenario, unreachable } from './vm-scenarios.ts';

const well: Scenario = () => {};
const refused = (code: ErrorCode): KuryrError => new KuryrError(code, { status: 400, requestId: 'req-1' });
const without =
  (...aliases: readonly string[]): Scenario =>
  ({ neutron }) => {
    for (const alias of aliases) neutron.aliases.delete(alias);
  };
const question =
  (code: ErrorCode): Scenario =>
  bench =>
    bench.refuseQuestion(refused(code));
const extensionsFail =
  (code: ErrorCode): Scenario =>
  ({ neutron }) =>
    void neutron.before('extensions', () => {
      throw refused(code);
    });
const portSecurityOff: Scenario = ({ neutron, vm }) => neutron.meddle(vm.id, { port_security_enabled: false });
const network =
  (fields: Parameters<DoctorBench['neutron']['addNetwork']>[0]): Scenario =>
  bench =>
    void bench.neutron.addNetwork({ ...bench.network, ...fields });
const subnet =
  (fields: Partial<DoctorBench['subnet']>): Scenario =>
  bench =>
    void bench.neutron.addSubnet({ ...bench.subnet, ...fields });
const ipv6 = (mode: 'slaac' | null): Scenario =>
  subnet({ id: 'v6', cidr: 'fd20::/64', ip_version: 6, gateway_ip: 'fd20::1', ipv6_address_mode: mode });
const macvlan: Scenario = ({ config }) => {
  config.link = { kind: 'macvlan', mode: 'bridge' };
};
const fill: Scenario = bench => {
  bench.neutron.pairLimit = 1;
  bench.pair({ ip_address: '10.0.0.21' });
};
const reserved: Scenario = bench => {
  const { name } = bench.reserve('10.0.0.21');
  bench.recorded = new Set([name]);
};
const all =
  (...scenarios: readonly Scenario[]): Scenario =>
  bench => {
    for (const scenario of scenarios) scenario(bench);
  };

export const cloudScenarios = {
  'credential/accepted': well,
  'credential/configuration': bench => {
    bench.cloudError = new KuryrError('CLOUD_CONFIG_MISSING', { files: ['clouds.yaml'] });
  },
  'credential/refused': bench => {
    bench.credentialError = refused('KEYSTONE_UNAUTHORIZED');
  },
  'credential/unreachable': bench => {
    bench.credentialError = unreachable;
  },
  'credential/unscoped': ({ credential }) => {
    credential.projectId = undefined;
  },
  'credential/admin': ({ credential }) => {
    credential.roles = ['member', 'admin'];
  },
  'credential/ends': ({ credential }) => Object.assign(credential, { kind: 'token', endsInMs: 60_000 }),
  'credential/password': ({ credential }) => {
    credential.kind = 'password';
  },
  'access-rules/enough': bench => bench.limitCredential([bench.vm.id]),
  'access-rules/none': well,
  'access-rules/missing': bench => bench.limitCredential([bench.vm.id], 'POST /v2.0/ports'),
  'access-rules/port': bench => bench.limitCredential(['another']),
  'neutron/answers': well,
  'neutron/unauthorized': extensionsFail('NEUTRON_UNAUTHORIZED'),
  'neutron/rule-missing': extensionsFail('ACCESS_RULE_MISSING'),
  'neutron/rules-unknown': extensionsFail('ACCESS_RULES_UNKNOWN'),
  'neutron/forbidden': extensionsFail('NEUTRON_FORBIDDEN'),
  'neutron/unreachable': extensionsFail('CLOUD_UNREACHABLE'),
  'neutron/refuses': extensionsFail('NEUTRON_FAILED'),
  'extensions/complete': ({ neutron }) => void neutron.aliases.add('tag-ports-during-bulk-creation'),
  'extensions/allowed-address-pairs': without('allowed-address-pairs'),
  'extensions/port-security': without('port-security'),
  'extensions/revision-if-match': without('revision-if-match'),
  'extensions/security-group': without('security-group'),
  'extensions/net-mtu': without('net-mtu'),
  'extensions/tags': well,
  'vm-port/found': well,
  'vm-port/unknown': ({ neutron, vm }) => neutron.meddle(vm.id, { mac_address: 'fa:16:3e:ff:ff:ff' }),
  'vm-port/ambiguous': ({ neutron, vm }) => {
    const other = neutron.addNetwork();
    neutron.addPort({ ...vm, id: 'other', network_id: other.id });
  },
  'vm-port/several-masters': bench => {
    bench.addNic({ name: 'ens4' });
    bench.kernel.addRoute('host', { destination: 'default', gateway: '10.9.0.1', ifindex: 2 });
    bench.neutron.addPort({
      ...{ network_id: bench.network.id, mac_address: 'fa:16:3e:aa:00:09' },
      fixed_ips: [{ subnet_id: bench.subnet.id, ip_address: '10.9.0.5' }],
    });
  },
  'network/own': well,
  'network/foreign': network({ project_id: 'another', shared: true }),
  'network/untold': network({ project_id: '' }),
  'network/port': ({ neutron, vm }) => neutron.meddle(vm.id, { project_id: 'another' }),
  'mtu/equal': well,
  'mtu/master-larger': bench => bench.changeMaster({ mtu: 1500 }),
  'mtu/master-smaller': bench => bench.changeMaster({ mtu: 1400 }),
  'mtu/untold': network({ mtu: undefined }),
  'mtu/slave-larger': bench => bench.addSlave({ kind: 'ipvlan', mode: 'l2', flag: 'bridge', mtu: 9000 }),
  'port-security/on': well,
  'port-security/off': portSecurityOff,
  'port-security/off-since': all(reserved, portSecurityOff),
  'port-security/untold': without('port-security'),
  'pair-right/permitted': well,
  'pair-right/forbidden': question('NEUTRON_FORBIDDEN'),
  'pair-right/rule-missing': question('ACCESS_RULE_MISSING'),
  'pair-right/mac-blocked': question('PAIR_MAC_REFUSED'),
  'pair-right/not-asked-full': fill,
  'pair-right/not-asked-own-pair': bench => bench.pair({ ip_address: '10.0.0.5' }),
  'pair-right/not-asked-no-address': ({ neutron, vm }) => {
    // The address goes while doctor looks: without one the port is not found at all.
    const undo = neutron.before('port', () => {
      undo();
      neutron.meddle(vm.id, { fixed_ips: [] });
    });
  },
  'pair-right/not-asked-port-security': portSecurityOff,
  'pair-right/not-asked-revisions': without('standard-attr-revisions'),
  'pair-right/not-asked-extension': without('allowed-address-pairs'),
  'pair-right/written': ({ neutron, vm }) =>
    void neutron.before('updatePort', ({ args }) => {
      // A proxy that drops the header: the write meets a port that happens to have the revision asked for.
      const port = neutron.peek(vm.id);
      if (args[2] === 0 && port !== undefined) neutron.addPort({ ...port, revision_number: 0 });
    }),
  'pair-limit/room': well,
  'pair-limit/full': all(fill, reserved),
  'pair-limit/full-foreign': fill,
  'pair-limit/untold': ({ neutron }) => {
    neutron.pairLimit = 5000;
  },
  'pair-limit/rule-missing': ({ neutron }) =>
    void neutron.before('updatePort', () => {
      throw new KuryrError('ACCESS_RULE_MISSING', { status: 401 });
    }),
  'pair-limit/unneeded': portSecurityOff,
  'pair-limit/extension': without('allowed-address-pairs'),
  'pairs/none': well,
  'pairs/tally': all(reserved, bench => bench.pair({ ip_address: '10.0.0.21' }, { ip_address: '10.0.0.200' })),
  'pairs/text': all(reserved, bench => bench.pair({ ip_address: '10.0.0.21/32' })),
  'pairs/multicast': bench => bench.pair({ ip_address: '224.0.0.18' }),
  'mac-pairs/unneeded': well,
  'mac-pairs/stands': all(macvlan, bench => bench.pair({ ip_address: '10.0.0.9', mac_address: 'fa:16:3e:00:00:99' })),
  'mac-pairs/untold': macvlan,
  'gateway/answers': well,
  'gateway/neighbour': ({ reach }) => {
    reach.answer = () => ({ reachable: true, afterMs: 3, probes: 2, target: '10.0.0.77' });
  },
  'gateway/silent': ({ reach }) => {
    reach.answer = () => ({ reachable: false, reason: 'no-target', probes: 9 });
  },
  'gateway/none': subnet({ gateway_ip: null }),
  'gateway/no-address': ipv6(null),
  'gateway/unavailable': ({ reach }) => {
    reach.answer = () => {
      throw refused('NOT_PRIVILEGED');
    };
  },
  'ipv6/none': well,
  'ipv6/stateful': ipv6(null),
  'ipv6/automatic': ipv6('slaac'),
  'ipv6/disabled': all(ipv6(null), ({ kernel }) => kernel.setSysctl('host', 'net.ipv6.conf.default.disable_ipv6', '1')),
  'user-data/safe': well,
  'user-data/leak': bench => bench.reserve('10.0.0.30', { device_id: bench.vm.device_id }),
  'user-data/untold': ({ neutron, vm }) => neutron.meddle(vm.id, { device_id: '' }),
  'reservations/none': well,
  'reservations/known': reserved,
  'reservations/leftover': bench => bench.reserve('10.0.0.21'),
  'reservations/unrecorded': bench => {
    bench.reserve('10.0.0.21');
    bench.recorded = undefined;
  },
  'orphans/none': reserved,
  'orphans/orphaned': bench => bench.reserve('10.0.0.40', { device_id: 'kuryr:d0000000-0000-4000-8000-00000000dead' }),
} satisfies Record<string, Scenario>;
