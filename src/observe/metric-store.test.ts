import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MetricStore } from './metric-store.ts';
import { type Metric, metrics } from './metrics.ts';

const linesOf = (store: MetricStore, name: string) =>
  store
    .text()
    .split('\n')
    .filter(line => line.startsWith(name));

describe('the table of metrics', () => {
  it("keeps to Prometheus' conventions", () => {
    for (const [name, { type, help }] of Object.entries(metrics as Readonly<Record<string, Metric>>)) {
      assert.match(name, /^(kuryr|process)_[a-z_]+$/);
      assert.equal(name.endsWith('_total'), type === 'counter', `${name}: _total is for counters`);
      if (type === 'histogram') assert.match(name, /_seconds$/);
      assert.match(help, /\.$/, name);
    }
  });

  it('has no label for an id, an address or a URL', () => {
    for (const [name, { labels }] of Object.entries(metrics as Readonly<Record<string, Metric>>))
      for (const label of Object.keys(labels)) assert.doesNotMatch(label, /id|address|port|container|url|path/, name);
  });
});

describe('the metrics', () => {
  it('are written as Prometheus reads them, each with help and type', () => {
    const store = new MetricStore();
    store.add('kuryr_stage_failures_total', { stage: 'link', code: 'a"b\\c\nd' }, 2);
    const text = store.text();
    assert.match(text, /^# HELP kuryr_stage_failures_total \S.*\n# TYPE kuryr_stage_failures_total counter$/m);
    assert.ok(text.includes('kuryr_stage_failures_total{stage="link",code="a\\"b\\\\c\\nd"} 2\n'));
    assert.match(text, /\n$/);
    for (const line of text.trimEnd().split('\n'))
      assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="([^"\\\n]|\\["\\n])*",?)*\})? [-+\w.]+)$/);
  });

  it('count a duration in each bucket that it fits, and in all', () => {
    const store = new MetricStore();
    for (const seconds of [0.0005, 0.005, 0.3, 100])
      store.observe('kuryr_attach_stage_seconds', { stage: 'link', outcome: 'ok' }, seconds);
    const bucket = (le: string) =>
      linesOf(store, `kuryr_attach_stage_seconds_bucket{stage="link",outcome="ok",le="${le}"}`)[0]?.split(' ').at(-1);
    assert.deepEqual(['0.001', '0.0025', '0.005', '0.25', '0.5', '60', '+Inf'].map(bucket), [
      '1',
      '1',
      '2',
      '2',
      '3',
      '3',
      '4',
    ]);
    assert.deepEqual(linesOf(store, 'kuryr_attach_stage_seconds_count'), [
      'kuryr_attach_stage_seconds_count{stage="link",outcome="ok"} 4',
    ]);
    assert.match(linesOf(store, 'kuryr_attach_stage_seconds_sum')[0] ?? '', / 100\.3055$/);
  });

  it('have their counters from the start, so that the first count is a rate', () => {
    const store = new MetricStore();
    assert.deepEqual(linesOf(store, 'kuryr_sweeps_total'), [
      'kuryr_sweeps_total{outcome="ok"} 0',
      'kuryr_sweeps_total{outcome="failed"} 0',
    ]);
    assert.deepEqual(linesOf(store, 'kuryr_gc_runs_total'), ['kuryr_gc_runs_total 0']);
  });

  it('stay few whatever a cloud answers', () => {
    const store = new MetricStore();
    for (let status = 0; status < 5000; status++)
      store.add('kuryr_cloud_calls_total', {
        service: 'network',
        method: 'GET',
        resource: '/ports',
        status: `${status}`,
      });
    const lines = linesOf(store, 'kuryr_cloud_calls_total{');
    assert.ok(lines.length <= 501, `${lines.length} series`);
    const sum = lines.reduce((all, line) => all + Number(line.split(' ').at(-1)), 0);
    assert.equal(sum, 5000, 'none is lost');
  });

  it('ask their sources each time, and forget what a gauge told before', () => {
    const store = new MetricStore();
    let masters = ['eth0', 'eth1'];
    store.collect(readings => {
      for (const master of masters) readings.set('kuryr_pairs_used', { master }, 3);
    });
    assert.equal(linesOf(store, 'kuryr_pairs_used{').length, 2);
    masters = ['eth1'];
    assert.deepEqual(linesOf(store, 'kuryr_pairs_used{'), ['kuryr_pairs_used{master="eth1"} 3']);
  });
});
