import { wrap } from '../../src/config/render.ts';

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
};

/** Text as roff takes it: every character is shown as it is, on a terminal too, so that what is shown can be copied. */
function shown(text: string): string {
  return text.replaceAll(/[\\\-'`^~]/g, character => escapes[character] ?? character);
}

/** A line as it is: what begins with a dot would be a request. */
function line(text: string): string {
  return shown(text).replace(/^\./, '\\&.');
}

/** Running text, on lines that a person can read too. */
function lines(text: string): string[] {
  return wrap(shown(text), 79).map(each => each.replace(/^\./, '\\&.'));
}

/** A page of the macros of man(7), written down from top to bottom. */
export class RoffPage {
  readonly #lines: string[];

  /** @param date as `2026-11-26` */
  constructor(name: string, section: number, { date, version }: { readonly date: string; readonly version: string }) {
    this.#lines = [`.TH ${shown(name.toUpperCase())} ${section} ${date} "Kuryr ${version}" Kuryr`];
    this.section('NAME');
  }

  /** The one line of NAME, which whatis(1) shows. */
  name(name: string, what: string): void {
    this.#lines.push(`${shown(name)} \\- ${shown(what)}`);
  }

  section(title: string): void {
    this.#lines.push(`.SH "${shown(title)}"`);
  }

  subsection(title: string): void {
    this.#lines.push(`.SS "${shown(title)}"`);
  }

  /** Each of the command lines stands on a line of its own. */
  usage(commands: readonly string[]): void {
    this.#lines.push('.nf', ...commands.map(synopsis), '.fi');
  }

  paragraph(text: string): void {
    this.#lines.push(...this.#gap(), ...lines(text));
  }

  /** What is defined, in bold with its placeholders in italics, and the paragraphs that tell what it is. */
  definition(term: string, ...paragraphs: readonly string[]): void {
    this.#lines.push('.TP', synopsis(term));
    for (const [index, text] of paragraphs.entries()) this.#lines.push(...(index === 0 ? [] : ['.IP']), ...lines(text));
  }

  /** Lines as they are, indented. */
  example(text: readonly string[]): void {
    this.#lines.push(...this.#gap(), '.RS', '.nf', ...text.map(line), '.fi', '.RE');
  }

  /** Pages as `kuryr(1)`. */
  seeAlso(pages: readonly string[]): void {
    this.section('SEE ALSO');
    for (const [index, page] of pages.entries()) {
      const [, name = '', section = ''] = /^(.*)\((\d)\)$/.exec(page) ?? [];
      this.#lines.push(`.BR ${shown(name)} (${section})${index < pages.length - 1 ? ' ,' : ''}`);
    }
  }

  /** A heading makes a gap of its own. */
  #gap(): string[] {
    return /^\.S[HS] /.test(this.#lines.at(-1) ?? '') ? [] : ['.PP'];
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

/** A command line or a flag: placeholders, which are in capitals, in italics, words in bold, brackets and bars plain. */
function synopsis(text: string): string {
  return text.replaceAll(/[^\s[\]|,=]+|[[\]|,=\s]+/g, part => {
    if (/^[[\]|,=\s]/.test(part)) return shown(part);
    return `${/^[A-Z][A-Z-]*$/.test(part) ? '\\fI' : '\\fB'}${shown(part)}\\fR`;
  });
}
