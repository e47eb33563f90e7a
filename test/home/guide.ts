/** What is typed on one machine without a break. */
export interface Block {
  /** As the block's first line says: `your machine`, or a VM's name. */
  readonly machine: string;
  /** That it stands below. */
  readonly heading: string;
  readonly script: string;
}

/** The commands of a guide, in its order. @throws Error at a block that does not say where it is typed */
export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  let heading = '';
  for (const [, title, text] of markdown.matchAll(/^## ([^\n]+)$|^```sh\n(.*?)^```$/gms)) {
    if (title !== undefined) heading = title;
    if (text === undefined) continue;
    const [, machine, script] = /^# on (.+?)\n(.*)$/s.exec(text) ?? [];
    if (machine === undefined || script === undefined) throw new Error(`no "# on MACHINE" above:\n${text}`);
    blocks.push({ machine, heading, script });
  }
  return blocks;
}
