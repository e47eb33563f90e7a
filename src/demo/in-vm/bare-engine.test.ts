import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { BareEngine } from './bare-engine.ts';

const address = '10.40.0.20';
const answers: Readonly<Record<string, object>> = {
  'IpamDriver.RequestPool': { PoolID: 'pool' },
  'IpamDriver.RequestAddress': { Address: `${address}/24` },
  'NetworkDriver.Join': { InterfaceName: { SrcName: 'link', DstPrefix: 'eth' }, Gateway: '10.40.0.1' },
};

describe('the engine of namespaces', () => {
  let folder: string;
  let server: Server;
  let engine: BareEngine;
  let asked: string[];
  /** The verb that Kuryr refuses. */
  let refused: string;
  const path = process.env['PATH'];

  beforeEach(async () => {
    asked = [];
    refused = '';
    folder = await mkdtemp(join(tmpdir(), 'kuryr-engine-'));
    const socket = join(folder, 'kuryr.sock');
    server = createServer((request, response) => {
      const verb = (request.url ?? '').slice(1);
      json(request).then(body => {
        const { Address } = body as { Address?: string };
        asked.push(Address ? `${verb} ${Address}` : verb);
        response.end(JSON.stringify(verb === refused ? { Err: 'refused' } : (answers[verb] ?? {})));
      });
    });
    await new Promise<void>(resolve => server.listen(socket, resolve));
    engine = new BareEngine({ socket, stateFile: join(folder, 'engine.json') });
    // An ip(8) that does all but move a link, and delete what it never made.
    await writeFile(
      join(folder, 'ip'),
      `#!/bin/sh
      case "$*" in
        "netns add "*) : >${folder}/$3 ;;
        "netns delete "*) rm ${folder}/$3 ;;
        "link set "*) [ ! -e ${folder}/immovable ] ;;
      esac`,
      { mode: 0o755 },
    );
    process.env['PATH'] = `${folder}:${path}`;
    await engine.network('10.40.0.0/24');
    asked = [];
  });
  afterEach(async () => {
    process.env['PATH'] = path;
    server.close();
    server.closeAllConnections();
    await rm(folder, { recursive: true });
  });

  const removal = ['NetworkDriver.Leave', 'NetworkDriver.DeleteEndpoint', `IpamDriver.ReleaseAddress ${address}`];

  it('runs a container and removes it', async () => {
    assert.equal(await engine.run('web'), address);
    assert.deepEqual(Object.keys(await engine.containers()), ['web']);
    asked = [];
    await engine.remove('web');
    assert.deepEqual(asked, removal);
    assert.deepEqual(await engine.containers(), {});
  });

  for (const verb of ['NetworkDriver.CreateEndpoint', 'NetworkDriver.Join'])
    it(`gives back the address of a container whose ${verb} was refused`, async () => {
      refused = verb;
      await assert.rejects(engine.run('web'), /refused/);
      asked = [];
      await engine.remove('web');
      assert.deepEqual(asked, removal);
      assert.deepEqual(await engine.containers(), {});
    });

  it('gives back the address of a container whose link could not be moved', async () => {
    await writeFile(join(folder, 'immovable'), '');
    await assert.rejects(engine.run('web'), /link set/);
    await engine.remove('web');
    assert.deepEqual(asked.slice(-3), removal);
  });

  it('runs no second container of a name, and takes no address for it', async () => {
    await engine.run('web');
    asked = [];
    await assert.rejects(engine.run('web'), /there is a container web already/);
    assert.deepEqual(asked, []);
  });
});
