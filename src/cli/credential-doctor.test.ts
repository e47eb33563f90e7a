/** Doctor on the embedded cloud; test/access asks the same on a real one. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext } from 'node:test';
import { type CloudOptions, startCloud } from '../../cloud/index.ts';
import { toldApart, toldUnaware, type VmOf } from '../doctor/credential-told.ts';
import { silentLogger } from '../observe/logger.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import { systemRandom } from '../time/random.ts';
import { systemClock } from '../time/system-clock.ts';

const signal = () => AbortSignal.timeout(20_000);

/** A VM of the user demo, on a network of demo's or one that demo2 has shared with all. */
function vmsOf(options: CloudOptions): VmOf {
  return async (t, on = 'own') => {
    const embedded = await startCloud({ ...options, report: error => assert.fail(String(error)) });
    t.after(() => embedded.close());
    const open = (yaml: string) => opened(t, yaml);
    const [user, owner, admin] = await Promise.all([
      open(embedded.cloudsYaml('demo')),
      open(embedded.cloudsYaml('demo2')),
      open(embedded.cloudsYaml('admin')),
    ]);
    const ask = async (cloud: typeof user, method: string, path: string, body: object) => {
      const { token, endpoint } = await cloud.authorization(signal());
      const headers = { 'x-auth-token': token.reveal(), 'content-type': 'application/json' };
      const answer = await fetch(`${endpoint}${path}`, { method, headers, body: JSON.stringify(body) });
      const text = await answer.text();
      assert.ok(answer.ok, text);
      return JSON.parse(text) as { network: { id: string }; port: { id: string } };
    };
    const whose = on === 'own' ? user : owner;
    const { network } = await ask(whose, 'POST', '/networks', { network: { name: 'lan' } });
    await ask(whose, 'POST', '/subnets', { subnet: { network_id: network.id, cidr: '10.0.0.0/24', ip_version: 4 } });
    if (on === 'shared') await ask(admin, 'PUT', `/networks/${network.id}`, { network: { shared: true } });
    const { port } = await ask(user, 'POST', '/ports', {
      port: { network_id: network.id, device_owner: 'compute:nova' },
    });
    return { user, open, port: await user.neutron.port(port.id, signal()) };
  };
}

async function opened(t: TestContext, yaml: string) {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-credential-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'clouds.yaml');
  await writeFile(file, yaml);
  const cloud = await openCloud({
    ...{ cwd: '/', home: '/', env: { OS_CLIENT_CONFIG_FILE: file }, readFile: path => readFile(path, 'utf8') },
    ...{ clock: systemClock, random: systemRandom, logger: silentLogger },
  });
  t.after(() => cloud.close());
  return cloud;
}

describe('doctor tells apart, on the embedded cloud', () => toldApart(vmsOf({})));
describe('doctor tells apart, on the embedded cloud without service_type', () =>
  toldUnaware(vmsOf({ accessRules: 'refused' })));
