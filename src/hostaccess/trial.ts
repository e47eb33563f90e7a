import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { FilterAction, Filters, LinkFilter } from '../linux/filters.ts';
import type { Link } from '../linux/kernel.ts';
import { answersFrom, askedBy, type Frames, framesTo } from './frames.ts';
import { COOKIE, TRIAL_PREFS } from './slots.ts';

/** A MAC that no frame goes to. */
const NOBODY = '00:00:00:00:00:00';
const toNobody: Frames = { protocol: 'all', match: { by: 'mac', mac: NOBODY } };

type Attempt = readonly [by: Frames['match']['by'], action: FilterAction];

/**
 * Whether this kernel has what host access is made of: filters that no frame fits are made on the master and removed again.
 * @param withMacs whether containers have MACs of their own (macvlan)
 * @returns what is lacking, HOST_ACCESS_LACKING or HOST_ACCESS_BLOCKED; undefined where nothing is
 * @throws other failures of the kernel's edge, such as NOT_PRIVILEGED
 */
export function tryFilters(filters: Filters, ifindex: number, withMacs: boolean): KuryrError | undefined {
  return tried(filters, ifindex, [
    ['bytes', { do: 'pass' }],
    ['bytes', { do: 'arrive', ifindex }],
    ...(withMacs ? [['mac', { do: 'pass' }] as const] : []),
  ]);
}

/** Tries on a place for filters, which goes again if there was none: with the filters in it, so that it is never without. */
function tried(filters: Filters, ifindex: number, attempts: readonly Attempt[]): KuryrError | undefined {
  const place = filters.places().find(each => each.ifindex === ifindex);
  if (place?.kind === 'ingress') return new KuryrError('HOST_ACCESS_BLOCKED', { what: 'an ingress qdisc' });
  if (place?.shared) return new KuryrError('HOST_ACCESS_BLOCKED', { what: 'a clsact qdisc with a shared block' });
  const trial = attempts.map((attempt, n) => trialFilter(attempt, TRIAL_PREFS[n] ?? TRIAL_PREFS[0]));
  try {
    for (const filter of trial) {
      // What a daemon that was killed has left.
      if (place !== undefined) filters.remove(ifindex, filter, 0);
      const lack = lackOf(() => filters.addWithPlace(ifindex, filter, { handle: 0, cookie: COOKIE }), filter);
      if (lack !== undefined) return lack;
    }
    return undefined;
  } finally {
    const isOurs = filters.of(ifindex).every(({ pref }) => trial.some(filter => filter.pref === pref));
    if (place === undefined && isOurs) filters.removePlace(ifindex);
    else for (const filter of trial) filters.remove(ifindex, filter, 0);
  }
}

/**
 * The same of what keeps forged frames from the VM.
 * @returns FORGERIES_PASS where something is lacking
 */
export function tryShield(filters: Filters, { ifindex, name }: Pick<Link, 'ifindex' | 'name'>): KuryrError | undefined {
  const lack = tried(filters, ifindex, [
    ['bytes', { do: 'drop' }],
    ['asker', { do: 'drop' }],
  ]);
  if (lack === undefined) return undefined;
  return new KuryrError('FORGERIES_PASS', { master: name, reason: reasonOf(lack) });
}

/**
 * The same of what translates the answers of services' backends.
 * @returns SERVICE_ANSWERS_LACKING where something is lacking
 */
export function tryAnswers(
  filters: Filters,
  { ifindex, name }: Pick<Link, 'ifindex' | 'name'>,
): KuryrError | undefined {
  const lack = tried(filters, ifindex, [['ends', { do: 'translate' }]]);
  return lack && new KuryrError('SERVICE_ANSWERS_LACKING', { master: name, reason: reasonOf(lack) });
}

/** What is lacking, in words. */
function reasonOf({ details }: KuryrError): string {
  return 'module' in details ? `this kernel has no ${details['module']}` : `${details['what']} is in the way`;
}

/** What actions are made of. */
const modules = { arrive: 'act_mirred', pass: 'act_gact', drop: 'act_gact', translate: 'act_ct' } as const;

function trialFilter([by, action]: Attempt, pref: number): LinkFilter {
  const ends = answersFrom('0.0.0.0/32', '0.0.0.0');
  const frames = { bytes: framesTo(NOBODY), mac: toNobody, asker: askedBy('0.0.0.0', NOBODY), ends }[by];
  return { hook: by === 'asker' || by === 'ends' ? 'ingress' : 'egress', pref, ...frames, action };
}

/** What is missing where the kernel knows no such thing; request and text tell the qdisc, a classifier and an action apart. */
function lackOf(make: () => void, { match, action }: LinkFilter): KuryrError | undefined {
  try {
    make();
    return undefined;
  } catch (error) {
    const { reason, errno, request } = isKuryrError(error, 'KERNEL_REFUSED') ? error.details : {};
    if (errno !== 'ENOENT' && errno !== 'EOPNOTSUPP') throw error;
    const classifier = match.by === 'bytes' ? 'cls_u32' : 'cls_flower';
    const isClassifier = /classifier/i.test(String(reason));
    return new KuryrError('HOST_ACCESS_LACKING', {
      module: /qdisc/.test(String(request)) ? 'sch_ingress' : isClassifier ? classifier : modules[action.do],
      reason: String(reason),
    });
  }
}
