/** What the metadata service of a real cloud says to a VM, and to its containers. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { DoctorBench } from '../../src/doctor/doctor-bench.ts';
import { ExactIpam } from '../../src/ipam/exact-ipam.ts';
import { silentLogger } from '../../src/observe/logger.ts';
import type { Port } from '../../src/openstack/neutron.ts';
import { METADATA_ADDRESS } from '../lab/cloud/metadata-agent.ts';
import { until } from '../lab/cloud/run.ts';
import type { Bench, Opened } from './bench.ts';

const SECRET = 'shared with nova';
/** Servers of demo's project, and what their user-data is. */
const SERVER = '5e11e500-0000-4000-8000-0000000000aa';
const OTHER = '5e11e500-0000-4000-8000-0000000000bb';
const USER_DATA: Readonly<Record<string, string>> = { [SERVER]: 'the password is hunter2', [OTHER]: 'another one' };

/** Nova's metadata service as the agent meets it: it serves the server that the agent names and signs, and knows no other. */
class Nova {
  readonly asked: IncomingHttpHeaders[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(({ headers }, response) => {
      this.asked.push(headers);
      const id = String(headers['x-instance-id']);
      const signed = headers['x-instance-id-signature'] === createHmac('sha256', SECRET).update(id).digest('hex');
      const data = signed ? USER_DATA[id] : undefined;
      response.writeHead(!signed ? 403 : data === undefined ? 404 : 200, { 'content-type': 'text/plain' }).end(data);
    });
  }

  static async start(): Promise<Nova> {
    const nova = new Nova();
    await new Promise<void>(resolve => nova.#server.listen(0, '127.0.0.1', resolve));
    return nova;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

export function metadataTests(bench: () => Bench): void {
  describe('the metadata service', () => {
    let nova: Nova;
    let vm: Port;
    let inVm: string;

    before(async () => {
      const { lab, network } = bench();
      nova = await Nova.start();
      const make = async (fields: object = {}): Promise<Port> =>
        (await lab.ok('POST', '/ports', { port: { network_id: network.id, ...fields } })).port;
      const place = await make({ port_security_enabled: false, security_groups: [] });
      vm = await make();
      const [plugged, metadata] = await Promise.all([
        lab.plug({ portId: vm.id, host: 'h1', name: 'vm', kind: 'veth', deviceId: SERVER }),
        lab.plug({ portId: place.id, host: 'h1', name: 'metadata', kind: 'veth' }),
      ]);
      const inPlace = metadata.vm ?? assert.fail();
      inVm = plugged.vm ?? assert.fail();
      await lab.run(['ip', 'addr', 'add', `${METADATA_ADDRESS}/32`, 'dev', 'eth0'], inPlace);
      const via = place.fixed_ips[0]?.ip_address ?? assert.fail();
      await lab.run(['ip', 'route', 'add', `${METADATA_ADDRESS}/32`, 'via', via, 'dev', 'eth0'], inVm);
      const agent = { host: 'h1', networkId: network.id, netns: inPlace } as const;
      await lab.serveMetadata({ ...agent, novaPort: nova.port, secret: SECRET });
    });
    after(() => nova?.close());

    /** The cloud with what the VM has: the least credential. */
    const thief = (t: TestContext): Promise<Opened> => bench().least(t, [vm.id]);
    /** What is answered to a request from one of the VM's addresses: body and status. */
    const answered = async (from: string): Promise<string> => {
      const url = `http://${METADATA_ADDRESS}/openstack/latest/user_data`;
      const limits = ['--silent', '--max-time', '10', '--write-out', ' %{http_code}'];
      const said = await bench().lab.run(['curl', ...limits, '--interface', from, url], inVm);
      // A refusal is a page of the agent's own.
      return said.replace(/^<html>.*<\/html> /s, '');
    };
    /** Gives the address to the VM's NIC as a container's, and asks from there until Nova has been asked; all that was said. */
    const fromContainer = async ({ neutron }: Opened, address: string): Promise<ReadonlySet<string>> => {
      const { lab, signal } = bench();
      const { revision_number, allowed_address_pairs: pairs } = await neutron.port(vm.id, signal);
      const all = [...pairs, { ip_address: address }];
      await neutron.updatePort(vm.id, { allowed_address_pairs: all }, revision_number, signal);
      await lab.run(['ip', 'addr', 'add', `${address}/32`, 'dev', 'eth0'], inVm);
      nova.asked.length = 0;
      const said = new Set<string>();
      const ask = async () => {
        // The agent knows whose an address is once the cloud has heard it on this host; before, it asks nobody.
        await lab.run(['arping', '-U', '-c', '1', '-I', 'eth0', address], inVm).catch(() => undefined);
        said.add(await answered(address).catch(() => 'nothing'));
        return nova.asked.length > 0;
      };
      await until('the agent to know the address', ask, signal, { seconds: 60 });
      said.delete('nothing');
      return said;
    };

    it("serves the VM its user-data, and has nothing to say to a container's address", async t => {
      const { lab, network, signal } = bench();
      const own = vm.fixed_ips[0]?.ip_address ?? assert.fail();
      assert.equal(await answered(own), `${USER_DATA[SERVER]} 200`);
      assert.deepEqual([nova.asked.at(-1)?.['x-instance-id'], nova.asked.at(-1)?.['x-forwarded-for']], [SERVER, own]);

      const cloud = await thief(t);
      const kuryr = new DoctorBench();
      kuryr.onCloud(cloud, vm);
      const nic = await (await kuryr.context().openCloud(signal)).nics.find({}, signal);
      const ipam = new ExactIpam({ neutron: cloud.neutron, logger: silentLogger });
      const subnet = nic.subnets[0] ?? assert.fail('no subnet');
      const { address } = await ipam.reserve({ nic, subnet, name: 'kuryr-metadata' }, signal);
      assert.deepEqual(await fromContainer(cloud, address), new Set(['404']));
      const { 'x-instance-id': told, 'x-forwarded-for': from } = nova.asked.at(-1) ?? {};
      assert.deepEqual([told, from], [`kuryr:${vm.id}`, address]);
      assert.ok(!JSON.stringify(nova.asked).includes(SERVER));
      assert.equal(await answered(own), `${USER_DATA[SERVER]} 200`, 'the VM is served as before');

      // Other back ends' agents ask Neutron by network and address; what they read is the same field.
      const query = `/ports?network_id=${network.id}&fixed_ips=ip_address%3D${address}&fields=device_id`;
      assert.deepEqual((await lab.ok('GET', query, undefined, 'admin')).ports, [{ device_id: `kuryr:${vm.id}` }]);
    });

    it("takes a port with a server's id in device_id for that server: a thief of the credential reads its user-data", async t => {
      const cloud = await thief(t);
      const { fixed_ips } = await cloud.neutron.createPort(bench().reservation({ device_id: OTHER }), bench().signal);
      const said = await fromContainer(cloud, fixed_ips[0]?.ip_address ?? assert.fail());
      assert.ok(said.has(`${USER_DATA[OTHER]} 200`), [...said].join());
    });
  });
}
