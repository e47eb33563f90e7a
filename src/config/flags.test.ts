import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { parseFlags } from './flags.ts';
import { optionNames, variableOf } from './options.ts';
import { helpOfOptions, tableOfOptions } from './render.ts';

const known = { link: 'text', subnet: 'list', json: 'switch' } as const;

describe('flags', () => {
  it('reads values behind a space or an equals sign, lists, switches and positionals', () => {
    const flags = parseFlags(['create', '--link=macvlan', '--subnet', 'a', 'net', '--json', '--subnet', 'b'], known);
    assert.deepEqual(flags.text, { link: 'macvlan' });
    assert.deepEqual(flags.list, { subnet: ['a', 'b'] });
    assert.ok(flags.on.has('json'));
    assert.deepEqual(flags.positionals, ['create', 'net']);
  });

  it('leaves what follows -- alone', () => {
    assert.deepEqual(parseFlags(['net', '--', '--attachable', '-o', 'x=y'], known).positionals, [
      'net',
      '--attachable',
      '-o',
      'x=y',
    ]);
  });

  it('names the nearest flag where one is unknown', () => {
    const unknown = (args: string[], saying: RegExp) =>
      assert.throws(
        () => parseFlags(args, known),
        e => isKuryrError(e, 'CONFIG_UNKNOWN') && saying.test(e.message),
      );
    unknown(['--lnk', 'x'], /did you mean --link/);
    unknown(['--something-else'], /kuryr help/);
    unknown(['-j'], /-j/);
    unknown(['--constructor'], /constructor/);
  });

  it('refuses a value that is missing, too many or given twice', () => {
    for (const args of [['--link'], ['--link='], ['--link', '--json'], ['--json=yes'], ['--link=a', '--link=b']]) {
      assert.throws(
        () => parseFlags(args, known),
        error => isKuryrError(error, 'CONFIG_INVALID'),
        args.join(' '),
      );
    }
  });
});

describe('the table of options', () => {
  it('is whole in --help and in the reference table', () => {
    const [help, table] = [helpOfOptions(), tableOfOptions()];
    for (const name of optionNames) {
      assert.ok(help.includes(`--${name} `), name);
      assert.ok(table.includes(`| \`--${name}\` | \`${variableOf(name)}\` |`), name);
    }
    assert.ok(help.split('\n').every(line => line.length <= 100));
  });
});
