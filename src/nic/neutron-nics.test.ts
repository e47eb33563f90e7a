import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Details } from '../errors/details.ts';
import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';
import { FakeKernel } from '../linux/fake-kernel.ts';
import { silentLogger } from '../observe/logger.ts';
import { FakeNeutron } from '../openstack/fake-neutron.ts';
import type { OwnPorts } from './lookup.ts';
import { NeutronNics } from './neutron-nics.ts';

const signal = new AbortController().signal;
const code =
  (wanted: ErrorCode, details: Details = {}) =>
  (error: unknown) => {
    assert.ok(isKuryrError(error, wanted), String(error));
    for (const [name, value] of Object.entries(details)) assert.deepEqual(error.details[name], value, name);
    return true;
  };

interface NicSpec {
  readonly name: string;
  readonly cidrs: readonly string[];
  /** Metric of a default route of that family. */
  readonly route?: { family: 4 | 6; metric: number };
  readonly kind?: string;
  /** Whether Neutron knows the NIC. */
  readonly unknown?: boolean;
  readonly network?: string;
}

const fifth = (cidr: string) => cidr.replace(/(::|\.)0?\/.*/, '$1') + 5;

/** A VM with NICs; the n-th is on its own network, unless a network that stands is named. */
function vm(specs: readonly NicSpec[], options: { master?: string; ownPorts?: OwnPorts } = {}) {
  const kernel = new FakeKernel();
  const neutron = new FakeNeutron();
  kernel.addLink('host', { name: 'lo', mac: '00:00:00:00:00:00', mtu: 65536 });
  const ports = specs.map(({ name, cidrs, route, kind = '', unknown = false, network }, index) => {
    const mac = `fa:16:3e:aa:00:0${index}`;
    const { ifindex } = kernel.addLink('host', { name, mac, kind, mtu: 1450 });
    const net = neutron.addNetwork({ name: network ?? `net-${name}` });
    const subnets = cidrs.map(cidr => neutron.addSubnet({ network_id: net.id, cidr, name: `sub-${cidr}` }));
    const fixedIps = subnets.map(({ id, cidr }) => ({ subnet_id: id, ip_address: fifth(cidr) }));
    for (const { ip_address } of fixedIps) {
      kernel.addAddress('host', ifindex, ip_address, ip_address.includes(':') ? 64 : 24);
    }
    if (fixedIps.length > 0) kernel.addAddress('host', ifindex, 'fe80::1', 64);
    if (route !== undefined) {
      kernel.addRoute('host', {
        destination: 'default',
        gateway: route.family === 4 ? '10.0.0.1' : 'fd00::1',
        ifindex,
      });
      const made = kernel.routes('host').at(-1);
      if (made !== undefined) Object.assign(made, { metric: route.metric });
    }
    if (unknown) return undefined;
    return neutron.addPort({
      network_id: net.id,
      mac_address: mac,
      fixed_ips: fixedIps,
    });
  });
  const nics = new NeutronNics({
    ...{ kernel, neutron, logger: silentLogger, life: signal, master: options.master },
    ownPorts: options.ownPorts ?? (() => Promise.reject(new Error('metadata must not be asked'))),
  });
  return { kernel, neutron, nics, ports };
}

const ens3: NicSpec = { name: 'ens3', cidrs: ['10.0.0.0/24', 'fd20::/64'], route: { family: 4, metric: 100 } };
const ens4: NicSpec = { name: 'ens4', cidrs: ['10.1.0.0/24'], route: { family: 4, metric: 200 } };

test('finds the NIC of the default route with its port, network and subnets by three calls, once', async () => {
  const { nics, neutron, ports } = vm([ens3]);
  const nic = await nics.find({}, signal);
  assert.deepEqual(nic.master, {
    ...{ name: 'ens3', ifindex: 2, mac: 'fa:16:3e:aa:00:00', mtu: 1450 },
    addresses: ['10.0.0.5', 'fd20::5'],
  });
  assert.equal(nic.port.id, ports[0]?.id);
  assert.deepEqual(nic.port.fixedIps, ['10.0.0.5', 'fd20::5']);
  assert.equal(nic.network.name, 'net-ens3');
  assert.deepEqual(
    nic.subnets.map(({ cidr }) => cidr),
    ['10.0.0.0/24', 'fd20::/64'],
  );
  assert.equal(await nics.byPort(nic.port.id, signal), nic);
  assert.deepEqual(await nics.all(signal), [nic]);
  assert.deepEqual(
    neutron.calls.map(({ method }) => method),
    ['ports', 'networks', 'subnets'],
  );
});

