import { KuryrError } from '../errors/kuryr-error.ts';
import { fakeRefusal } from '../linux/fake-refusal.ts';
import type { SlaveSpec } from '../linux/kernel.ts';
import { type DoctorBench, errno } from './doctor-bench.ts';

/** Brings about what makes doctor print a state. */
export type Scenario = (bench: DoctorBench) => void;

const well: Scenario = () => {};
const macvlan: Scenario = bench => {
  bench.config.link = { kind: 'macvlan', mode: 'bridge' };
};
const ofKind = (kind: string) => (args: readonly unknown[]) => (args[1] as SlaveSpec).kind === kind;
const refuse =
  (kind: string, code: 'KERNEL_UNSUPPORTED' | 'NOT_PRIVILEGED' | 'MASTER_BUSY'): Scenario =>
  ({ kernel }) =>
    kernel.failNext('createSlave', fakeRefusal(code, `create the ${kind} link`, 'E', { kind }), ofKind(kind));
const all =
  (...scenarios: readonly Scenario[]): Scenario =>
  bench => {
    for (const scenario of scenarios) scenario(bench);
  };
const ipvlanStands: Scenario = bench => bench.addSlave({ kind: 'ipvlan', mode: 'l2', flag: 'bridge' });
const macvlanStands: Scenario = bench => bench.addSlave({ kind: 'macvlan', mode: 'bridge', mac: '02:00:00:00:00:01' });
/** A guard on the master, that keeps these addresses. */
const guarded =
  (...addresses: readonly string[]): Scenario =>
  ({ kernel, names, ens3 }) => {
    names.set('/run/kuryr/guard', [String(ens3.ifindex)]);
    const netns = { path: `/run/kuryr/guard/${ens3.ifindex}` };
    kernel.keepNetns(netns.path);
    const common = { name: 'guard', ifindex: 1000, master: ens3.ifindex, mtu: 1450, alias: 'vm-port' };
    kernel.createSlave(netns, { ...common, kind: 'ipvlan', mode: 'l2', flag: 'bridge' });
    for (const address of addresses) kernel.addAddress(netns, 1000, address, 32);
  };
const bridged: Scenario = bench => {
  const bridge = bench.kernel.addLink('host', { name: 'br0', kind: 'bridge', mac: 'fa:16:3e:aa:00:00' });
  bench.changeMaster({ controller: bridge.ifindex });
};
const stuck =
  (nth: number): Scenario =>
  ({ kernel }) => {
    let deleted = 0;
    kernel.failNext('deleteLink', fakeRefusal('KERNEL_REFUSED', 'delete the link', 'EIO', {}), () => ++deleted === nth);
  };
const answer =
  (where: string, said: { status: number; body: string } | Error): Scenario =>
  ({ answers }) =>
    void answers.set(where, said);
const control = '/run/kuryr/control.sock';
const release =
  (text: string): Scenario =>
  ({ kernel }) =>
    kernel.setSysctl('host', 'kernel.osrelease', text);
const folder =
  (path: string, state: 'missing' | 'unwritable'): Scenario =>
  ({ folders }) =>
    void folders.set(path, state);
const docker = (version: string) => answer('/version', { status: 200, body: JSON.stringify({ Version: version }) });
const driver = (text: string) => all(macvlan, ({ files }) => void files.set('/sys/class/net/ens3/device/uevent', text));

