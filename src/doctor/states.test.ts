import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checks, type StateName } from './checks.ts';
import { cloudScenarios } from './cloud-scenarios.ts';
import { DoctorBench } from './doctor-bench.ts';
import { type Scenario, vmScenarios } from './vm-scenarios.ts';

/** The type asks for every state of every check: one without a scenario does not compile. */
const scenarios: Record<StateName, Scenario> = { ...vmScenarios, ...cloudScenarios };

describe('each state that a line can print', () => {
  for (const { id, states } of checks) {
    for (const [reason, entry] of Object.entries(states)) {
      it(`is brought about: ${id}/${reason}`, async () => {
        const bench = new DoctorBench();
        scenarios[`${id}/${reason}` as StateName](bench);
        const { findings } = await bench.run();
        const found = findings.find(finding => finding.check === id && finding.reason === reason);
        assert.ok(found, findings.map(finding => `${finding.check}/${finding.reason} ${finding.text}`).join('\n'));
        assert.equal(found.state, entry.state);
        assert.doesNotMatch(`${found.text} ${found.todo ?? ''}`, /[{}]/, 'every detail is filled in');
        // Errors of the table that a test made by hand have holes of their own.
        if (entry.text !== '{text}') assert.doesNotMatch(found.text, /\?/, 'every detail is filled in');
      });
    }
  }

  it('has no scenario for a state that is gone', () => {
    const known = checks.flatMap(({ id, states }) => Object.keys(states).map(reason => `${id}/${reason}`));
    assert.deepEqual(Object.keys(scenarios).toSorted(), known.toSorted());
  });
});
