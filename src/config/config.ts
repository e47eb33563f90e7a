import type { Kind } from './kinds.ts';
import type { OptionName, options } from './options.ts';

type Camel<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

type ValueOf<Entry> = Entry extends { kind: Kind<infer Value>; fallback: infer Fallback }
  ? Fallback extends { found: string }
    ? Value | undefined
    : Value
  : never;

/** All options' values, `wait-seconds` as `waitSeconds`; undefined where the value is found at run time. */
export type Config = {
  readonly [Name in Exclude<OptionName, 'mode'> as Camel<Name>]: ValueOf<(typeof options)[Name]>;
} & {
  /** Always one that the link has: l2 for ipvlan, bridge or private for macvlan. */
  readonly mode: 'l2' | 'bridge' | 'private';
};

/** Where a value comes from: a flag, a variable, a file and its key, or the default. */
export interface Origin {
  readonly kind: 'flag' | 'variable' | 'file' | 'default';
  /** As a person would look it up: `--link`, `KURYR_LINK`, `link in /etc/kuryr/kuryr.yaml`, `the default`. */
  readonly name: string;
}

export interface ResolvedConfig {
  readonly config: Config;
  readonly origins: Readonly<Record<OptionName, Origin>>;
}

export function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
