import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checks } from './checks.ts';
import { doctorReference } from './reference.ts';
import { renderReport } from './render.ts';

describe("doctor's report", () => {
  it('has a line for each finding, evidence and what to do below it, and a sum', () => {
    const text = renderReport({
      counts: { ok: 1, warning: 1, failure: 2, skipped: 1 },
      findings: [
        { check: 'kernel', reason: 'tested', state: 'ok', text: 'Linux 6.12.', evidence: ['x64'] },
        {
          check: 'mtu',
          reason: 'master-larger',
          state: 'warning',
          text: 'Too large.',
          evidence: [],
          todo: 'Lower it.',
        },
        { check: 'carrier', reason: 'down', state: 'failure', text: 'Down.', evidence: [] },
        { check: 'dhcp', reason: 'ipvlan', state: 'skipped', text: 'None.', evidence: [] },
      ],
    });
    assert.equal(
      text,
      [
        ...['✓ kernel: Linux 6.12.', '    x64', '! mtu: Too large.', '    → Lower it.', '✗ carrier: Down.'],
        ...['– dhcp: None.', '', '1 ok, 1 warning, 2 failures, 1 not checked or for information.'],
      ].join('\n'),
    );
  });

  it('shows no control characters of a name that comes from the cloud', () => {
    const finding = {
      check: 'mtu',
      reason: 'equal',
      state: 'ok',
      text: 'net\u001b[2Jwork',
      evidence: ['a\nb'],
    } as const;
    const text = renderReport({ counts: { ok: 1, warning: 0, failure: 0, skipped: 0 }, findings: [finding] });
    assert.match(text, /net \[2Jwork\n {4}a b\n/);
  });
});

describe("doctor's reference page", () => {
  it('has every state of every check, in a table that is whole', () => {
    const page = doctorReference();
    for (const { id, states } of checks) {
      const section = page.split(`\n## ${id}\n`)[1]?.split('\n## ')[0] ?? '';
      for (const [reason, { state }] of Object.entries(states)) {
        assert.ok(section.includes(`\n| ${reason} | ${state} |`), `${id}/${reason}`);
      }
    }
    for (const row of page.split('\n').filter(line => line.startsWith('|'))) {
      assert.equal(row.replaceAll('\\|', '').split('|').length, 6, row);
    }
  });
});
