import { fallbackText, optionNames, options, variableOf } from './options.ts';

/** The options as --help shows them: flag, then what it is and its default, wrapped to the width. */
export function helpOfOptions(width = 100): string {
  const blocks = optionNames.map(name => {
    const head = `  --${name} ${options[name].kind.placeholder}`;
    const text = `${options[name].text} [${fallbackText(name)}]`;
    return `${head}\n${wrap(text, width - 8)
      .map(line => `        ${line}`)
      .join('\n')}`;
  });
  return blocks.join('\n');
}

/** The options as the reference page's table. */
export function tableOfOptions(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const rows = optionNames.map(name => {
    const values = cell(options[name].kind.placeholder);
    const key = name === 'config' ? '' : `\`${name}\``;
    return `| \`--${name}\` | \`${variableOf(name)}\` | ${key} | ${values} | ${cell(fallbackText(name))} | ${options[name].reloads ? 'yes' : 'no'} | ${cell(options[name].text)} |`;
  });
  return [
    '| flag | variable | key of the file | value | default | reload | what it is |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
