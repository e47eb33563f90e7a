import type { Meter } from './meter.ts';
import {
  buckets,
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type Metric,
  type MetricName,
  metrics,
} from './metrics.ts';

/** Where a source puts what it reads at the time of asking. */
export interface Readings {
  /** A gauge, or a counter that is counted elsewhere. */
  set<Name extends GaugeName | CounterName>(name: Name, labels: LabelsOf<Name>, value: number): void;
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  value: number;
  /** Of a histogram: how many were no larger than each bound, and all of them. */
  readonly counts: number[];
  count: number;
}

/** The tables of labels have far fewer; a cloud that answers with all statuses there are has not the whole memory. */
const MOST_SERIES = 500;

/** Counts in memory, and writes all of it as Prometheus reads it (text format 0.0.4). */
export class MetricStore implements Meter {
  readonly #series = new Map<MetricName, Map<string, Series>>();
  readonly #sources: ((readings: Readings) => void)[] = [];

  constructor() {
    // A counter that appears with its first count has no rate then.
    for (const [name, { type, labels }] of Object.entries(metrics as Readonly<Record<string, Metric>>))
      if (type === 'counter') for (const each of combinations(labels)) this.#of(name as MetricName, each);
  }

  add<Name extends CounterName>(name: Name, labels: LabelsOf<Name>, by = 1): void {
    this.#of(name, labels).value += by;
  }

  observe<Name extends HistogramName>(name: Name, labels: LabelsOf<Name>, seconds: number): void {
    const series = this.#of(name, labels);
    series.value += seconds;
    series.count++;
    const bound = buckets.findIndex(most => seconds <= most);
    if (bound >= 0) series.counts[bound] = (series.counts[bound] ?? 0) + 1;
  }

  /** Reads the source whenever the text is asked for. */
  collect(source: (readings: Readings) => void): void {
    this.#sources.push(source);
  }

  /** All metrics, each with its help and type. */
  text(): string {
    const readings: Readings = {
      set: (name, labels, value) => {
        this.#of(name, labels).value = value;
      },
    };
    // What a gauge told the last time need not be there any more.
    for (const [name, { type }] of Object.entries(metrics))
      if (type === 'gauge') this.#series.delete(name as MetricName);
    for (const source of this.#sources) source(readings);
    return Object.entries(metrics)
      .flatMap(([name, metric]) => [
        `# HELP ${name} ${metric.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
        `# TYPE ${name} ${metric.type}`,
        ...[...(this.#series.get(name as MetricName)?.values() ?? [])].flatMap(series =>
          metric.type === 'histogram' ? histogramLines(name, series) : [line(name, series.labels, series.value)],
        ),
      ])
      .join('\n')
      .concat('\n');
  }

  #of(name: MetricName, labels: Readonly<Record<string, string>>): Series {
    const all = this.#series.get(name) ?? new Map<string, Series>();
    this.#series.set(name, all);
    const key = Object.values(labels).join('\0');
    const known = all.get(key);
    if (known !== undefined) return known;
    const rest = Object.keys(labels).map(label => [label, 'other'] as const);
    if (all.size >= MOST_SERIES && rest.some(([label]) => labels[label] !== 'other'))
      return this.#of(name, Object.fromEntries(rest));
    const series = { labels: { ...labels }, value: 0, counts: [], count: 0 };
    all.set(key, series);
    return series;
  }
}

function histogramLines(name: string, { labels, value, counts, count }: Series): string[] {
  let sum = 0;
  const bounded = buckets.map((most, n) => {
    sum += counts[n] ?? 0;
    return line(`${name}_bucket`, { ...labels, le: String(most) }, sum);
  });
  return [
    ...bounded,
    line(`${name}_bucket`, { ...labels, le: '+Inf' }, count),
    line(`${name}_sum`, labels, value),
    line(`${name}_count`, labels, count),
  ];
}

function line(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const told = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${told.length === 0 ? '' : `{${told.join(',')}}`} ${value}`;
}

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** Every combination of the labels' values; none where one of them is bounded by another table. */
function combinations(labels: Metric['labels']): Readonly<Record<string, string>>[] {
  return Object.entries(labels).reduce<Readonly<Record<string, string>>[]>(
    (all, [label, values]) =>
      typeof values === 'string' ? [] : all.flatMap(each => values.map(value => ({ ...each, [label]: value }))),
    [{}],
  );
}
