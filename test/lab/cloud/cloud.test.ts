/** The lab's cloud, by itself: that it enforces what a real one enforces, and that nothing is left of it. Needs root. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { ensureTree } from '../tree/tree.ts';
import { Cloud } from './cloud.ts';
import type { Network } from './networks.ts';
import type { BackendName, Place } from './place.ts';
import type { Plugged } from './plug.ts';
import { until } from './run.ts';

const { signal } = new AbortController();
const say = (line: string): void => console.log(line);
const wanted = process.env['KURYR_LAB_BACKENDS']?.split(',') ?? ['ovn', 'linuxbridge'];

for (const backend of ['ovn', 'linuxbridge'] satisfies BackendName[]) {
  describe(`a cloud with ${backend}`, { skip: !wanted.includes(backend) && 'not asked for' }, () => {
    let cloud: Cloud;
    let net: Network;
    let a: Plugged;
    let b: Plugged;

    /** Whether three pings, from a, are answered; `source` an address to send from. */
    const answered = async (target: string, source?: string): Promise<boolean> => {
      const argv = ['ping', '-c3', '-i0.2', '-W1', ...(source === undefined ? [] : ['-I', source]), target];
      return await cloud.run(argv, a.vm).then(
        () => true,
        () => false,
      );
    };
    const reaches = (target: string, source?: string) =>
      until(`${source ?? 'a'} to ${target}`, () => answered(target, source), signal);
    const setPairs = (pairs: string[]) =>
      cloud.ok('PUT', `/ports/${a.portId}`, {
        port: { allowed_address_pairs: pairs.map(ip_address => ({ ip_address })) },
      });
    const plugNew = async (network: Network, host: 'h1' | 'h2', name: string, fixed_ips?: object[]) => {
      const fields = { network_id: network.id, ...(fixed_ips === undefined ? {} : { fixed_ips }) };
      const { port } = await cloud.ok('POST', '/ports', { port: fields });
      return await cloud.plug({ portId: port.id, host, name, kind: 'veth' });
    };

    before(async () => {
      cloud = await Cloud.up({ backend, tree: await ensureTree('bookworm', say), pairLimit: 12, say, signal });
      const v4 = { cidr: '10.20.0.0/24' };
      net = await cloud.createNetwork({ name: 'vms', v4, v6: { cidr: 'fd20::/64', mode: 'static' }, router: true });
      const at = (n: number) => [
        { subnet_id: net.v4?.id, ip_address: `10.20.0.${n}` },
        { subnet_id: net.v6?.id, ip_address: `fd20::${n}` },
      ];
      a = await plugNew(net, 'h1', 'a', at(11));
      b = await plugNew(net, 'h2', 'b', at(12));
    });

    it('carries frames between two hosts from the addresses that Neutron gave', async () => {
      assert.deepEqual(b.ips, ['10.20.0.12/24', 'fd20::12/64']);
      await reaches('10.20.0.12');
      await reaches('fd20::12');
    });

    it('has gateways that answer', async () => {
      await reaches('10.20.0.1');
      await reaches(net.v6?.gateway ?? '');
    });

    for (const [own, spoofed, prefix, target] of [
      ['10.20.0.11', '10.20.0.99', 24, '10.20.0.12'],
      ['fd20::11', 'fd20::99', 64, 'fd20::12'],
    ] as const) {
      it(`drops what comes from ${spoofed} unless an allowed address pair stands`, async () => {
        const nodad = spoofed.includes(':') ? ['nodad'] : [];
        await cloud.run(['ip', 'addr', 'add', `${spoofed}/${prefix}`, 'dev', 'eth0', ...nodad], a.vm);
        assert.equal(await answered(target, spoofed), false);
        await setPairs([spoofed]);
        await reaches(target, spoofed);
        await setPairs([]);
        await until('dropped', async () => !(await answered(target, spoofed)), signal);
        assert.equal(await answered(target, own), true);
      });
    }

    it('advertises a prefix and a router on a SLAAC network', async () => {
      const slaac = { cidr: 'fd21::/64', mode: 'slaac' } as const;
      const network = await cloud.createNetwork({ name: 'slaac', v6: slaac, router: true });
      const c = await plugNew(network, 'h1', 'c');
      assert.match(c.ips.join(), /^fd21::f816:3eff:fe/);
      // solicits, and waits for an advertisement
      const seen = await until('an advertisement', () => cloud.run(['rdisc6', '-1', 'eth0'], c.vm), signal);
      assert.match(seen, /Prefix\s*: fd21::\/64/);
      await cloud.unplug(c);
      await cloud.deleteNetwork(network);
    });

    it('lets a guest reach the API at the URLs of the catalogue, and notes what it asked', async () => {
      await cloud.management({ name: 'a', host: 'h1', ...(a.vm === undefined ? {} : { vm: a.vm }) });
      const token = await cloud.token();
      const curl = (...args: string[]) => cloud.run(['curl', '-sS', '-m', '20', ...args], a.vm);
      const ports = `${cloud.neutronUrl}/v2.0/ports?fields=id&limit=1`;
      await until('the relay', () => curl(cloud.authUrl), signal);
      assert.match(await curl('-H', `x-auth-token: ${token}`, ports), /"ports": ?\[/);
      const call = cloud.traffic.calls.find(each => each.service === 'neutron');
      assert.deepEqual(
        [call?.guest, call?.method, call?.path, call?.query, call?.status],
        ['a', 'GET', '/v2.0/ports', 'fields=id&limit=1', 200],
      );
      assert.match(call?.requestId ?? '', /^req-/);
      cloud.traffic.gate = each => (each.method === 'DELETE' ? 'refuse' : 'pass');
      await assert.rejects(curl('-X', 'DELETE', ports), /curl: \(52\)/);
      cloud.traffic.gate = () => 'pass';
    });

    it('speaks to the real client', async () => {
      const listed = JSON.parse(await cloud.openstack(['network', 'list', '-f', 'json']));
      assert.deepEqual(
        listed.map((each: { Name: string }) => each.Name),
        ['vms'],
      );
    });

    it('takes as many pairs as its limit says, and refuses one more', async () => {
      const pairs = Array.from({ length: 13 }, (_, index) => `10.20.0.${101 + index}`);
      await assert.rejects(setPairs(pairs), /AllowedAddressPairExhausted/);
      await setPairs(pairs.slice(1));
      await setPairs([]);
    });

    after(async () => {
      if (cloud === undefined) return;
      await cloud.down();
      assert.deepEqual(remains(cloud.place), []);
    });
  });
}

/** What is left of a lab on this machine. */
function remains({ dir, prefix }: Place): string[] {
  const found: string[] = existsSync(dir) ? [dir] : [];
  if (existsSync('/run/netns')) found.push(...readdirSync('/run/netns').filter(name => name.startsWith(prefix)));
  if (readFileSync('/proc/self/mounts', 'utf8').includes(dir)) found.push(`mounts of ${dir}`);
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      if (line.includes(`${dir}/`)) found.push(`${pid} ${line}`);
    } catch {
      // it has ended
    }
  }
  return found;
}
