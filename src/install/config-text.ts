import { fallbackText, type OptionName, optionNames, options } from '../config/options.ts';
import { wrap } from '../config/render.ts';

/** The file as it is shipped: each option with what it means, and its default behind a comment sign. It sets nothing. */
export function configText(): string {
  const head = [
    'Kuryr\'s options. A flag of "kuryr run" wins over a variable (KURYR_WAIT_SECONDS), a variable over this file, this file over',
    'the default. An option without a value here is found when the daemon starts. "kuryr config" shows what is in force, and from where.',
    'After a change: systemctl reload kuryr, or restart where it takes one. Containers keep running in both.',
  ];
  return `${head.map(line => `# ${line}\n`).join('')}${optionNames
    .filter(name => name !== 'config')
    .map(block)
    .join('')}`;
}

function block(name: OptionName): string {
  const { text, kind, fallback, reloads } = options[name];
  const lines = wrap(`${text} (${kind.placeholder})${reloads ? '' : '; takes a restart'}`, 118).map(
    line => `# ${line}\n`,
  );
  const value = 'value' in fallback ? String(fallback.value) : '';
  return `\n${lines.join('')}# ${value === '' ? `[${fallbackText(name)}]\n# ` : ''}${name}: ${value}`
    .trimEnd()
    .concat('\n');
}
