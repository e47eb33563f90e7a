import assert from 'node:assert/strict';
import fc from 'fast-check';
import { headers } from '../wire/inhabited.ts';
import { RawConnection, rawRequest } from '../wire/raw-http.ts';
import { assertControlAnswer, assertDockerAnswer } from './answers.ts';
import { assertSound, type Bed, livedIn } from './bed.ts';
import { bodiesOf, type Sent } from './docker-bodies.ts';
import { hastyClock } from './hasty-clock.ts';
import { target } from './target.ts';

/** What is done to the bytes of requests on their way. */
interface Course {
  readonly requests: readonly Sent[];
  readonly control: boolean;
  /** Header lines that are put into the first one. */
  readonly lines: readonly string[];
  readonly edits: readonly { readonly at: number; readonly bytes: Uint8Array; readonly drop: number }[];
  /** Where the bytes are parted into writes. */
  readonly splits: readonly number[];
  /** How the client ends: says so, is gone at once, or is gone while bytes are still to come. */
  readonly end: 'finish' | 'close' | 'cut';
}

const lines = [
  ...['Content-Length: 0', 'Content-Length: 5', 'Content-Length: 99999999999999999999', 'Content-Length: -1'],
  ...[
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: chunked, chunked',
    'Expect: 100-continue',
  ],
  ...['Expect: a', 'Connection: close', 'Connection: Upgrade', 'Upgrade: h2c', 'Host: a', `X: ${'a'.repeat(20_000)}`],
  ...['Content-Encoding: gzip', 'X:\u0000', ': a', ' folded', 'Trailer: X', 'Content-Type: text/html; charset=utf-16'],
];

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 8 }),
  fc
    .constantFrom(
      '\r\n',
      '\n',
      '\r\n\r\n',
      '0\r\n\r\n',
      'ffffffffffffffff\r\n',
      ' ',
      '\u0000',
      'GET / HTTP/1.1\r\n\r\n',
      '\xff\xfe',
    )
    .map(text => new Uint8Array(Buffer.from(text, 'latin1'))),
);

const courses = ({ world }: Bed): fc.Arbitrary<Course> =>
  fc.record({
    requests: fc.array(bodiesOf(world), { minLength: 1, maxLength: 3 }),
    control: fc.boolean(),
    lines: fc.array(fc.constantFrom(...lines), { maxLength: 2 }),
    edits: fc.array(fc.record({ at: fc.nat(2_000), bytes, drop: fc.nat(3) }), { maxLength: 2 }),
    splits: fc.array(fc.nat(3_000), { maxLength: 4 }),
    end: fc.constantFrom('finish', 'finish', 'close', 'cut'),
  });

function bytesOf({ requests, control, lines: more, edits }: Course): Buffer {
  const all = requests.map(({ verb, text }) => rawRequest({ path: control ? '/v1/gc' : `/${verb}` }, headers, text));
  const whole = Buffer.concat(all).toString('latin1');
  const withLines = whole.replace('\r\n', `\r\n${more.map(line => `${line}\r\n`).join('')}`);
  return edits.reduce(
    (before, { at, bytes: put, drop }) => {
      const place = at % (before.length + 1);
      return Buffer.concat([before.subarray(0, place), put, before.subarray(place + drop)]);
    },
    Buffer.from(withLines, 'latin1'),
  );
}

export const frames = target<Bed, Course>({
  name: 'bytes that are hardly HTTP get answers that are, and others are served on',
  runs: 50,
  open: () => livedIn(() => ({ clock: hastyClock })),
  inputs: courses,
  async check({ rig, engine }, course) {
    const sent = bytesOf(course);
    const connection = await RawConnection.open(course.control ? rig.control : rig.docker);
    const ends = [...course.splits.map(at => at % sent.length), sent.length].sort((a, b) => a - b);
    if (course.end === 'cut') ends.pop();
    let from = 0;
    for (const end of ends) {
      connection.send(sent.subarray(from, end));
      from = end;
    }
    if (course.end === 'finish') {
      connection.finish();
      const assertAnswer = course.control ? assertControlAnswer : assertDockerAnswer;
      for (let count = 0; ; count++) {
        assert.ok(count < 50, 'answers come to an end');
        const raw = await connection.answer().catch((error: Error) => {
          assert.match(error.message, /after: $/, 'each answer is whole');
          return undefined;
        });
        if (raw === undefined) break;
        assertAnswer(raw, sent.toString('latin1').slice(0, 400));
      }
    }
    connection.close();
    await engine.serves();
  },
  finish: bed => assertSound(bed),
});
