/** The client of the cloud before a real Keystone and Neutron, configured as users do. Needs root. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe } from 'node:test';
import { authenticationTests } from './authentication.ts';
import { Bench } from './bench.ts';
import { expiryTests } from './expiry.ts';
import { leastTests } from './least.ts';
import { metadataTests } from './metadata.ts';
import { proxyTests } from './proxy.ts';
import { accessRuleTests } from './rules.ts';
import { tlsTests } from './tls.ts';
import { toldTests } from './told.ts';
import { writeTests } from './writes.ts';

describe('access to a real cloud', () => {
  let up: Bench | undefined;
  const bench = (): Bench => up ?? assert.fail('the cloud is not up');

  before(async () => {
    up = await Bench.up(line => console.log(line), new AbortController().signal);
  });
  after(async () => {
    await up?.down();
    assert.ok(up === undefined || !existsSync(up.lab.place.dir), 'the lab has left its folder behind');
  });

  authenticationTests(bench);
  expiryTests(bench);
  accessRuleTests(bench);
  leastTests(bench);
  toldTests(bench);
  tlsTests(bench);
  proxyTests(bench);
  writeTests(bench);
  metadataTests(bench);
});
