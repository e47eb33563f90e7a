import type { ErrorCode } from '../errors/table.ts';

/** One call that an application credential may make; in `path`, `*` is any one part of it. Keystone API v3, access rules. */
export interface AccessRule {
  /** Type of the service: `network`. */
  readonly service: string;
  readonly method: string;
  /** As the service sees it, without query: `/v2.0/ports/*`. */
  readonly path: string;
}

/**
 * Whether the rules allow a call to Neutron, as keystonemiddleware judges: `*` and `{name}` stand for one part of the path,
 * `**` for all that follows.
 */
export function allows(rules: readonly AccessRule[], method: string, path: string): boolean {
  return rules.some(rule => rule.service === 'network' && rule.method === method && matches(rule.path, path));
}

/** No regular expression of the pattern's: it comes from outside, and one with many stars would take for ever. */
function matches(pattern: string, path: string): boolean {
  let ends = new Set([0]);
  for (const part of pattern.match(/\{[^}]*\}|\*\*|\*|[^*{}]+/g) ?? []) {
    const next = new Set<number>();
    for (const at of ends) {
      if (part !== '*' && part !== '**' && !part.startsWith('{')) {
        if (path.startsWith(part, at)) next.add(at + part.length);
        continue;
      }
      const slash = part === '**' ? -1 : path.indexOf('/', at);
      const last = slash === -1 ? path.length : slash;
      for (let end = part === '**' ? at : at + 1; end <= last; end++) next.add(end);
    }
    ends = next;
  }
  return ends.has(path.length);
}

/**
 * The paths that Neutron may see a call under: behind a path of its own (`/networking/v2.0`) it depends on the proxy whether it
 * sees that too.
 * @param endpoint Neutron's API, ending in `/v2.0`
 */
export const seenPaths = (endpoint: string, path: string): readonly string[] =>
  [...new Set(['/v2.0', new URL(endpoint).pathname])].map(base => `${base}${path}`);

/** What a 401 of Neutron's to a fresh token comes from, in so far as the token's rules tell. */
export type UnauthorizedCode = Extract<
  ErrorCode,
  'ACCESS_RULE_MISSING' | 'ACCESS_RULES_UNKNOWN' | 'NEUTRON_UNAUTHORIZED'
>;

/**
 * Why Neutron answers 401 to a call with a token that Keystone has just issued.
 * @param rules those of the token; undefined where it has none
 * @param paths what `seenPaths` gives for the call
 * @param judged whether Neutron has let any call with such rules pass, so that it does judge by them
 */
export function whyUnauthorized(
  rules: readonly AccessRule[] | undefined,
  method: string,
  paths: readonly string[],
  judged: boolean,
): UnauthorizedCode {
  if (rules === undefined) return 'NEUTRON_UNAUTHORIZED';
  if (!paths.every(path => allows(rules, method, path))) return 'ACCESS_RULE_MISSING';
  return judged ? 'NEUTRON_UNAUTHORIZED' : 'ACCESS_RULES_UNKNOWN';
}