export const vmScenarios = {
  'kernel/tested': well,
  'kernel/untested': release('5.10.0-30-cloud-amd64'),
  'kernel/old': release('4.18.0-553.el8.x86_64'),
  'kernel/unreadable': release('unknown'),
  'kernel/machine': bench => {
    bench.machine = 's390x';
  },
  'privilege/enough': well,
  'privilege/missing': ({ files }) => void files.set('/proc/self/status', 'CapEff:\t0000000000000000\n'),
  'privilege/unreadable': ({ files }) => void files.delete('/proc/self/status'),
  'master/configured': ({ config }) => {
    config.master = 'ens3';
  },
  'master/found': well,
  'master/unknown': ({ config }) => {
    config.master = 'eth7';
  },
  'master/several': bench => {
    bench.addNic({ name: 'ens4', ifindex: 40 });
    bench.kernel.addRoute('host', { destination: 'default', gateway: '10.9.0.1', ifindex: 40 });
  },
  'master/unfit': bench => {
    bench.kernel.addLink('host', { name: 'wg0', kind: 'wireguard' });
    bench.config.master = 'wg0';
  },
  'master/stacked': bench => bench.changeMaster({ kind: 'bond' }),
  'carrier/up': well,
  'carrier/down': bench => {
    bench.config.master = 'ens3';
    bench.changeMaster({ up: false, state: 'down' });
  },
  'carrier/no-carrier': bench => bench.changeMaster({ state: 'lowerlayerdown' }),
  'holder/free': well,
  'holder/slaves': ipvlanStands,
  'holder/mode-clash': bench => bench.addSlave({ kind: 'ipvlan', mode: 'l3', flag: 'bridge' }),
  'holder/port': all(bridged, ({ config }) => {
    config.master = 'ens3';
  }),
  'ipvlan/made': well,
  'ipvlan/standing': ipvlanStands,
  'ipvlan/blocked': macvlanStands,
  'ipvlan/blocked-unused': all(macvlan, macvlanStands),
  'ipvlan/busy': bridged,
  'ipvlan/busy-unused': all(macvlan, bridged),
  'ipvlan/missing': refuse('ipvlan', 'KERNEL_UNSUPPORTED'),
  'ipvlan/missing-unused': all(macvlan, refuse('ipvlan', 'KERNEL_UNSUPPORTED')),
  'ipvlan/unprivileged': refuse('macvlan', 'NOT_PRIVILEGED'),
  'ipvlan/untried': refuse('macvlan', 'MASTER_BUSY'),
  'ipvlan/stuck': stuck(2),
  'macvlan/made': well,
  'macvlan/standing': macvlanStands,
  'macvlan/blocked': all(macvlan, ipvlanStands),
  'macvlan/blocked-unused': ipvlanStands,
  'macvlan/busy': all(macvlan, refuse('macvlan', 'MASTER_BUSY')),
  'macvlan/busy-unused': refuse('macvlan', 'MASTER_BUSY'),
  'macvlan/missing': all(macvlan, refuse('macvlan', 'KERNEL_UNSUPPORTED')),
  'macvlan/missing-unused': refuse('macvlan', 'KERNEL_UNSUPPORTED'),
  'macvlan/unprivileged': refuse('macvlan', 'NOT_PRIVILEGED'),
  'macvlan/untried': bench => bench.runDaemon(),
  'macvlan/stuck': stuck(1),
  'mac-filter/unneeded': well,
  'mac-filter/virtio': macvlan,
  'mac-filter/vf': driver('DRIVER=iavf\n'),
  'mac-filter/other': driver('DRIVER=vmxnet3\n'),
  'mac-filter/promiscuous': bench => bench.changeMaster({ promiscuity: 1 }),
  'docker/ready': well,
  'docker/bare-create': docker('26.1.5+dfsg1'),
  'docker/untested': docker('19.03.8'),
  'docker/absent': answer('/version', errno('ENOENT')),
  'docker/forbidden': answer('/version', errno('EACCES')),
  'docker/rootless': answer('/info', { status: 200, body: '{"SecurityOptions":["name=rootless","name=cgroupns"]}' }),
  'docker/podman': answer('/version', {
    status: 200,
    body: '{"Version":"5.8.6","Components":[{"Name":"Podman Engine"}]}',
  }),
  'docker/odd': answer('/version', { status: 200, body: '<html>' }),
  'docker/no-folder': folder('/run/docker/plugins', 'missing'),
  'daemon/running': bench => bench.runDaemon(),
  'daemon/stopped': well,
  'daemon/forbidden': answer(control, errno('EACCES')),
  'daemon/odd': answer(control, { status: 404, body: '{}' }),
  'state-folder/writable': well,
  'state-folder/missing': folder('/var/lib/kuryr', 'missing'),
  'state-folder/unwritable': folder('/var/lib/kuryr', 'unwritable'),
  'run-folder/writable': well,
  'run-folder/missing': folder('/run/kuryr', 'missing'),
  'run-folder/unwritable': folder('/run/kuryr', 'unwritable'),
  'lock/held': bench => bench.runDaemon(),
  'lock/free': well,
  'lock/taken': ({ kernel }) => void kernel.lock('/var/lib/kuryr/lock'),
  'lock/unlocked': answer(control, { status: 200, body: '{"version":"0.1.0"}' }),
  'lock/none': ({ names }) => void names.clear(),
  'guard/stands': all(ipvlanStands, guarded('10.0.0.5', '10.0.0.1')),
  'guard/gaps': all(ipvlanStands, guarded('10.0.0.1')),
  'guard/missing': ipvlanStands,
  'guard/left': guarded('10.0.0.5'),
  'guard/unneeded': well,
  'guard/macvlan': macvlan,
  'dhcp/ipvlan': well,
  'dhcp/macvlan': macvlan,
  'host-access/possible': well,
  'host-access/standing': ({ kernel, ens3 }) => {
    kernel.filters.addPlace({ ifindex: ens3.ifindex, kind: 'clsact', shared: false });
    kernel.filters.addForeign(ens3.ifindex, { pref: 62_000, cookie: Buffer.from('kuryr').toString('hex') });
  },
  'host-access/private': bench => {
    bench.config.link = { kind: 'macvlan', mode: 'private' };
  },
  'host-access/off': ({ config }) => {
    config.hostAccess = 'off';
  },
  'host-access/forgeries': ({ kernel }) => void kernel.filters.lacking.add('flower'),
  'host-access/answers': ({ kernel, config }) => {
    config.services = { ranges: ['10.96.0.0/12'], backends: ['10.0.0.0/24'] };
    kernel.filters.lacking.add('ct');
  },
  'host-access/clash': ({ config }) => {
    config.services = { ranges: ['10.0.0.0/8'], backends: [] };
  },
  'host-access/forwarding': ({ kernel, config }) => {
    config.services = { ranges: ['10.96.0.0/12'], backends: [] };
    kernel.setSysctl('host', 'net.ipv4.ip_forward', '0');
  },
  'host-access/lacking': ({ kernel }) => void kernel.filters.lacking.add('mirred'),
  'host-access/unprivileged': ({ kernel }) => {
    kernel.filters.isForbidden = true;
  },
  'metadata/answers': well,
  'metadata/silent': answer('http://169.254.169.254/openstack/latest/meta_data.json', errno('EHOSTUNREACH')),
  'metadata/odd': answer('http://169.254.169.254/openstack/latest/meta_data.json', { status: 200, body: 'hello' }),
} satisfies Record<string, Scenario>;

/** What the reader of a test wants named besides. */
export const unreachable = new KuryrError('CLOUD_UNREACHABLE', {
  method: 'GET',
  url: 'https://cloud',
  reason: 'refused',
});
