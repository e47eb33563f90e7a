import type { Report } from './doctor.ts';
import type { Finding, FindingState } from './finding.ts';

const MARKS: Readonly<Record<FindingState, string>> = { ok: '✓', warning: '!', failure: '✗', skipped: '–' };

/** The report for a person: a line for each finding, what was measured and what to do below it.. */
export function renderReport({ findings, counts }: Report): string {
  const summary = [
    `${counts.ok} ok`,
    count(counts.warning, 'warning'),
    count(counts.failure, 'failure'),
    `${counts.skipped} not checked or for information`,
  ];
  return [...findings.flatMap(render), '', `${summary.join(', ')}.`].join('\n');
}

function render({ check, state, text, evidence, todo }: Finding): string[] {
  return [
    `${MARKS[state]} ${check}: ${visible(text)}`,
    ...evidence.map(line => `    ${visible(line)}`),
    ...(todo === undefined ? [] : [`    → ${visible(todo)}`]),
  ];
}

/** Names come from the cloud: none may move a terminal's cursor. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
