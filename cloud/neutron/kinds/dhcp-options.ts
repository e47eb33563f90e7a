import type { PortRow } from '../store.ts';
import { oneOf, shown, text } from '../values.ts';

type DhcpOption = PortRow['extra_dhcp_opts'][number];

export function validateOptions(value: unknown): string | undefined {
  if (!Array.isArray(value)) return `'${shown(value)}' is not a list`;
  return value.map(validateOption).find(problem => problem !== undefined);
}

function validateOption(option: unknown): string | undefined {
  if (typeof option !== 'object' || option === null || Array.isArray(option))
    return `'${shown(option)}' is not a dictionary`;
  const { opt_name: name, opt_value: value, ip_version: version = 4 } = option as Partial<DhcpOption>;
  return text()(name) ?? (value === null ? undefined : text()(value)) ?? oneOf(4, 6)(Number(version));
}

/** A port's DHCP options after a request: each that it names is set, or taken away where its value is null; others stay. */
export function merged(before: readonly DhcpOption[], asked: unknown): DhcpOption[] {
  const options = new Map(before.map(option => [`${option.opt_name} ${option.ip_version}`, option]));
  for (const { opt_name, opt_value, ip_version } of asked as readonly (Omit<DhcpOption, 'opt_value'> & {
    opt_value: string | null;
  })[]) {
    const version = Number(ip_version ?? 4);
    const key = `${opt_name} ${version}`;
    if (opt_value === null || opt_value === undefined) options.delete(key);
    else options.set(key, { opt_name, opt_value, ip_version: version });
  }
  return [...options.values()];
}