test('asks three calls for many NICs too, and again after it was told to forget', async () => {
  const { nics, neutron } = vm([ens3, ens4]);
  await Promise.all([nics.all(signal), nics.find({}, signal)]);
  assert.equal((await nics.all(signal)).length, 2);
  assert.equal(neutron.calls.length, 3);
  nics.forget();
  await nics.all(signal);
  assert.equal(neutron.calls.length, 6);
});

test('does not remember a failure', async () => {
  const { nics, neutron } = vm([ens3]);
  const undo = neutron.before('subnets', () => {
    throw new KuryrError('CLOUD_UNREACHABLE', {});
  });
  await assert.rejects(nics.all(signal), code('CLOUD_UNREACHABLE'));
  undo();
  assert.equal((await nics.all(signal)).length, 1);
});

test('serves each network by the NIC that is on it, by id or name, and each range and subnet too', async () => {
  const { nics, ports } = vm([ens3, ens4]);
  const second = await nics.byPort(ports[1]?.id ?? '', signal);
  const subnet = second.subnets[0];
  for (const query of [
    { network: second.network.id },
    { network: 'net-ens4' },
    { subnet: subnet?.id },
    { subnet: 'sub-10.1.0.0/24' },
    { cidr: '10.1.0.0/24' },
    { master: 'ens4' },
    { network: 'net-ens4', cidr: '10.1.0.0/24', family: 4 as const },
  ]) {
    assert.equal(await nics.find(query, signal), second);
  }
});

test('takes the configured master where nothing else is named', async () => {
  const { nics } = vm([ens3, ens4], { master: 'ens4' });
  assert.equal((await nics.find({}, signal)).master.name, 'ens4');
  assert.equal((await nics.find({ network: 'net-ens3' }, signal)).master.name, 'ens3');
  const family6 = nics.find({ family: 6 }, signal);
  await assert.rejects(family6, code('SUBNET_UNKNOWN', { subnet: 'of IPv6' }));
});

test('takes the NIC of the IPv6 default route where there is no IPv4 one', async () => {
  const six: NicSpec = { name: 'ens5', cidrs: ['fd30::/64'], route: { family: 6, metric: 1024 } };
  const { nics } = vm([{ name: 'ens3', cidrs: ['10.0.0.0/24'] }, six]);
  assert.equal((await nics.find({}, signal)).master.name, 'ens5');
});

