import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { messages } from './messages.ts';

const join = (SandboxKey: unknown) =>
  v.safeParse(messages.join, { NetworkID: 'a1', EndpointID: 'b2', SandboxKey }).success;

test('takes a plain absolute sandbox path alone', () => {
  assert.ok(join('/var/run/docker/netns/0a1b2c3d4e5f'));
  const nasty = [
    ...['', 'netns/a', '//a', '/a//b', '/a/', '/var/run/../../etc/shadow', '/var/run/docker/netns/..', '/./a'],
    ...['/a b', '/a\n', '/a\0', '/ä', `/${'a'.repeat(512)}`, 7, null, ['/a'], { path: '/a' }],
  ];
  assert.deepEqual(
    nasty.filter(path => join(path)),
    [],
  );
});

test('takes ids of libnetwork alone', () => {
  const id = (EndpointID: unknown) => v.safeParse(messages.endpoint, { NetworkID: 'a1', EndpointID }).success;
  assert.ok(id('0'.repeat(64)));
  assert.deepEqual(
    ['', '0'.repeat(65), '../a', 'A1', 'a/b', 'ä', 7, null].filter(each => id(each)),
    [],
  );
});
