import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import type { HttpAnswer } from '../../src/openstack/http.ts';
import type { Port } from '../../src/openstack/neutron.ts';
import { one, portSchema } from '../../src/openstack/neutron-wire.ts';
import { openCloud } from '../../src/openstack/open-cloud.ts';
import { systemRandom } from '../../src/time/random.ts';
import { askControl } from '../wire/raw-http.ts';
import { assertControlAnswer, assertDockerAnswer } from './answers.ts';
import { assertSound, type Bed, FOREIGN, livedIn } from './bed.ts';
import { CloudHttp, cloudsYaml, honestly, SECRETS } from './cloud-http.ts';
import { type Fault, faults, liar } from './cloud-lies.ts';
import { hastyClock } from './hasty-clock.ts';
import { KeptLogger } from './kept-logger.ts';
import { onlyFile } from './only-file.ts';
import { target } from './target.ts';

type Stage = Awaited<ReturnType<typeof open>>;

async function open() {
  const logger = new KeptLogger();
  const made: CloudHttp[] = [];
  const bed = await livedIn(async vm => {
    const http = new CloudHttp(vm.neutron);
    made.push(http);
    const { neutron } = await openCloud({
      ...{ cloud: 'fuzz', env: {}, cwd: '/', home: '/', clock: hastyClock, random: systemRandom, logger },
      readFile: onlyFile('/clouds.yaml', cloudsYaml),
      wrapHttp: () => http,
    });
    return { neutron, clock: hastyClock, logger };
  });
  const [http] = made;
  assert.ok(http !== undefined);
  const { vm } = bed;
  // A pair of somebody with a newer Neutron, and a taste of his own.
  const odd = { ip_address: '192.0.2.128/25', mac_address: 'FA:16:3E:AA:AA:AA', note: { of: ['its', 'owner'] } };
  const pairs = vm.neutron.peek(vm.port.id)?.allowed_address_pairs ?? [];
  vm.neutron.meddle(vm.port.id, { allowed_address_pairs: [odd, ...pairs] });
  // Ports of others on the same network: a server's, and the reservation of another VM's container.
  vm.neutron.addPort({ network_id: vm.network.id, device_owner: 'compute:nova', device_id: 'a-server' });
  const others = { device_owner: 'kuryr:container', device_id: 'kuryr:another-vm-port', name: 'kuryr-of-another' };
  vm.neutron.addPort({ network_id: vm.network.id, ...others });
  const told: Port[] = [];
  return { ...bed, logger, http, foreign: foreignPorts(vm), told };
}

/** All ports that are neither the VM's nor reservations of its containers. */
function foreignPorts(vm: Bed['vm']) {
  return vm.neutron.peekAll().filter(({ id, device_id }) => id !== vm.port.id && device_id !== `kuryr:${vm.port.id}`);
}

