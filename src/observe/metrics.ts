/** What one metric is. Names follow Prometheus: `kuryr_`, base units, `_total` for counters, `_seconds` for times. */
export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Each label with all its values, or with words for values that other tables bound. Never an id, an address or a URL. */
  readonly labels: Readonly<Record<string, readonly string[] | string>>;
  readonly help: string;
}

const outcomes = ['ok', 'failed'] as const;
const errorCodes = 'a code of the [errors](errors.md)';
const master = 'the name of the interface';
const service = ['identity', 'network'] as const;
const method = ['GET', 'POST', 'PUT', 'DELETE'] as const;
const resource = 'the path with `{id}` for ids, such as `/ports/{id}`';

/** The one table of metrics: what the daemon serves, and the reference page, is made of it. */
export const metrics = {
  kuryr_build_info: {
    type: 'gauge',
    labels: { version: "Kuryr's", node: "Node's" },
    help: 'Always 1; the labels say what runs.',
  },
  kuryr_attach_stage_seconds: {
    type: 'histogram',
    labels: { stage: ['reserve', 'permit', 'write', 'link', 'reach', 'join'], outcome: [...outcomes, 'unseen'] },
    help: 'What the stages of an attach took, by how they ended. join is the whole of what the container waits for in Join; unseen: frames were not seen to pass.',
  },
  kuryr_detach_stage_seconds: {
    type: 'histogram',
    labels: { stage: ['detach', 'unlink', 'forbid', 'free'], outcome: outcomes },
    help: 'What the stages of a detach took, by how they ended. detach is the whole of what the engine waits for; forbid and free follow in the background.',
  },
  kuryr_stage_failures_total: {
    type: 'counter',
    labels: { stage: 'a stage of an attach or a detach', code: errorCodes },
    help: 'Stages that failed, by the code of the error.',
  },
  kuryr_written_to_reachable_seconds: {
    type: 'histogram',
    labels: {},
    help: "From Neutron's answer to the PUT that wrote an address's pair to the first answer to a frame with that address as source. The asking begins with Join, so it is an upper bound.",
  },
  kuryr_cloud_calls_total: {
    type: 'counter',
    labels: { service, method, resource, status: 'the HTTP status; none where no answer came' },
    help: 'HTTP requests sent to the cloud.',
  },
  kuryr_cloud_call_seconds: {
    type: 'histogram',
    labels: { service, method, resource },
    help: 'From sending a request to the whole answer, or to giving it up.',
  },
  kuryr_pairs_used: {
    type: 'gauge',
    labels: { master },
    help: "Allowed-address-pairs on the VM port of the interface when it was last read, others' among them.",
  },
  kuryr_pairs_limit: {
    type: 'gauge',
    labels: { master },
    help: 'max_allowed_address_pair, where the cloud has told it: at the first kuryr status, when the list was full, or five minutes after the start.',
  },
  kuryr_pairs_lost_total: {
    type: 'counter',
    labels: {},
    help: 'Pairs that somebody else took away and that were written again.',
  },
  kuryr_attachments: {
    type: 'gauge',
    labels: { state: ['named', 'linked', 'reachable', 'unseen', 'ending'] },
    help: 'Attachments on record. linked: there is a link, and nobody asked whether its frames pass; unseen: nobody answered.',
  },
  kuryr_addresses_loose: {
    type: 'gauge',
    labels: { state: ['provisional', 'aside', 'ending'] },
    help: 'Addresses that no attachment has: just asked for, set aside, or on their way back to Neutron.',
  },
  kuryr_sweeps_total: {
    type: 'counter',
    labels: { outcome: outcomes },
    help: 'Looks of every half minute at what has no owner.',
  },
  kuryr_gc_runs_total: { type: 'counter', labels: {}, help: 'Runs of kuryr gc, dry ones among them.' },
  kuryr_cleared_total: {
    type: 'counter',
    labels: { what: ['end', 'adopt', 'detach', 'forget', 'unguard', 'unlink', 'close'], outcome: outcomes },
    help: 'What was cleared away because it had no owner: addresses (end), reservations (adopt), attachments (detach), links (unlink), networks (forget), guards (unguard), rules of host access (close).',
  },
  kuryr_flips_put_back_total: {
    type: 'counter',
    labels: {},
    help: 'How often a container changed the mode of all ipvlan links of a master, and it was put back.',
  },
  kuryr_health: {
    type: 'gauge',
    labels: { code: 'a code of the [health values](health.md)', severity: ['warning', 'error'] },
    help: '1 while the value is set and no value that it depends on is, else 0.',
  },
  process_cpu_seconds_total: { type: 'counter', labels: {}, help: 'CPU time of the daemon, user and system.' },
  process_resident_memory_bytes: { type: 'gauge', labels: {}, help: 'Memory of the daemon.' },
  process_open_fds: { type: 'gauge', labels: {}, help: 'Open file descriptors of the daemon.' },
  process_start_time_seconds: { type: 'gauge', labels: {}, help: 'When the daemon began, seconds since the epoch.' },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;

export type LabelsOf<Name extends MetricName> = {
  readonly [Label in keyof (typeof metrics)[Name]['labels']]: string;
};

type OfType<Type> = { [Name in MetricName]: (typeof metrics)[Name]['type'] extends Type ? Name : never }[MetricName];

export type CounterName = OfType<'counter'>;
export type GaugeName = OfType<'gauge'>;
export type HistogramName = OfType<'histogram'>;

/** From a link that is made in half a millisecond to a call that is given up after a minute. */
export const buckets: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
