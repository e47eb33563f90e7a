import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Captured, capture } from './captured.ts';
import { capturedVm } from './captured-vm.ts';
import { EngineHands } from './engine-hands.ts';
import { assertInvariants, assertNothingLeft } from './invariants.ts';
import { Refusals, refusedOnPurpose, refusedRetyped, retyped } from './refusals.ts';
import { type Exchange, Replay, type Retyped } from './replay.ts';
import { Rig } from './rig.ts';
import { assertGateways, assertTaken, codeOf } from './shapes.ts';

const engines = ['docker-20.10', 'docker-28.5', 'docker-28.5-gwalloc'] as const;

interface Course {
  readonly refused: Readonly<Record<string, string>>;
  readonly retyped?: Retyped;
  readonly restartBetweenCommands?: boolean;
}

async function replayed(name: string, course: Course) {
  const { requests, ...rest } = capture(name);
  const rig = await Rig.start(capturedVm());
  after(() => rig.stop());
  const links = rig.kernel.links('host').length;
  const hands = new EngineHands(rig.kernel);
  const replay = new Replay({ requests, ...rest }, course.retyped);
  const refusals = new Refusals(course.refused);
  const cidrs = new Map<unknown, string[]>();
  let mark = '';
  for (const request of requests) {
    if (request.mark !== mark) {
      mark = request.mark;
      await assertInvariants(rig, hands);
      if (course.restartBetweenCommands) {
        replay.close();
        await rig.restart();
      }
    }
    const exchange = await replay.send(request, rig.docker);
    judge(exchange, refusals);
    hands.follow(exchange);
    remember(exchange, cidrs);
  }
  await assertInvariants(rig, hands);
  assertNothingLeft(rig, links);
  if (!course.restartBetweenCommands) assert.equal(replay.connections, 1, 'the connection was kept all the time');
  replay.close();
  return { sent: requests.length, refused: refusals.counted };
}

function judge(exchange: Exchange, refusals: Refusals): void {
  const code = refusals.expected(exchange);
  if (code === undefined) assertTaken(exchange);
  else {
    assert.equal(codeOf(exchange), code, `${exchange.mark}: ${exchange.verb} ${JSON.stringify(exchange.sent)}`);
    refusals.note(exchange, code);
  }
}

function remember({ verb, sent, raw, answered }: Exchange, cidrs: Map<unknown, string[]>): void {
  if (raw.status !== 200) return;
  const { Address = '', AddressIPv6 = '' } = (sent['Interface'] ?? {}) as { Address?: string; AddressIPv6?: string };
  if (verb === 'NetworkDriver.CreateEndpoint') cidrs.set(sent['EndpointID'], [Address, AddressIPv6]);
  if (verb === 'NetworkDriver.Join') assertGateways(answered, cidrs.get(sent['EndpointID']) ?? []);
}

const sum = (counted: ReadonlyMap<string, number>) => [...counted.values()].reduce((total, n) => total + n, 0);
const count = (requests: readonly Captured[]) => `${requests.length} requests`;

for (const name of engines) {
  const { requests } = capture(name);

  test(`sends the bytes that were captured, where no name has to be another: ${name}`, () => {
    for (const { body } of requests.filter(request => request.body !== ''))
      assert.equal(`${JSON.stringify(JSON.parse(body))}\n`, body);
  });

  test(`answers ${count(requests)} of ${name} as they were captured, and leaves nothing`, async t => {
    const { refused } = await replayed(name, { refused: refusedOnPurpose });
    t.diagnostic(`${sum(refused)} refused on purpose: ${JSON.stringify(Object.fromEntries(refused))}`);
  });

  test(`answers ${count(requests)} of ${name} as typed for Kuryr, and leaves nothing`, async t => {
    const { refused } = await replayed(name, { refused: refusedRetyped, retyped });
    t.diagnostic(`${sum(refused)} refused on purpose: ${JSON.stringify(Object.fromEntries(refused))}`);
  });
}

test('serves an engine on when the daemon is another after each command', async () => {
  await replayed('docker-28.5', { refused: refusedRetyped, retyped, restartBetweenCommands: true });
});
