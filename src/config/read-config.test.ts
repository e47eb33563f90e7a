import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { readConfig } from './read-config.ts';

const etc = '/etc/kuryr/kuryr.yaml';

function read(flags: Record<string, string>, env: Record<string, string> = {}, file?: string, path = etc) {
  return readConfig({ flags, env, readFile: async asked => (asked === path ? file : undefined) });
}

function refused(code: 'CONFIG_INVALID' | 'CONFIG_UNKNOWN' | 'CONFIG_UNREADABLE', saying: RegExp) {
  return (error: unknown) => isKuryrError(error, code) && saying.test(error.message);
}

describe('the configuration', () => {
  it('has a default for everything that is not found at run time', async () => {
    const { config, origins } = await read({});
    assert.deepEqual(config, {
      cloud: undefined,
      config: etc,
      dockerSocket: '/run/docker/plugins/kuryr.sock',
      holdSeconds: 60,
      hostAccess: 'on',
      link: 'ipvlan',
      logLevel: 'info',
      master: undefined,
      metricsListen: undefined,
      mode: 'l2',
      publishedPorts: 'allow',
      runDir: '/run/kuryr',
      serviceBackends: [],
      services: [],
      stateDir: '/var/lib/kuryr',
      wait: 'reachable',
      waitSeconds: 5,
    });
    assert.equal(origins.link.kind, 'default');
  });

  it('lets a flag win over a variable, a variable over the file, the file over the default', async () => {
    const file = 'master: ens9\nlink: macvlan\nwait-seconds: 9\nlog-level: warn\n';
    const { config, origins } = await read({ master: 'ens3' }, { KURYR_MASTER: 'ens4', KURYR_LINK: 'ipvlan' }, file);
    assert.deepEqual([config.master, config.link, config.waitSeconds, config.wait], ['ens3', 'ipvlan', 9, 'reachable']);
    assert.deepEqual(origins.master, { kind: 'flag', name: '--master' });
    assert.deepEqual(origins.link, { kind: 'variable', name: 'KURYR_LINK' });
    assert.deepEqual(origins['wait-seconds'], { kind: 'file', name: `wait-seconds in ${etc}` });
  });

  it('reads the file that a flag or a variable names, and misses one that is named and absent', async () => {
    const named = await read({ config: '/other.yaml' }, { KURYR_CONFIG: etc }, 'cloud: own', '/other.yaml');
    assert.equal(named.config.cloud, 'own');
    await assert.rejects(read({}, { KURYR_CONFIG: '/absent.yaml' }), refused('CONFIG_UNREADABLE', /no such file/));
  });

  it('names the nearest where a key or a variable is unknown', async () => {
    await assert.rejects(
      read({}, {}, 'mastr: ens3'),
      refused('CONFIG_UNKNOWN', /mastr .*kuryr\.yaml.*did you mean master/),
    );
    await assert.rejects(read({}, { KURYR_STATEDIR: '/x' }), refused('CONFIG_UNKNOWN', /did you mean KURYR_STATE_DIR/));
    await assert.rejects(read({}, {}, 'config: /x'), refused('CONFIG_UNKNOWN', /config/));
    await assert.rejects(read({}, {}, '__proto__: x'), refused('CONFIG_UNKNOWN', /__proto__/));
  });

  it('says where a bad value comes from and what it has to be', async () => {
    await assert.rejects(
      read({ link: 'veth' }),
      refused('CONFIG_INVALID', /"veth" \(--link\).*one of ipvlan, macvlan/),
    );
    await assert.rejects(
      read({}, { KURYR_WAIT_SECONDS: '1e9' }),
      refused('CONFIG_INVALID', /KURYR_WAIT_SECONDS.*0 to 60/),
    );
    await assert.rejects(read({}, {}, 'master: "ens3/../x"'), refused('CONFIG_INVALID', /master in .*interface name/));
    await assert.rejects(read({}, {}, 'master: [a]'), refused('CONFIG_INVALID', /a single value/));
    await assert.rejects(read({ 'state-dir': 'relative' }), refused('CONFIG_INVALID', /absolute path/));
    await assert.rejects(read({ 'run-dir': `/${'x'.repeat(100)}` }), refused('CONFIG_INVALID', /at most 94 bytes/));
    await assert.rejects(read({ master: 'sixteenletters16' }), refused('CONFIG_INVALID', /15 bytes/));
  });

  it('takes only a mode that the link has, and says why never l3', async () => {
    assert.equal((await read({ link: 'macvlan' })).config.mode, 'bridge');
    assert.equal((await read({ link: 'macvlan', mode: 'private' })).config.mode, 'private');
    await assert.rejects(read({ mode: 'bridge' }), refused('CONFIG_INVALID', /l2 where link is ipvlan/));
    for (const mode of ['l3', 'l3s']) {
      await assert.rejects(read({ mode }), error => isKuryrError(error, 'LINK_MODE_UNSUPPORTED'));
    }
  });

  it('takes ranges of services and of their backends in canonical form, and only where they can have an effect', async () => {
    const services = '10.96.0.0/12, FD96:0::/112';
    const { config } = await read({ services, 'service-backends': '10.0.0.0/24' });
    assert.deepEqual([config.services, config.serviceBackends], [['10.96.0.0/12', 'fd96::/112'], ['10.0.0.0/24']]);
    const wrong = [
      '10.96.0.1/12',
      '10.96.0.0',
      '0.0.0.0/0',
      '224.0.0.0/4',
      'fe80::/64',
      '::1/128',
      '10.96.0.0/12,',
      'x/8',
    ];
    for (const text of [...wrong, '10.96.0.0/12,10.96.0.0/12'])
      await assert.rejects(
        read({ services: text }),
        refused('CONFIG_INVALID', /--services.*such as 10\.96\.0\.0\/12/),
        text,
      );
    const off = read({ services: '10.96.0.0/12', 'host-access': 'off' });
    await assert.rejects(off, refused('CONFIG_INVALID', /--services.*left out where host-access is off/));
    await assert.rejects(
      read({}, { KURYR_SERVICE_BACKENDS: '10.0.0.0/24' }),
      refused('CONFIG_INVALID', /KURYR_SERVICE_BACKENDS.*left out without services/),
    );
  });

  it('serves metrics on the loopback alone', async () => {
    for (const listen of ['127.0.0.1:9654', '127.1.2.3:1', '[::1]:65535'])
      assert.equal((await read({ 'metrics-listen': listen })).config.metricsListen, listen);
    const wrong = [
      '0.0.0.0:9654',
      '[::]:9654',
      ':9654',
      '9654',
      'localhost:9654',
      '10.0.0.5:9654',
      '127.0.0.1',
      '::1:9654',
    ];
    for (const listen of [...wrong, '127.0.0.1:0', '127.0.0.1:65536', '127.0.0.256:1', '127.0.0.01:1', '127.0.0.1:80 '])
      await assert.rejects(
        read({ 'metrics-listen': listen }),
        refused('CONFIG_INVALID', /--metrics-listen.*an address of the loopback/),
        listen,
      );
  });

  it('refuses a file that is no mapping, has a key twice, or is no sensible size', async () => {
    for (const file of ['- a', 'text', 'link: ipvlan\nlink: macvlan', 'a: [', `cloud: ${'x'.repeat(70_000)}`]) {
      await assert.rejects(read({}, {}, file), error => isKuryrError(error, 'CONFIG_UNREADABLE'));
    }
  });

  it('takes an empty file and an empty variable for none', async () => {
    assert.equal((await read({}, { KURYR_LINK: '' }, '# nothing yet\n')).config.link, 'ipvlan');
  });

  it('refuses a file whose YAML its parser gives up, in a message of bounded length', async () => {
    const broken = ['link: &a ipvlan\nmode: *a\n', '<<: ipvlan\n', '['.repeat(60_000), `${'a'.repeat(60_000)}: 1\n`];
    for (const text of broken) {
      const short = (error: unknown) => isKuryrError(error) && error.message.length < 1000;
      await assert.rejects(read({}, {}, text), short, text.slice(0, 40));
    }
    await assert.rejects(read({}, {}, broken[0]), refused('CONFIG_UNREADABLE', /aliases/));
  });
});
