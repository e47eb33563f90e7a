import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSysctl, sysctlFile } from './sysctl.ts';

test('takes dots, and slashes where a name has a dot, as sysctl(8) does', () => {
  assert.equal(sysctlFile('net.ipv4.conf.all.forwarding'), '/proc/sys/net/ipv4/conf/all/forwarding');
  assert.equal(sysctlFile('net/ipv4/conf/eth0.5/forwarding'), '/proc/sys/net/ipv4/conf/eth0.5/forwarding');
});

test('refuses a path that leads out of /proc/sys', () => {
  for (const path of ['net/../../passwd', '..', '', '/etc/passwd', 'net//ipv4', 'net..ipv4']) {
    assert.throws(() => sysctlFile(path), TypeError, path);
  }
});

test('reads a setting trimmed, and tells apart what the kernel does not have', () => {
  assert.match(readSysctl('kernel.pid_max') ?? '', /^\d+$/);
  assert.equal(readSysctl('net.ipv4.conf.no-such-link.forwarding'), undefined);
});
