import { camelCase } from '../config/config.ts';
import { configFlags, parseFlags } from '../config/flags.ts';
import { fallbackText, type OptionName, optionNames } from '../config/options.ts';
import { readConfig } from '../config/read-config.ts';
import type { Command } from './command.ts';
import { columns } from './table.ts';

export const configCommand: Command = {
  help: () =>
    [
      'usage: kuryr config [--json] [FLAGS]',
      '',
      'Shows the value of each option and where it comes from, as kuryr run would have it with the same flags, environment',
      'and file. What is wrong in them is told as kuryr run tells it. Flags are those of kuryr run: kuryr help run.',
      '',
      '  --json          as an object: by option, its value (null: found when the daemon starts) and where it comes from',
    ].join('\n'),

  async run(args, terminal) {
    const { text, on } = parseFlags(args, { ...configFlags, json: 'switch' });
    const { config, origins } = await readConfig({ flags: text, env: terminal.env, readFile: terminal.readFile });
    const shownValue = (name: OptionName): unknown => config[camelCase(name) as keyof typeof config];
    if (on.has('json')) {
      const entries = optionNames.map(name => [name, { value: shownValue(name) ?? null, from: origins[name] }]);
      terminal.out(JSON.stringify(Object.fromEntries(entries), undefined, 2));
      return 0;
    }
    const rows = optionNames.map(name => {
      const value = shownValue(name);
      const text = value === undefined ? '' : String(value);
      return [name, text === '' ? `(${fallbackText(name)})` : text, origins[name].name];
    });
    terminal.out(columns([['OPTION', 'VALUE', 'FROM'], ...rows]));
    return 0;
  },
};