test('refuses to guess between two NICs without a default route or with two equal ones', async () => {
  const { route: _, ...noRoute } = ens3;
  const equal = { ...ens4, route: { family: 4 as const, metric: 100 } };
  for (const specs of [
    [noRoute, { name: 'ens4', cidrs: ['10.1.0.0/24'] }],
    [ens3, equal],
  ]) {
    const { nics } = vm(specs);
    const error = await nics.find({}, signal).catch((reason: unknown) => reason);
    assert.ok(isKuryrError(error, 'MASTER_AMBIGUOUS'));
    assert.match(error.text, /ens3 \(network net-ens3, .*ens4 \(network net-ens4, /);
  }
});

test('refuses a name or range that two NICs fit, and takes the one whose master is named too', async () => {
  const specs = [ens3, { ...ens4, cidrs: ['10.0.0.0/24'], network: 'net-ens3' }];
  const { nics } = vm(specs);
  await assert.rejects(
    nics.find({ network: 'net-ens3' }, signal),
    code('MASTER_AMBIGUOUS', { query: 'network net-ens3' }),
  );
  await assert.rejects(nics.find({ cidr: '10.0.0.0/24' }, signal), code('MASTER_AMBIGUOUS'));
  assert.equal((await nics.find({ cidr: '10.0.0.0/24', master: 'ens4' }, signal)).master.name, 'ens4');
});

test('lists what there is when a master, network or subnet is unknown', async () => {
  const { nics, ports } = vm([ens3]);
  const nic = await nics.byPort(ports[0]?.id ?? '', signal);
  const choices = [`ens3 (network net-ens3, ${nic.network.id})`];
  await assert.rejects(nics.find({ master: 'eth9' }, signal), code('MASTER_UNKNOWN', { master: 'eth9', choices }));
  await assert.rejects(nics.find({ network: 'lan' }, signal), code('NETWORK_NOT_ON_VM', { network: 'lan', choices }));
  await assert.rejects(
    nics.find({ cidr: '172.17.0.0/16' }, signal),
    code('SUBNET_UNKNOWN', {
      subnet: '172.17.0.0/16',
      choices: nic.subnets.map(({ cidr, id, name }) => `${cidr} (${id}, ${name}) on ens3`),
    }),
  );
  await assert.rejects(nics.byPort('another', signal), code('VM_PORT_UNKNOWN'));
});

test('passes over NICs that Neutron does not know, and says why when one is named or none is left', async () => {
  const { nics } = vm([{ ...ens3, unknown: true }, ens4]);
  assert.equal((await nics.find({}, signal)).master.name, 'ens4');
  await assert.rejects(nics.find({ master: 'ens3' }, signal), code('VM_PORT_UNKNOWN', { master: 'ens3' }));
  await assert.rejects(vm([{ ...ens3, unknown: true }]).nics.find({}, signal), code('VM_PORT_UNKNOWN'));
  await assert.rejects(vm([]).nics.find({}, signal), code('VM_PORT_UNKNOWN', { master: 'this VM' }));
});

test('looks at no bridge, tunnel or link that is down or bare, but at a bond that is named or has the default route', async () => {
  const bond: NicSpec = { name: 'bond0', cidrs: ['10.3.0.0/24'], kind: 'bond' };
  const { nics, kernel } = vm([ens3, { name: 'docker0', cidrs: ['172.17.0.0/16'], kind: 'bridge' }, bond]);
  kernel.addLink('host', { name: 'ens8', mac: 'fa:16:3e:aa:00:08' });
  assert.deepEqual(
    (await nics.all(signal)).map(({ master }) => master.name),
    ['ens3'],
  );
  assert.equal((await nics.find({ master: 'bond0' }, signal)).master.name, 'bond0');
  const routed = vm([{ ...bond, route: { family: 4, metric: 0 } }]);
  assert.equal((await routed.nics.find({}, signal)).master.name, 'bond0');
});

test('tells ports with the same address and MAC apart by what the VM is told, which is asked only then', async () => {
  let asked = 0;
  let own: readonly string[] | undefined;
  const ownPorts = async () => {
    asked++;
    return own;
  };
  const { nics, neutron, ports } = vm([ens3, ens4], { ownPorts });
  await nics.all(signal);
  assert.equal(asked, 0);
  const other = neutron.addNetwork();
  const { mac_address, fixed_ips } = ports[0] ?? assert.fail();
  const twin = neutron.addPort({ network_id: other.id, mac_address, fixed_ips });
  own = [twin.id];
  nics.forget();
  assert.equal((await nics.find({}, signal)).port.id, twin.id);
  for (own of [undefined, [], [twin.id, ports[0]?.id ?? '']]) {
    nics.forget();
    const choices = [`${ports[0]?.id} on network ${ports[0]?.network_id}`, `${twin.id} on network ${other.id}`];
    await assert.rejects(nics.find({}, signal), code('VM_PORT_AMBIGUOUS', { master: 'ens3', choices }));
  }
});

test('takes no port for its own that has only the address or only the MAC', async () => {
  const { nics, neutron, ports } = vm([ens3]);
  const { mac_address, fixed_ips, network_id } = ports[0] ?? assert.fail();
  neutron.addPort({ network_id, fixed_ips });
  neutron.addPort({ network_id, mac_address });
  assert.equal((await nics.find({}, signal)).port.id, ports[0]?.id);
});

test("tells the VM's own ports, and those of no machine, from another VM's", async () => {
  const { nics, neutron, ports } = vm([ens3, { ...ens4, unknown: true }]);
  const [own] = ports;
  assert.ok(own !== undefined);
  neutron.meddle(own.id, { device_id: 'this server' });
  const { network_id } = own;
  const of = (device_id: string) => neutron.addPort({ network_id, device_id }).id;
  assert.equal(await nics.belongs(own.id, signal), true, 'a NIC');
  assert.equal(await nics.belongs(of('this server'), signal), true, 'a NIC that is down');
  assert.equal(await nics.belongs('deleted', signal), true);
  assert.equal(await nics.belongs(of(''), signal), true, 'taken out');
  assert.equal(await nics.belongs(of('another server'), signal), false);
});

test("does not say whose a port is as long as the VM's own are not known", async () => {
  const { nics, neutron } = vm([{ ...ens3, unknown: true }]);
  const { id: network_id } = neutron.addNetwork();
  const { id } = neutron.addPort({ network_id, device_id: 'a server', fixed_ips: [] });
  await assert.rejects(nics.belongs(id, signal), code('VM_PORT_UNKNOWN'));
});

test('ends only the wait of a caller that gives up', async () => {
  const { nics, neutron } = vm([ens3]);
  const go = Promise.withResolvers<void>();
  neutron.before('ports', () => go.promise);
  const patience = new AbortController();
  const given = nics.all(patience.signal);
  const other = nics.all(signal);
  patience.abort(new Error('enough'));
  await assert.rejects(given, /enough/);
  go.resolve();
  assert.equal((await other).length, 1);
});
