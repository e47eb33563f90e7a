/** Values as Python prints them: Keystone's 400s quote what was sent and the schema it should have met. */

/** As repr(). */
export function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return reprText(value);
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (typeof value !== 'object') return String(value);
  return `{${Object.entries(value)
    .map(([key, each]) => `${reprText(key)}: ${repr(each)}`)
    .join(', ')}}`;
}

/** As pprint.pformat(value, width=72): keys sorted, one to a line where they do not fit into one. */
export function pretty(value: unknown): string {
  return format(value, 0, 0);
}

const WIDTH = 72;

/** @param indent columns before the value; @param allowance columns that closing brackets behind it take */
function format(value: unknown, indent: number, allowance: number): string {
  const flat = repr(sorted(value));
  if (flat.length <= WIDTH - indent - allowance || typeof value !== 'object' || value === null) return flat;
  const isList = Array.isArray(value);
  const items: [string, unknown][] = isList
    ? value.map(each => ['', each])
    : Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, each]) => [`${reprText(key)}: `, each]);
  const lines = items.map(([head, each], index) => {
    const behind = index === items.length - 1 ? allowance + 1 : 1;
    return `${head}${format(each, indent + 1 + head.length, behind)}`;
  });
  const body = lines.join(`,\n${' '.repeat(indent + 1)}`);
  return isList ? `[${body}]` : `{${body}}`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}

function reprText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll(quote, `\\${quote}`);
  return `${quote}${escaped}${quote}`;
}
