import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlainGet } from '../openstack/plain-get.ts';
import { FakeClock } from '../time/fake-clock.ts';
import { type MetadataEdges, ownPortIds } from './metadata.ts';

const signal = new AbortController().signal;
const ID = '0a2f8f0e-1111-4222-8333-444455556666';
/** As Nova writes it. */
const BODY = JSON.stringify({
  links: [{ id: 'tap0a2f8f0e-11', vif_id: ID, type: 'ovs', mtu: 1450, ethernet_mac_address: 'fa:16:3e:aa:00:00' }],
  networks: [{ id: 'network0', type: 'ipv4_dhcp', link: 'tap0a2f8f0e-11' }],
  services: [],
});
const nothing = () => Promise.reject(new Error('nothing there'));

function ask(edges: Partial<MetadataEdges>, life = signal) {
  const clock = new FakeClock();
  const ids = ownPortIds({ get: nothing, read: nothing, clock, ...edges }, life);
  ids.catch(() => {});
  return { clock, ids };
}

test('reads the port ids that the metadata service tells', async () => {
  const urls: string[] = [];
  const get = async ({ url }: PlainGet) => {
    urls.push(url);
    return { status: 200, body: BODY };
  };
  assert.deepEqual(await ask({ get }).ids, [ID]);
  assert.deepEqual(urls, ['http://169.254.169.254/openstack/latest/network_data.json']);
});

test('reads them from a mounted config drive where no service answers in time', async () => {
  const files: Record<string, string> = {
    '/proc/self/mounts':
      '/dev/vda1 / ext4 rw 0 0\n/dev/sr1 /media/cd iso9660 ro 0 0\n/dev/sr0 /mnt/config\\0402 iso9660 ro 0 0\n',
    '/mnt/config 2/openstack/latest/network_data.json': BODY,
  };
  const read = async (path: string) => files[path] ?? nothing();
  const get = (_: PlainGet, bound: AbortSignal) =>
    new Promise<never>((_, reject) => bound.addEventListener('abort', () => reject(bound.reason)));
  const { clock, ids } = ask({ get, read });
  await clock.advance(3_000);
  assert.deepEqual(await ids, [ID]);
});

test('knows nothing where there is neither, and believes nothing that is not in the format', async () => {
  assert.equal(await ask({}).ids, undefined);
  for (const body of [
    '',
    '<html>',
    '{}',
    '{"links":[{"vif_id":"../x"}]}',
    `{"links":${JSON.stringify(Array(300).fill({}))}}`,
  ]) {
    assert.equal(await ask({ get: async () => ({ status: 200, body }) }).ids, undefined, body);
  }
  assert.equal(await ask({ get: async () => ({ status: 404, body: BODY }) }).ids, undefined);
});

test('passes on that the caller gave up', async () => {
  await assert.rejects(ask({}, AbortSignal.abort(new Error('enough'))).ids, /enough/);
});
