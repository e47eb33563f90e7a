/**
 * How long a real Neutron takes: median and 95th percentile in milliseconds, measured on Neutron 21 with PostgreSQL, two
 * cores, 540 ports, one request at a time.
 */
const MEASURED: Readonly<Record<string, readonly [median: number, high: number]>> = {
  'GET list': [21, 36],
  'POST port': [217, 399],
  'PUT port': [126, 204],
  'DELETE port': [174, 273],
  'PUT tags': [17, 25],
  'POST other': [150, 250],
  'PUT other': [153, 241],
  'DELETE other': [150, 250],
  'GET other': [20, 40],
};

export interface Work {
  readonly method: string;
  readonly what: 'port' | 'list' | 'tags' | 'other';
  /** Resources of a bulk request: each takes its time. */
  readonly count: number;
}

/** Milliseconds that a request takes, drawn between the median and a little beyond the high mark. @param draw in [0, 1) */
export function measuredMs({ method, what, count }: Work, draw: number): number {
  const [median, high] = MEASURED[`${method} ${what}`] ?? MEASURED[`${method} other`] ?? [20, 40];
  return count * (median + (high - median) * draw ** 3);
}
