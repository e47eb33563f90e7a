import { readdirSync } from 'node:fs';
import type { Attachments } from '../attach/attachments.ts';
import type { AttachmentRecord, Records } from '../attach/records.ts';
import type { FlipWatch } from '../hostaccess/flip-watch.ts';
import type { Kernel } from '../linux/kernel.ts';
import type { HealthBoard } from '../observe/health-board.ts';
import { healthCodes } from '../observe/health-codes.ts';
import type { MetricStore, Readings } from '../observe/metric-store.ts';
import { metrics } from '../observe/metrics.ts';
import type { PairView } from '../pairs/pair-writer.ts';

export interface ReadingsParts {
  readonly kernel: Pick<Kernel, 'links'>;
  readonly records: Records;
  readonly attachments: Attachments;
  readonly flips: Pick<FlipWatch, 'total'>;
  readonly writers: { views(): readonly { readonly port: string; readonly view: PairView }[] };
  readonly health: HealthBoard;
  readonly version: string;
}

/** Lets the store read, whenever it is asked for its text, what the daemon knows anyway. Neither cloud nor engine is asked. */
export function collectReadings(store: MetricStore, parts: ReadingsParts): void {
  store.collect(readings => {
    readings.set('kuryr_build_info', { version: parts.version, node: process.versions.node }, 1);
    readings.set('kuryr_flips_put_back_total', {}, parts.flips.total);
    readAttachments(readings, parts);
    readPairs(readings, parts);
    readHealth(readings, parts.health);
    readProcess(readings);
  });
}

function readAttachments(readings: Readings, { records, attachments }: ReadingsParts): void {
  const all = records.attachments().map(record => stateOf(record, attachments));
  for (const state of metrics.kuryr_attachments.labels.state)
    readings.set('kuryr_attachments', { state }, all.filter(each => each === state).length);
  const loose = records
    .holdings()
    .filter(({ attachment }) => attachment === undefined)
    .map(({ ending, purpose }) => (ending ? 'ending' : purpose === 'aside' ? 'aside' : 'provisional'));
  for (const state of metrics.kuryr_addresses_loose.labels.state)
    readings.set('kuryr_addresses_loose', { state }, loose.filter(each => each === state).length);
}

function stateOf({ id, link, ending }: AttachmentRecord, attachments: Attachments) {
  if (ending) return 'ending';
  const reached = attachments.reachedBy(id);
  if (reached.length > 0) return reached.every(({ reachable }) => reachable) ? 'reachable' : 'unseen';
  return link === undefined ? 'named' : 'linked';
}

function readPairs(readings: Readings, { kernel, records, writers }: ReadingsParts): void {
  const names = new Map(kernel.links('host').map(({ ifindex, name }) => [ifindex, name]));
  const masters = new Map(records.attachments().map(({ vmPort, link }) => [vmPort, names.get(link?.master ?? 0)]));
  for (const { port, view } of writers.views()) {
    const master = masters.get(port);
    if (master === undefined) continue;
    readings.set('kuryr_pairs_used', { master }, view.used);
    if (view.limit !== undefined) readings.set('kuryr_pairs_limit', { master }, view.limit);
  }
}

function readHealth(readings: Readings, health: HealthBoard): void {
  const set = new Set(health.report().problems.map(({ code }) => code as string));
  for (const [code, { severity }] of Object.entries(healthCodes))
    readings.set('kuryr_health', { code, severity }, set.has(code) ? 1 : 0);
}

function readProcess(readings: Readings): void {
  const { user, system } = process.cpuUsage();
  readings.set('process_cpu_seconds_total', {}, (user + system) / 1e6);
  readings.set('process_resident_memory_bytes', {}, process.memoryUsage.rss());
  readings.set('process_open_fds', {}, readdirSync('/proc/self/fd').length);
  readings.set('process_start_time_seconds', {}, Math.round(Date.now() / 1000 - process.uptime()));
}
