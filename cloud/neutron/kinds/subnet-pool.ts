import { bounds, overlap, subnetsOf, toAddress } from '../addresses.ts';
import { type Attributes, open } from '../attributes.ts';
import { judge, owns } from '../policy.ts';
import { badInput, Refusal } from '../refusal.ts';
import { type Context, changed, fresh, type PoolRow } from '../store.ts';
import {
  anything,
  integerFrom,
  isCidr,
  shown,
  text,
  toBoolean,
  toIntegerOrNone,
  cidr as validCidr,
} from '../values.ts';
import { common, description, type Kind, projectOf, shownOfAll, tagFilters } from './kind.ts';

function validatePrefixes(value: unknown): string | undefined {
  if (!Array.isArray(value)) return `'${shown(value)}' is not a list`;
  const bad = value.find(prefix => !isCidr(prefix));
  return bad === undefined ? undefined : `'${shown(bad)}' is not a valid IP subnet`;
}

const length = {
  ...{ post: true, put: true, standard: open, convert: toIntegerOrNone, convertFirst: true },
  ...{ validate: integerFrom(0), filter: true, sort: true },
} as const;

const attributes: Attributes = {
  ...common,
  name: { post: true, put: true, validate: text(), filter: true, sort: true },
  prefixes: { post: true, put: true, validate: validatePrefixes },
  default_prefixlen: length,
  min_prefixlen: length,
  max_prefixlen: length,
  default_quota: {
    post: true,
    put: true,
    standard: { value: null },
    convert: toIntegerOrNone,
    filter: true,
    sort: true,
  },
  address_scope_id: { post: true, put: true, standard: { value: null }, validate: anything, filter: true, sort: true },
  shared: {
    post: true,
    put: false,
    standard: { value: false },
    convert: toBoolean,
    filter: true,
    sort: true,
    rule: true,
  },
  is_default: {
    post: true,
    put: true,
    standard: { value: false },
    convert: toBoolean,
    filter: true,
    sort: true,
    rule: true,
  },
  ip_version: { filter: true, sort: true },
  description,
  ...tagFilters,
};

export const subnetPool: Kind<PoolRow> = {
  name: 'subnetpool',
  plural: 'subnetpools',
  path: 'subnetpools',
  attributes,
  tags: true,
  table: tables => tables.subnetpools,
  missing: id => new Refusal(404, 'SubnetPoolNotFound', `Subnet pool ${id} could not be found.`),
  visible: (row, context) => owns(context, row) || row.shared,

  create(fields, named, context) {
    const projectId = projectOf(named, context);
    judge({
      action: 'create_subnetpool',
      fields: named,
      attributes,
      denied: key => !context.isAdmin && fields[key] === true,
    });
    const prefixes = fields['prefixes'] as string[];
    const version = versionOf(prefixes);
    const lengths = judgeLengths({
      min: (fields['min_prefixlen'] as number | undefined) ?? (version === 4 ? 8 : 64),
      max: (fields['max_prefixlen'] as number | undefined) ?? (version === 4 ? 32 : 128),
      standard: fields['default_prefixlen'] as number | undefined,
    });
    return {
      ...fresh(context, projectId, 0),
      name: String(fields['name']),
      description: String(fields['description']),
      tags: [],
      ...lengths,
      prefixes: joined(prefixes),
      ip_version: version,
      default_quota: fields['default_quota'] as number | null,
      address_scope_id: null,
      shared: fields['shared'] === true,
      is_default: fields['is_default'] === true,
    };
  },

  denied:
    (_row, fields, { isAdmin }) =>
    key =>
      !isAdmin && fields[key] === true,

  update(row, fields, context) {
    const lengths = judgeLengths({
      min: (fields['min_prefixlen'] as number | undefined) ?? row.min_prefixlen,
      max: (fields['max_prefixlen'] as number | undefined) ?? row.max_prefixlen,
      standard: (fields['default_prefixlen'] as number | undefined) ?? row.default_prefixlen,
    });
    const asked = fields['prefixes'] as string[] | undefined;
    const prefixes = asked === undefined ? row.prefixes : joined(asked);
    if (!row.prefixes.every(old => prefixes.some(prefix => inside(old, prefix)))) {
      const text = 'Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.';
      throw new Refusal(400, 'IllegalSubnetPoolPrefixUpdate', text);
    }
    return { row: changed(row, context, { ...fields, ...lengths, prefixes }) };
  },

  remove(row, { tables }) {
    if ([...tables.subnets.values()].some(subnet => subnet.subnetpool_id === row.id)) {
      const text = 'Unable to delete subnet pool: Subnet pool has existing allocations.';
      throw new Refusal(400, 'SubnetPoolDeleteError', text);
    }
    tables.subnetpools.delete(row.id);
  },

  // The lengths are texts, but for the answer of a PUT, which leaves something out besides.
  view(row, _context, as) {
    const { default_quota, address_scope_id, ...rest } = { ...row, ...shownOfAll(row) };
    if (as === 'changed') return rest;
    const { default_prefixlen: standard, min_prefixlen: min, max_prefixlen: max } = row;
    const lengths = { default_prefixlen: String(standard), min_prefixlen: String(min), max_prefixlen: String(max) };
    return { ...rest, ...lengths, default_quota, address_scope_id };
  },
};

function versionOf(prefixes: readonly string[]): 4 | 6 {
  const versions = new Set(prefixes.map(prefix => bounds(prefix).version));
  if (versions.size === 0) throw new Refusal(400, 'EmptySubnetPoolPrefixList', 'Empty subnet pool prefix list.');
  if (versions.size > 1)
    throw new Refusal(400, 'PrefixVersionMismatch', 'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.');
  return versions.has(4) ? 4 : 6;
}