/** A container's life, and what an operator asks meanwhile; each answer is judged, and none has to be good. */
async function live(stage: Stage): Promise<void> {
  const { engine, world } = stage;
  const ask = async (verb: string, body: object) => {
    const raw = await engine.ask(verb, body);
    assertDockerAnswer(raw, verb);
    assertNoSecret(raw.body);
    return JSON.parse(raw.body) as Record<string, unknown>;
  };
  const endpoint = { NetworkID: world.network, EndpointID: 'f'.repeat(64) };
  await ask('IpamDriver.RequestPool', { Pool: '10.30.0.0/24', Options: {}, V6: false });
  const { Address = '10.30.0.99/24' } = await ask('IpamDriver.RequestAddress', { PoolID: world.pool4, Address: '' });
  await ask('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: { Address } });
  await operate(stage, 'GET', '/v1/status');
  await ask('NetworkDriver.Join', { ...endpoint, SandboxKey: '/var/run/docker/netns/ffffffffffff' });
  await operate(stage, 'POST', '/v1/gc', '{"dryRun":false}');
  await operate(stage, 'POST', '/v1/network-plan', '{"name":"net"}');
  await ask('NetworkDriver.DeleteEndpoint', endpoint);
  await ask('IpamDriver.ReleaseAddress', { PoolID: world.pool4, Address: String(Address).split('/')[0] });
}

/** What an operator asks, as an answer that may be good or bad. */
async function operate({ rig }: Stage, method: string, path: string, body = ''): Promise<void> {
  const raw = await askControl(rig.control, method, path, body);
  assertControlAnswer(raw, `${method} ${path}`);
  assertNoSecret(raw.body);
}

function assertNoSecret(text: string): void {
  for (const [what, secret] of Object.entries(SECRETS))
    assert.equal(text.includes(secret), false, `the ${what} is shown: ${text.slice(0, 500)}`);
}

/** What was sent was asked for by somebody, and spared what others have, as far as the cloud told of it. */
function assertSpared(stage: Stage): void {
  const { http, vm, foreign } = stage;
  assert.deepEqual(foreignPorts(vm), foreign, 'ports of others are as they were');
  for (const { request, answer } of http.exchanges.splice(0)) {
    const { method, url, body = '', headers } = request;
    if (url.includes('/v3/')) continue;
    const own = url.endsWith(`/ports/${vm.port.id}`);
    const port = method === 'GET' && own && 'body' in answer ? portIn(answer, vm.port.id) : undefined;
    if (port !== undefined) stage.told.push(port);
    if (method === 'DELETE') assert.ok(!own, "the VM's own port is never deleted");
    if (method === 'POST') assert.equal(JSON.parse(body).port.device_id, `kuryr:${vm.port.id}`);
    if (method !== 'PUT' || !own) continue;
    const written: readonly object[] = JSON.parse(body).port.allowed_address_pairs;
    // The question for the limit: 2000 entries without an address, which no Neutron takes.
    if (written.length === 2000) continue;
    const revision = Number(headers['if-match']?.replace('revision_number=', ''));
    assert.ok(
      stage.told.some(read => read.revision_number === revision && foreignIn(read).every(pair => has(written, pair))),
      `${JSON.stringify(written)} has all foreign pairs of what was read at ${revision}`,
    );
  }
}

const has = (list: readonly object[], pair: object) => list.some(each => isDeepStrictEqual(each, pair));
const foreignIn = (port: Port) =>
  port.allowed_address_pairs.filter(pair => !/^(10\.30\.0|fd30:)/.test(pair.ip_address));

/** The port of an answer that can be believed to be one. */
function portIn({ status, body }: HttpAnswer, id: string): Port | undefined {
  if (status < 200 || status > 299) return undefined;
  try {
    const parsed = v.safeParse(one('port', portSchema, id), JSON.parse(body));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/** The pairs as they would be had the cloud never lied about them: what it told of is kept, whatever it was. */
function forgetLies({ rig, vm }: Stage): void {
  const held = rig.holdings().map(({ pair }) => pair?.address);
  const pair = (ip_address: string) => ({ ip_address, mac_address: vm.port.mac_address });
  const standing = vm.neutron.peek(vm.port.id)?.allowed_address_pairs ?? [];
  const own = standing.filter(each => held.includes(each.ip_address) && isDeepStrictEqual(each, pair(each.ip_address)));
  vm.neutron.meddle(vm.port.id, { allowed_address_pairs: [pair(FOREIGN), ...own] });
}

/** Broken or malicious, the cloud gets no more than an error: what it told of others is kept, and afterwards all goes on. */
export const cloudAnswers = target<Stage, readonly Fault[]>({
  name: 'whatever the cloud answers, calls end with success or a code, no secret is shown, and what others have is kept',
  runs: 10,
  open,
  inputs: () => faults,
  async check(stage, list) {
    stage.http.lie = liar(list);
    try {
      await live(stage);
    } finally {
      stage.http.lie = honestly;
    }
    for (const line of stage.logger.lines.splice(0)) {
      assertNoSecret(line);
      assert.doesNotMatch(line, /\bINTERNAL\b/);
    }
    assertSpared(stage);
  },
  async finish(stage) {
    forgetLies(stage);
    await assertSound(stage, () => operate(stage, 'POST', '/v1/gc', '{"dryRun":false}'));
  },
});
