/** A part of what `kuryr help COMMAND` prints. */
export type HelpPart =
  | { readonly kind: 'usage'; readonly lines: readonly string[] }
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'flag'; readonly flag: string; readonly text: string };

/** A flag, its placeholder if it takes a value, and two blanks before what it does, if that is on the same line. */
const flagLine = /^ {2}(--[a-z0-9-]+(?: \S+)?)(?: {2,}(\S.*))?$/;

/**
 * Takes a help text apart. Between empty lines stands one of three: `usage:` and its further lines; flags, indented by
 * two, with what they do behind them or below them further in; a paragraph. @throws Error for a line that is none of these
 */
export function helpParts(help: string): HelpPart[] {
  return help.split('\n\n').flatMap((block): HelpPart[] => {
    const lines = block.split('\n');
    const [first = ''] = lines;
    if (first.startsWith('usage: '))
      return [{ kind: 'usage', lines: lines.map(line => line.replace('usage: ', '').trim()) }];
    if (first.startsWith('  --')) return flags(lines);
    const indented = lines.find(line => line.startsWith(' '));
    if (indented !== undefined) throw new Error(`neither usage, flag nor paragraph: "${indented}"`);
    return [{ kind: 'paragraph', text: lines.join(' ') }];
  });
}

function flags(lines: readonly string[]): HelpPart[] {
  const found: { kind: 'flag'; flag: string; text: string }[] = [];
  for (const line of lines) {
    const [, flag, text = ''] = flagLine.exec(line) ?? [];
    const last = found.at(-1);
    if (flag !== undefined) found.push({ kind: 'flag', flag, text });
    else if (last !== undefined && line.startsWith('     ')) last.text = `${last.text} ${line.trim()}`.trim();
    else throw new Error(`no flag with two blanks between it and what it does: "${line}"`);
  }
  const mute = found.find(({ text }) => text === '');
  if (mute !== undefined) throw new Error(`nothing tells what ${mute.flag} does`);
  return found;
}
