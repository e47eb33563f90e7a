import { parseArgs } from 'node:util';
import { KuryrError } from '../errors/kuryr-error.ts';
import { nearest } from './nearest.ts';
import { optionNames } from './options.ts';

/** What a command takes: `text` flags have a value, `list` flags may come again, `switch` flags have none. */
export type FlagKind = 'text' | 'list' | 'switch';

export interface Flags<Name extends string = string> {
  readonly text: Readonly<Partial<Record<Name, string>>>;
  readonly list: Readonly<Partial<Record<Name, readonly string[]>>>;
  readonly on: ReadonlySet<Name>;
  readonly positionals: readonly string[];
}

/** The flags of the table of options, for commands that take them all. */
export const configFlags: Readonly<Record<string, FlagKind>> = Object.fromEntries(
  optionNames.map(name => [name, 'text' as const]),
);

/**
 * Reads a command's arguments. What follows `--` are positionals, as they are.
 *
 * @throws CONFIG_UNKNOWN naming the nearest flag; CONFIG_INVALID where a value is missing, too many or given twice
 */
export function parseFlags<Name extends string>(
  args: readonly string[],
  known: Readonly<Record<Name, FlagKind>>,
): Flags<Name> {
  const kinds: Readonly<Record<string, FlagKind>> = known;
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(kinds).map(([name, kind]) => [name, { type: kind === 'switch' ? 'boolean' : 'string' } as const]),
    ),
  });
  const text: Partial<Record<string, string>> = {};
  const list: Partial<Record<string, string[]>> = {};
  const on = new Set<string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const origin = 'the command line';
    const kind = Object.hasOwn(kinds, token.name) && token.rawName.startsWith('--') ? kinds[token.name] : undefined;
    if (kind === undefined) {
      const near = nearest(token.name, Object.keys(kinds));
      const hint = near === undefined ? 'kuryr help lists them' : `did you mean --${near}`;
      throw new KuryrError('CONFIG_UNKNOWN', { name: token.rawName, origin, hint });
    }
    const refuse = (rule: string) =>
      new KuryrError('CONFIG_INVALID', { name: token.rawName, value: token.value ?? '', origin, rule });
    if (kind === 'switch') {
      if (token.value !== undefined) throw refuse('given without a value');
      on.add(token.name);
    } else if (!token.value || (!token.inlineValue && token.value.startsWith('--')))
      throw refuse('followed by its value');
    else if (kind === 'list') list[token.name] = [...(list[token.name] ?? []), token.value];
    else if (text[token.name] !== undefined) throw refuse('given once');
    else text[token.name] = token.value;
  }
  // Only names of `known` came this far.
  return { text, list, on, positionals } as unknown as Flags<Name>;
}
