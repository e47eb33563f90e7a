import * as v from 'valibot';

/**
 * What a schema found, as `ports.0.mac_address is not a MAC`: in the schema's own words where it has some. valibot's
 * default words repeat what was received, which may be a secret, and are not used.
 */
export function whatIsWrong(issue: v.BaseIssue<unknown>, whole: string): string {
  const expected = issue.message.startsWith('Invalid ') ? (issue.expected ?? 'as expected') : issue.message;
  return `${v.getDotPath(issue) ?? whole} is not ${expected}`;
}
