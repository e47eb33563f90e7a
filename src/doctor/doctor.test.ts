import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KuryrError } from '../errors/kuryr-error.ts';
import { defineCheck } from './check.ts';
import { type Report, runDoctor } from './doctor.ts';
import { DoctorBench, never } from './doctor-bench.ts';
import { vmScenarios } from './vm-scenarios.ts';

const names = ({ findings }: Report, state: string) =>
  findings.filter(finding => finding.state === state).map(({ check, reason }) => `${check}/${reason}`);

describe('doctor', () => {
  it('finds nothing wrong with a VM that is well', async () => {
    const report = await new DoctorBench().run();
    assert.deepEqual([names(report, 'failure'), names(report, 'warning')], [[], []]);
    assert.equal(report.counts.ok + report.counts.skipped, report.findings.length);
  });

  it('changes nothing: no link stays, and the VM port is as it was', async () => {
    const bench = new DoctorBench();
    bench.pair({ ip_address: '10.0.0.200' });
    const before = [bench.kernel.links('host'), bench.neutron.peekAll()];
    await bench.run();
    assert.deepEqual([bench.kernel.links('host'), bench.neutron.peekAll()], before);
    const writes = bench.neutron.calls.filter(({ method }) => !/^(port|network|subnet)s?$|^extensions$/.test(method));
    assert.deepEqual(writes.map(({ method, args }) => [method, args[2], Object.keys(args[1] as object)]).toSorted(), [
      ['updatePort', undefined, ['allowed_address_pairs']],
      ['updatePort', 0, ['allowed_address_pairs']],
    ]);
  });

  it("asks for the right with the list as it was read and the VM's own address, never with less", async () => {
    const bench = new DoctorBench();
    bench.pair({ ip_address: '10.0.0.200' }, { ip_address: '10.0.0.201' });
    await bench.run();
    const question = bench.neutron.calls.find(({ method, args }) => method === 'updatePort' && args[2] === 0);
    assert.ok(question);
    const { allowed_address_pairs: pairs } = question.args[1] as { allowed_address_pairs: { ip_address: string }[] };
    assert.deepEqual(
      pairs.map(pair => pair.ip_address),
      ['10.0.0.200', '10.0.0.201', '10.0.0.5'],
    );
  });

  it('makes no link where links stand, nor while a daemon runs', async () => {
    const standing = new DoctorBench();
    standing.addSlave({ kind: 'ipvlan', mode: 'l2', flag: 'private' });
    const running = new DoctorBench();
    running.runDaemon();
    for (const bench of [standing, running]) {
      await bench.run();
      assert.ok(!bench.kernel.calls.some(({ method }) => method === 'createSlave'));
    }
  });

  it('never changes the mode of links that it cannot see', async () => {
    const bench = new DoctorBench();
    const hidden = bench.kernel.addNetns('/proc/4711/ns/net');
    const slave = { name: 'eth0', kind: 'ipvlan', mode: 'l2', flag: 'private', master: bench.ens3.ifindex };
    bench.kernel.addLink(hidden, { ...slave, masterElsewhere: true, mac: bench.ens3.mac });
    const report = await bench.run();
    assert.ok(names(report, 'skipped').includes('ipvlan/untried'));
    assert.deepEqual(
      bench.kernel.links(hidden).map(({ flag }) => flag),
      ['private'],
    );
  });

  it('tells of every NIC that is on Neutron', async () => {
    const bench = new DoctorBench();
    bench.addNic({ name: 'ens4' });
    const network = bench.neutron.addNetwork({ name: 'second' });
    const subnet = bench.neutron.addSubnet({ network_id: network.id, cidr: '10.9.0.0/24' });
    const fixed = [{ subnet_id: subnet.id, ip_address: '10.9.0.5' }];
    bench.neutron.addPort({ network_id: network.id, mac_address: 'fa:16:3e:aa:00:09', fixed_ips: fixed });
    const { findings } = await bench.run();
    for (const check of ['carrier', 'holder', 'ipvlan', 'macvlan', 'vm-port', 'mtu', 'pair-right', 'pair-limit']) {
      assert.equal(findings.filter(finding => finding.check === check).length, 2, check);
    }
  });

  it('names one cause where the credential is missing, and still looks at the machine', async () => {
    const bench = new DoctorBench();
    bench.cloudError = new KuryrError('CLOUD_CONFIG_MISSING', { files: ['clouds.yaml'] });
    const report = await bench.run();
    assert.deepEqual(names(report, 'failure'), ['credential/configuration']);
    const unmet = report.findings.filter(({ reason }) => reason === 'unmet');
    assert.ok(unmet.length > 10);
    for (const { text } of unmet) assert.match(text, /"credential"/);
    for (const name of ['ipvlan/made', 'carrier/up', 'holder/free', 'docker/ready']) {
      assert.ok(names(report, 'ok').includes(name), name);
    }
  });

  it('names one cause where Neutron, the VM port or the master is missing', async () => {
    const away = new DoctorBench();
    away.neutron.before('extensions', () => {
      throw new KuryrError('CLOUD_UNREACHABLE', {});
    });
    assert.deepEqual(names(await away.run(), 'failure'), ['neutron/unreachable']);
    const unknown = new DoctorBench();
    unknown.neutron.meddle(unknown.vm.id, { mac_address: 'fa:16:3e:ff:ff:ff' });
    assert.deepEqual(names(await unknown.run(), 'failure'), ['vm-port/unknown']);
    const masterless = new DoctorBench();
    masterless.config.master = 'eth7';
    const failures = names(await masterless.run(), 'failure');
    assert.ok(failures.includes('master/unknown'));
    assert.ok(!failures.some(name => /^(ipvlan|macvlan|holder|carrier)/.test(name)));
  });

  it('keeps what a check had found before it broke, and goes on with the others', async () => {
    const bench = new DoctorBench();
    bench.neutron.before('port', () => {
      throw new KuryrError('NEUTRON_FORBIDDEN', { path: '/ports/x' });
    });
    const half = defineCheck({
      id: 'half',
      title: 'half a check',
      states: { begun: { state: 'ok', text: 'Begun.' } },
      async examine(_, say) {
        say('begun');
        throw new Error('broken');
      },
    });
    const { findings } = await runDoctor(bench.context(), never, [half]);
    assert.deepEqual(
      findings.map(({ reason, state, text }) => [reason, state, text]),
      [
        ['begun', 'ok', 'Begun.'],
        ['failed', 'failure', 'An unexpected failure: broken.'],
      ],
    );
    const report = await bench.run();
    assert.deepEqual(names(report, 'failure'), ['vm-port/failed']);
    assert.ok(names(report, 'ok').includes('network/own'));
  });

  it('gives up a check that hangs, and keeps what it had said', async () => {
    const bench = new DoctorBench();
    const hang = defineCheck({
      id: 'hang',
      title: 'a check that hangs',
      states: { begun: { state: 'ok', text: 'Begun.' } },
      examine(_, say) {
        say('begun');
        return new Promise<void>(() => {});
      },
    });
    const run = runDoctor(bench.context(), never, [hang]);
    await bench.clock.advance(90_000);
    assert.deepEqual(
      (await run).findings.map(({ reason }) => reason),
      ['begun', 'late'],
    );
  });

  it('ends with the signal', async () => {
    const ending = new AbortController();
    const bench = new DoctorBench();
    bench.reach.answer = () => {
      ending.abort(new Error('ended'));
      return new Promise(() => {});
    };
    await assert.rejects(runDoctor(bench.context(), ending.signal), /ended/);
  });

  it('asks for many VM ports in few and short queries', async () => {
    const bench = new DoctorBench();
    for (let n = 0; n < 120; n++) bench.reserve('10.0.0.40', { device_id: `kuryr:gone-${n}` });
    const report = await bench.run();
    assert.equal(names(report, 'warning').filter(name => name === 'orphans/orphaned').length, 120);
    const queries = bench.neutron.calls.filter(({ args }) => Array.isArray((args[0] as { id?: unknown })?.id));
    const sizes = queries.map(({ args }) => (args[0] as { id: string[] }).id.length);
    assert.ok(sizes.filter(size => size > 1).length === 3 && Math.max(...sizes) <= 50, String(sizes));
  });

  it('takes a reservation of a VM port that exists for no leftover', async () => {
    const bench = new DoctorBench();
    const other = bench.neutron.addPort({ network_id: bench.network.id });
    bench.reserve('10.0.0.41', { device_id: `kuryr:${other.id}` });
    assert.ok(names(await bench.run(), 'ok').includes('orphans/none'));
  });
});

describe('a guard', () => {
  it("is no container's link, and nobody's who holds the master", async () => {
    const bench = new DoctorBench();
    vmScenarios['guard/left'](bench);
    const { findings } = await bench.run();
    const told = (check: string) => findings.find(finding => finding.check === check);
    assert.equal(told('holder')?.reason, 'free');
    assert.equal(told('ipvlan')?.reason, 'untried');
    assert.match(told('macvlan')?.text ?? '', /guard .*kuryr gc/);
    assert.ok(!bench.kernel.calls.some(({ method, args }) => method === 'createSlave' && args[0] === 'host'));
  });

  it('whose making was interrupted is none', async () => {
    const bench = new DoctorBench();
    bench.names.set('/run/kuryr/guard', ['7']);
    const { findings } = await bench.run();
    assert.equal(findings.find(({ check }) => check === 'guard')?.reason, 'unneeded');
  });
});
