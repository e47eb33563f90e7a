import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isExempt, proxySettings, shownProxy } from './proxy.ts';

const exempts = (no_proxy: string, url: string) => isExempt(new URL(url), proxySettings({ no_proxy }).exempt);

test('exempts what an entry of NO_PROXY names, as curl and requests read it', () => {
  for (const [entries, url] of [
    ['cloud.test', 'http://cloud.test/'],
    ['cloud.test', 'https://keystone.cloud.test:5000/'],
    ['.cloud.test', 'http://cloud.test/'],
    ['*.cloud.test', 'http://a.cloud.test/'],
    ['Cloud.Test.', 'http://cloud.test./'],
    ['a, b  cloud.test', 'http://cloud.test/'],
    ['cloud.test:5000', 'http://cloud.test:5000/'],
    ['cloud.test:443', 'https://cloud.test/'],
    ['*', 'http://anything/'],
    ['10.0.0.0/8', 'http://10.1.2.3:9696/'],
    ['10.1.2.3:9696', 'http://10.1.2.3:9696/'],
    ['fd00::/8', 'http://[fd00::5]:9696/'],
    ['fd00::5', 'http://[fd00::5]/'],
    ['[fd00::5]:9696', 'http://[fd00::5]:9696/'],
  ] as const) {
    assert.equal(exempts(entries, url), true, `${entries} ${url}`);
  }
});

test('exempts nothing else', () => {
  for (const [entries, url] of [
    ['', 'http://cloud.test/'],
    ['cloud.test', 'http://xcloud.test/'],
    ['cloud.test', 'http://cloud.test.example/'],
    ['cloud.test:5000', 'http://cloud.test:9696/'],
    ['cloud.test:80', 'https://cloud.test/'],
    ['10.0.0.0/8', 'http://11.1.2.3/'],
    ['10.0.0.0/8', 'http://10.cloud.test/'],
    ['0.0.0.0/0', 'http://[fd00::5]/'],
    ['[fd00::5]:1', 'http://[fd00::5]:2/'],
  ] as const) {
    assert.equal(exempts(entries, url), false, `${entries} ${url}`);
  }
});

test('shows a proxy without its password', () => {
  assert.equal(shownProxy('http://user:hunter2@proxy:3128/'), 'http://proxy:3128');
  assert.equal(shownProxy('socks5://user:hunter2@proxy:1080'), 'socks5://proxy:1080');
});
