import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { FilterAction, Filters } from '../linux/filters.ts';
import type { Link } from '../linux/kernel.ts';
import { askedBy, type Frames, framesTo } from './frames.ts';
import { COOKIE, TRIAL_PREF } from './slots.ts';

/** A MAC that no frame goes to. */
const NOBODY = '00:00:00:00:00:00';
const toNobody: Frames = { protocol: 'all', match: { by: 'mac', mac: NOBODY } };

/**
 * Whether this kernel has what host access is made of: a filter that no frame fits is made on the master and removed again.
 * @param withMacs whether containers have MACs of their own (macvlan)
 * @returns what is lacking, HOST_ACCESS_LACKING or HOST_ACCESS_BLOCKED; undefined where nothing is
 * @throws other failures of the kernel's edge, such as NOT_PRIVILEGED
 */
export function tryFilters(filters: Filters, ifindex: number, withMacs: boolean): KuryrError | undefined {
  return tried(
    filters,
    ifindex,
    () =>
      attempt(filters, ifindex, 'bytes', { do: 'pass' }) ??
      attempt(filters, ifindex, 'bytes', { do: 'arrive', ifindex }) ??
      (withMacs ? attempt(filters, ifindex, 'mac', { do: 'pass' }) : undefined),
  );
}

/** Tries on a place for filters, which goes again if there was none. */
function tried(filters: Filters, ifindex: number, attempts: () => KuryrError | undefined): KuryrError | undefined {
  const place = filters.places().find(each => each.ifindex === ifindex);
  if (place?.kind === 'ingress') return new KuryrError('HOST_ACCESS_BLOCKED', { what: 'an ingress qdisc' });
  if (place?.shared) return new KuryrError('HOST_ACCESS_BLOCKED', { what: 'a clsact qdisc with a shared block' });
  const missing = unlessThere(() => filters.makePlace(ifindex), 'sch_ingress');
  if (missing !== undefined) return missing;
  try {
    return attempts();
  } finally {
    if (place === undefined && filters.of(ifindex).length === 0) filters.removePlace(ifindex);
  }
}

/**
 * The same of what keeps forged frames from the VM.
 * @returns FORGERIES_PASS where something is lacking
 */
export function tryShield(filters: Filters, { ifindex, name }: Pick<Link, 'ifindex' | 'name'>): KuryrError | undefined {
  const lack = tried(
    filters,
    ifindex,
    () => attempt(filters, ifindex, 'bytes', { do: 'drop' }) ?? attempt(filters, ifindex, 'asker', { do: 'drop' }),
  );
  if (lack === undefined) return undefined;
  const reason =
    'module' in lack.details ? `this kernel has no ${lack.details['module']}` : `${lack.details['what']} is in the way`;
  return new KuryrError('FORGERIES_PASS', { master: name, reason });
}

function attempt(
  filters: Filters,
  ifindex: number,
  by: 'bytes' | 'mac' | 'asker',
  action: FilterAction,
): KuryrError | undefined {
  const frames = { bytes: framesTo(NOBODY), mac: toNobody, asker: askedBy('0.0.0.0', NOBODY) }[by];
  const filter = { hook: by === 'asker' ? 'ingress' : 'egress', pref: TRIAL_PREF, ...frames, action } as const;
  const classifier = by === 'bytes' ? 'cls_u32' : 'cls_flower';
  const module = action.do === 'arrive' ? 'act_mirred' : 'act_gact';
  // What a daemon that was killed has left.
  filters.remove(ifindex, filter, 0);
  const missing = unlessThere(() => filters.add(ifindex, filter, { handle: 0, cookie: COOKIE }), module, classifier);
  if (missing === undefined) filters.remove(ifindex, filter, 0);
  return missing;
}

/** What is missing where the kernel knows no such thing; the kernel's text tells a classifier from an action. */
function unlessThere(make: () => void, module: string, classifier = module): KuryrError | undefined {
  try {
    make();
    return undefined;
  } catch (error) {
    const { reason, errno } = isKuryrError(error, 'KERNEL_REFUSED') ? error.details : {};
    if (errno !== 'ENOENT' && errno !== 'EOPNOTSUPP') throw error;
    const isClassifier = /classifier/i.test(String(reason));
    return new KuryrError('HOST_ACCESS_LACKING', {
      module: isClassifier ? classifier : module,
      reason: String(reason),
    });
  }
}
