import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startCloud } from '../../cloud/index.ts';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { silentLogger } from '../observe/logger.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import { systemRandom } from '../time/random.ts';
import { systemClock } from '../time/system-clock.ts';
import { dispatch } from './dispatch.ts';

/** An embedded cloud with a network of two VMs and a router, and the shell of a user of its project. */
class Bench {
  readonly folder: string;
  readonly network: string;
  readonly vms: readonly string[];
  readonly other: string;

  private constructor(folder: string, network: string, vms: readonly string[], other: string) {
    this.folder = folder;
    this.network = network;
    this.vms = vms;
    this.other = other;
  }

  static async open(t: TestContext): Promise<Bench> {
    const cloud = await startCloud({ report: error => assert.fail(String(error)) });
    t.after(() => cloud.close());
    const folder = await mkdtemp(join(tmpdir(), 'kuryr-credential-'));
    t.after(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'clouds.yaml'), cloud.cloudsYaml('demo'));
    const demo = await Bench.#cloud(join(folder, 'clouds.yaml'));
    t.after(() => demo.close());
    const { token, endpoint } = await demo.authorization(AbortSignal.timeout(10_000));
    const make = async (kind: string, body: object) => {
      const headers = { 'x-auth-token': token.reveal(), 'content-type': 'application/json' };
      const request = { method: 'POST', headers, body: JSON.stringify({ [kind]: body }) };
      const answer = (await (await fetch(`${endpoint}/${kind}s`, request)).json()) as Record<string, { id: string }>;
      return answer[kind]?.id ?? assert.fail(JSON.stringify(answer));
    };
    const network = await make('network', { name: 'lan' });
    const vm = (server: string) => ({ network_id: network, device_id: server, device_owner: 'compute:nova' });
    const vms = [await make('port', vm('server-1')), await make('port', vm('server-2'))];
    return new Bench(folder, network, vms, await make('port', { network_id: network }));
  }

  /** The cloud that the file is of. */
  static #cloud(file: string) {
    return openCloud({
      ...{ cwd: '/', home: '/', env: { OS_CLIENT_CONFIG_FILE: file }, readFile: path => readFile(path, 'utf8') },
      ...{ clock: systemClock, random: systemRandom, logger: silentLogger },
    });
  }

  /** `kuryr credential` as the user of that clouds.yaml types it. */
  async type(args: readonly string[], clouds = 'clouds.yaml') {
    const [out, err]: string[][] = [[], []];
    const terminal = {
      out: (text: string) => out?.push(text),
      err: (text: string) => err?.push(text),
      env: { OS_CLIENT_CONFIG_FILE: join(this.folder, clouds) },
      readFile: async () => undefined,
      run: () => assert.fail('it runs nothing'),
    };
    const code = await dispatch(['credential', ...args], terminal, AbortSignal.timeout(20_000));
    return { code, out: out?.join('\n') ?? '', err: err?.join('\n') ?? '' };
  }

  /** How long the user's application credential of that name lives from now, milliseconds. */
  async lifetimeMs(name: string): Promise<number> {
    const demo = await Bench.#cloud(join(this.folder, 'clouds.yaml'));
    try {
      const { token, userId } = await demo.authorization(AbortSignal.timeout(10_000));
      const url = `${demo.config.authUrl}/users/${userId}/application_credentials?name=${name}`;
      const answer = await fetch(url, { headers: { 'x-auth-token': token.reveal() } });
      const { application_credentials } = (await answer.json()) as {
        application_credentials: [{ expires_at: string }];
      };
      return Date.parse(`${application_credentials[0].expires_at.replace(/Z?$/, 'Z')}`) - systemClock.now();
    } finally {
      await demo.close();
    }
  }

  /** What the holder of that clouds.yaml may do: the codes of what it is refused. */
  async holder(t: TestContext, yaml: string) {
    const file = join(this.folder, 'vm.yaml');
    await writeFile(file, yaml);
    const { neutron, ...cloud } = await Bench.#cloud(file);
    t.after(() => cloud.close());
    const signal = AbortSignal.timeout(20_000);
    const outcome = (call: Promise<unknown>) =>
      call.then(
        () => 'done',
        error => (isKuryrError(error) ? error.code : String(error)),
      );
    return {
      write: (id: string) => outcome(neutron.updatePort(id, { description: 'x' }, undefined, signal)),
      life: async () => {
        const port = { name: 'kuryr-1', network_id: this.network, fixed_ips: [], device_owner: 'kuryr:container' };
        const made = await neutron.createPort({ ...port, device_id: 'kuryr:x', admin_state_up: false }, signal);
        await neutron.deletePort(made.id, signal);
        await neutron.extensions(signal);
        await Promise.all([
          neutron.networks({ id: this.network }, signal),
          neutron.subnets({}, signal),
          neutron.ports({}, signal),
        ]);
      },
      roles: async () => (await cloud.authorization(signal)).roles,
      /** A clouds.yaml with a token of it alone. */
      byToken: async () => {
        const { token } = await cloud.authorization(signal);
        const auth = { auth_url: cloud.config.authUrl, token: token.reveal() };
        return JSON.stringify({ clouds: { vm: { auth_type: 'v3token', auth } } });
      },
    };
  }
}

