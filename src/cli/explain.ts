import type { Explanation, LifeSummary } from '../attach/explain.ts';
import type { Finding } from '../attach/finding.ts';
import type { StoryLine } from '../attach/story.ts';
import { parseFlags } from '../config/flags.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Command } from './command.ts';
import { askDaemon, controlFlags, controlHelp } from './control-client.ts';
import { columns, problemLines, shortened, shown } from './table.ts';

export const explainCommand: Command = {
  help: () =>
    [
      'usage: kuryr explain [CONTAINER|ADDRESS] [--json]',
      '',
      "Tells the life of a container's attachment: each step with its time, the requests that were sent to Neutron for it and",
      "their ids, what the kernel said, and what is wrong now. CONTAINER is a running container's name or id, or the id of an",
      'endpoint or sandbox; the beginning of an id is enough. One that failed or went a short while ago is found by its',
      'address or endpoint. Without a name, it lists what can be explained.',
      '',
      '  --json          the whole answer of the daemon',
      ...controlHelp(18),
    ].join('\n'),

  async run(args, terminal, signal) {
    const { text, on, positionals } = parseFlags(args, { ...controlFlags, json: 'switch' });
    const [what, ...more] = positionals;
    if (more.length > 0) throw new KuryrError('COMMAND_USAGE', { usage: 'kuryr explain [CONTAINER|ADDRESS] [--json]' });
    const route =
      what === undefined
        ? ({ method: 'GET', path: '/v1/lives' } as const)
        : ({ method: 'POST', path: '/v1/explain', body: { what } } as const);
    const answer = await askDaemon(route, text, terminal, signal);
    if (on.has('json')) terminal.out(JSON.stringify(answer, undefined, 2));
    else if (what === undefined) terminal.out(renderList((answer as { lives: readonly LifeSummary[] }).lives));
    else terminal.out((answer as { lives: readonly Explanation[] }).lives.map(renderExplanation).join('\n\n'));
    return 0;
  },
};

/** All lives, a line each. */
function renderList(lives: readonly LifeSummary[]): string {
  if (lives.length === 0)
    return 'There is nothing to explain: no container has asked for an address since the daemon began.';
  const rows = lives.map(({ attachment, addresses, state, began, ended, error }) => [
    shortened(attachment ?? '-'),
    addresses.map(shown).join(' ') || '-',
    state,
    shown(began.replace(/\.\d+Z$/, 'Z')),
    shown(ended?.replace(/\.\d+Z$/, 'Z')),
    shown(error),
  ]);
  return columns([['ATTACHMENT', 'ADDRESS', 'STATE', 'BEGAN', 'ENDED', 'FAILED WITH'], ...rows]);
}

const stateText = {
  named: 'is on an endpoint and has no link',
  attached: 'is attached',
  ending: 'is being detached',
  loose: 'is on no endpoint',
  gone: 'is gone',
};

/** A life as a person reads it: its story, then what holds now. */
export function renderExplanation(life: Explanation): string {
  const { attachment, addresses, network, state, began, ended, whole, story, dropped, now, health } = life;
  const who = attachment === undefined ? 'The address' : `The attachment ${shortened(attachment)}`;
  const where = network === undefined ? '' : ` on the network ${shortened(network)}`;
  const lines = [`${who} (${addresses.map(shown).join(', ') || 'no address'})${where} ${stateText[state]}.`];
  if (ended !== undefined) lines.push(`It ended at ${shown(ended)}.`);
  lines.push(
    '',
    whole
      ? `From its beginning at ${shown(began)}:`
      : `Since the daemon looked after it; the ledger tells no steps before:`,
  );
  if (story.length === 0) lines.push('  nothing was done for it yet');
  const told = new Set<string>();
  for (const line of story) {
    lines.push(...storyLines(line, line.error !== undefined && told.has(line.error.text)));
    if (line.error !== undefined) told.add(line.error.text);
  }
  if (dropped > 0) lines.push(`  (${dropped} lines in the midst were not kept)`);
  if (now.length > 0) lines.push('', 'Now:', ...now.flatMap(findingLines));
  if (health.length > 0) lines.push('', 'Of the daemon as a whole:', ...health.flatMap(problemLines));
  return lines.join('\n');
}

/** @param isKnown whether the error was told above */
function storyLines({ after, ms, text, error, requestId }: StoryLine, isKnown: boolean): string[] {
  const took = ms === undefined ? ', still under way' : ms >= 0.1 ? `, ${duration(ms)}` : '';
  const id = requestId === undefined ? '' : `, ${shown(requestId)}`;
  const line = `  ${`+${duration(after)}`.padStart(10)}  ${shown(text)}${took}${id}`;
  if (error === undefined) return [line];
  if (isKnown) return [`${line} [${shown(error.code)}]`];
  return [
    line,
    `${' '.repeat(14)}${shown(error.text)} [${shown(error.code)}]`,
    `${' '.repeat(14)}${shown(error.todo)}`,
  ];
}

const marks = { holds: '✓', lacks: '✗', unknown: '–' };

function findingLines({ state, text, code, todo }: Finding): string[] {
  const line = `  ${marks[state]} ${shown(text)}${code === undefined ? '' : ` [${shown(code)}]`}`;
  return todo === undefined ? [line] : [line, `    ${shown(todo)}`];
}

/** A time as people say it: 12.3 ms, 4.56 s, 3 min. */
function duration(ms: number): string {
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return ms < 120_000 ? `${(ms / 1000).toFixed(2)} s` : `${Math.round(ms / 60_000)} min`;
}
