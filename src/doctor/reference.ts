import { commonStates } from './check.ts';
import { checks } from './checks.ts';
import type { States } from './finding.ts';

/** The reference page of doctor, in Markdown: every state that a line can print. */
export function doctorReference(): string {
  const intro = [
    '# kuryr doctor',
    '',
    'Tells by measurement whether this VM, its NIC, its credential and its cloud can carry Kuryr. Nothing lasting is changed:',
    'links that are made for the test are removed at once, and requests to Neutron are ones that it cannot carry out.',
    '',
    'A line is `✓` ok, `!` a warning, `✗` a failure or `–` not checked or for information. `--json` prints the same as data:',
    '`findings` with `check`, `reason`, `state`, `text`, `evidence` and `todo`, and `counts`. The exit code is 1 when there is a',
    'failure, else 0. Check and reason are stable names; `{…}` stands for what was found.',
    '',
    '## Any check',
    '',
    ...table(commonStates),
  ];
  const parts = checks.flatMap(({ id, title, states }) => [
    '',
    `## ${id}`,
    '',
    `${capital(title)}.`,
    '',
    ...table(states),
  ]);
  return [...intro, ...parts, ''].join('\n');
}

function table(states: States): string[] {
  const rows = Object.entries(states).map(
    ([reason, { state, text, todo }]) => `| ${reason} | ${state} | ${cell(text)} | ${cell(todo ?? '')} |`,
  );
  return ['| reason | state | text | what to do |', '|---|---|---|---|', ...rows];
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