describe('kuryr credential create', () => {
  it('makes a clouds.yaml that does for one VM what Kuryr needs, and writes to no other port', async t => {
    const bench = await Bench.open(t);
    const [own = '', other = ''] = bench.vms;
    const { code, out, err } = await bench.type(['create', 'vm-1', '--port', own]);
    assert.equal(code, 0, err);
    const holder = await bench.holder(t, out);
    await holder.life();
    assert.equal(await holder.write(own), 'done');
    assert.equal(await holder.write(other), 'ACCESS_RULE_MISSING');
    assert.deepEqual(await holder.roles(), ['member']);
    assert.match(err, new RegExp(`may write ${own}`));
  });

  it('is for all VMs of a network, and for no port there that is not a VM’s', async t => {
    const bench = await Bench.open(t);
    const { out } = await bench.type(['create', 'fleet', '--network', 'lan']);
    const holder = await bench.holder(t, out);
    for (const vm of bench.vms) assert.equal(await holder.write(vm), 'done');
    assert.equal(await holder.write(bench.other), 'ACCESS_RULE_MISSING');
  });

  it('is for all ports of a server', async t => {
    const bench = await Bench.open(t);
    const { out } = await bench.type(['create', 'vm-2', '--server', 'server-2']);
    const holder = await bench.holder(t, out);
    assert.equal(await holder.write(bench.vms[1] ?? ''), 'done');
    assert.equal(await holder.write(bench.vms[0] ?? ''), 'ACCESS_RULE_MISSING');
  });

  it('writes the file for its owner alone, and shows the secret nowhere else', async t => {
    const bench = await Bench.open(t);
    const file = join(bench.folder, 'for-the-vm.yaml');
    const { code, out, err } = await bench.type(['create', 'vm-1', '--server', 'server-1', '--out', file]);
    assert.equal(code, 0, err);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const secret = /application_credential_secret: (\S+)/.exec(await readFile(file, 'utf8'))?.[1];
    assert.ok(secret !== undefined);
    assert.ok(!`${out}${err}`.includes(secret));
  });

  it('overwrites no file, and makes no credential then', async t => {
    const bench = await Bench.open(t);
    const args = ['create', 'vm-1', '--server', 'server-1', '--out', join(bench.folder, 'clouds.yaml')];
    assert.match((await bench.type(args)).err, /FILE_EXISTS/);
    assert.equal((await bench.type(args.slice(0, 4))).code, 0, 'the name is free');
  });

  it('leaves no empty file where the cloud refuses, and says what to do', async t => {
    const bench = await Bench.open(t);
    await bench.type(['create', 'vm-1', '--server', 'server-1']);
    const before = await readdir(bench.folder);
    const out = ['--out', join(bench.folder, 'new.yaml')];
    const again = await bench.type(['create', 'vm-1', '--server', 'server-1', ...out]);
    assert.match(again.err, /application credential vm-1 already.*\n.*\[CREDENTIAL_EXISTS\]/);
    assert.deepEqual(await readdir(bench.folder), before);
  });

  it('cannot be made with a credential that it has made', async t => {
    const bench = await Bench.open(t);
    await bench.type(['create', 'first', '--server', 'server-1', '--out', join(bench.folder, 'vm.yaml')]);
    const { err } = await bench.type(['create', 'second', '--server', 'server-1'], 'vm.yaml');
    assert.match(err, /--unrestricted.*\[CREDENTIAL_FORBIDDEN\]/);
  });

  it('tells who has no port, and which roles there are', async t => {
    const bench = await Bench.open(t);
    assert.match((await bench.type(['create', 'a'])).err, /none was named.*\n.*\[CREDENTIAL_PORTS_MISSING\]/);
    assert.match(
      (await bench.type(['create', 'a', '--port', 'none'])).err,
      /no port none.*\n.*CREDENTIAL_PORTS_MISSING/,
    );
    assert.match((await bench.type(['create', 'a', '--server', 'x'])).err, /server x.*\n.*CREDENTIAL_PORTS_MISSING/);
    assert.match(
      (await bench.type(['create', 'a', '--network', 'x'])).err,
      /network is x.*\n.*CREDENTIAL_PORTS_MISSING/,
    );
    const role = await bench.type(['create', 'a', '--server', 'server-1', '--role', 'admin']);
    assert.match(role.err, /no role admin on the project; there are: member.*\n.*CREDENTIAL_ROLE_MISSING/);
  });

  it('serves by a token of it alone, which is told as limited too', async t => {
    const bench = await Bench.open(t);
    const [own = '', other = ''] = bench.vms;
    const { out } = await bench.type(['create', 'vm-1', '--port', own]);
    const holder = await bench.holder(t, await (await bench.holder(t, out)).byToken());
    assert.equal(await holder.write(own), 'done');
    assert.equal(await holder.write(other), 'ACCESS_RULE_MISSING');
  });

  it('ends by itself after so many days', async t => {
    const bench = await Bench.open(t);
    const { code, err } = await bench.type(['create', 'short', '--server', 'server-1', '--days', '30']);
    assert.equal(code, 0, err);
    assert.ok(Math.abs((await bench.lifetimeMs('short')) - 30 * 86_400_000) < 3_600_000);
    assert.match((await bench.type(['create', 'x', '--server', 'server-1', '--days', 'soon'])).err, /CONFIG_INVALID/);
  });
});