function judgeLengths({ min, max, standard = min }: { min: number; max: number; standard: number | undefined }) {
  const bad = (one: string, a: number, other: string, b: number) =>
    new Refusal(400, 'IllegalSubnetPoolPrefixBounds', `Illegal prefix bounds: ${one}=${a}, ${other}=${b}.`);
  if (min > max) throw bad('min_prefixlen', min, 'max_prefixlen', max);
  if (standard < min) throw bad('default_prefixlen', standard, 'min_prefixlen', min);
  if (standard > max) throw bad('default_prefixlen', standard, 'max_prefixlen', max);
  return { min_prefixlen: min, max_prefixlen: max, default_prefixlen: standard };
}

const inside = (small: string, large: string): boolean => {
  const [a, b] = [bounds(small), bounds(large)];
  return a.version === b.version && b.first <= a.first && a.last <= b.last;
};

/** Prefixes that lie in one another or make up a larger one become one. */
function joined(prefixes: readonly string[]): string[] {
  const ranges = prefixes
    .map(bounds)
    .sort((a, b) => (a.first === b.first ? a.prefix - b.prefix : a.first < b.first ? -1 : 1));
  const done: Range[] = [];
  for (const range of ranges) {
    const before = done.at(-1);
    if (before !== undefined && range.last <= before.last) continue;
    done.push(range);
    // Two halves become one, which may be a half itself.
    for (let pair = halves(done); pair !== undefined; pair = halves(done)) done.splice(-2, 2, pair);
  }
  return done.map(({ first, prefix, version }) => `${toAddress(first, version)}/${prefix}`);
}

type Range = ReturnType<typeof bounds>;

/** What the last two make up together, if they are the halves of something. */
function halves(ranges: readonly Range[]): Range | undefined {
  const [a, b] = ranges.slice(-2);
  if (a === undefined || b === undefined || a.prefix !== b.prefix || b.first !== a.last + 1n) return undefined;
  const size = b.last - a.first + 1n;
  return a.first % size === 0n ? { ...a, last: b.last, prefix: a.prefix - 1 } : undefined;
}

export const affinity = (): Refusal =>
  new Refusal(
    400,
    'NetworkSubnetPoolAffinityError',
    'Subnets hosted on the same network must be allocated from the same subnet pool.',
  );

interface Wanted {
  readonly version: 4 | 6;
  readonly cidr: unknown;
  readonly prefixlen: unknown;
  readonly networkId: string;
}

/** A range of a pool: the one asked for, or the first free one of that length. @throws Refusal */
export function cut(poolId: string, { version, cidr, prefixlen, networkId }: Wanted, context: Context): string {
  const pool = context.tables.subnetpools.get(poolId);
  if (pool === undefined || !subnetPool.visible(pool, context)) throw subnetPool.missing(poolId);
  if (pool.ip_version !== version) {
    throw new Refusal(
      400,
      'BadRequest',
      `Bad subnets request: Cannot allocate IPv${version} subnet from IPv${pool.ip_version} subnet pool.`,
    );
  }
  if (subnetsOf(context, networkId).some(one => one.ip_version === version && one.subnetpool_id !== poolId))
    throw affinity();
  if (cidr !== undefined && cidr !== null && validCidr(cidr) !== undefined)
    throw badInput(`${shown(cidr)} is not in a CIDR format`);
  const used = [...context.tables.subnets.values()]
    .filter(subnet => subnet.subnetpool_id === poolId)
    .map(subnet => subnet.cidr);
  const bits =
    cidr === undefined || cidr === null ? Number(prefixlen ?? pool.default_prefixlen) : bounds(String(cidr)).prefix;
  if (bits > (version === 4 ? 32 : 128)) {
    throw new Refusal(400, 'AddrFormatError', `invalid IPNetwork ${version === 4 ? '0.0.0.0' : '::'}/${bits}`);
  }
  if (bits < pool.min_prefixlen) {
    const text = `Unable to allocate subnet with prefix length ${bits}, minimum allowed prefix is ${pool.min_prefixlen}.`;
    throw new Refusal(400, 'MinPrefixSubnetAllocationError', text);
  }
  if (bits > pool.max_prefixlen) {
    const text = `Unable to allocate subnet with prefix length ${bits}, maximum allowed prefix is ${pool.max_prefixlen}.`;
    throw new Refusal(400, 'MaxPrefixSubnetAllocationError', text);
  }
  if (typeof cidr === 'string') {
    const range = `${toAddress(bounds(cidr).first, version)}/${bits}`;
    if (pool.prefixes.some(prefix => inside(range, prefix)) && !used.some(other => overlap(other, range))) return range;
    const text = 'Failed to allocate subnet: Cannot allocate requested subnet from the available set of prefixes.';
    throw new Refusal(500, 'SubnetAllocationError', text);
  }
  const size = 1n << BigInt((version === 4 ? 32 : 128) - bits);
  const taken = used.map(bounds);
  for (const prefix of pool.prefixes) {
    const { first, last } = bounds(prefix);
    for (let start = first; start + size - 1n <= last; ) {
      const end = start + size - 1n;
      const other = taken.find(one => one.first <= end && start <= one.last);
      if (other === undefined) return `${toAddress(start, version)}/${bits}`;
      // To the first place behind it: ranges are many, what is taken is little.
      start = ((other.last + size) / size) * size;
    }
  }
  const text = `Failed to allocate subnet: Insufficient prefix space to allocate subnet size /${bits}.`;
  throw new Refusal(500, 'SubnetAllocationError', text);
}
