import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Captured, capture } from './captured.ts';
import { capturedVm } from './captured-vm.ts';
import { EngineHands } from './engine-hands.ts';
import { Refusals, refusedOnPurpose, refusedRetyped, retyped } from './refusals.ts';
import { type Exchange, Replay, type Retyped } from './replay.ts';
import { Rig } from './rig.ts';
import { assertGateways, assertTaken, codeOf } from './shapes.ts';

const engines = ['docker-20.10', 'docker-28.5', 'docker-28.5-gwalloc'] as const;

/** Between two commands: each pair of ours has its reservation, each link its endpoint, and foreign pairs stand. */
async function assertInvariants(rig: Rig, hands: EngineHands): Promise<void> {
  await rig.settled();
  const foreign = rig.pairs().filter(address => address === '192.0.2.7');
  assert.equal(foreign.length, 2, 'the foreign pair of each port');
  const ours = rig.pairs().filter(address => address !== '192.0.2.7');
  assert.deepEqual(ours.sort(), attachedAddresses(rig).sort());
  const slaves = ['host' as const, ...rig.kernel.namespaces()]
    .flatMap(netns => rig.kernel.links(netns))
    .filter(({ kind }) => kind === 'ipvlan');
  assert.equal(slaves.length, hands.joined);
}

/** Addresses that a container has, or is about to have; those set aside have no pair. */
function attachedAddresses(rig: Rig): string[] {
  const reserved = new Set(rig.reserved());
  const holdings = rig.holdings();
  for (const { reservation } of holdings) assert.ok(reserved.has(reservation?.address ?? ''), 'held but not reserved');
  assert.equal(holdings.length, reserved.size, 'reserved but not held');
  return holdings.flatMap(({ pair }) => (pair === undefined ? [] : [pair.address]));
}

function assertNothingLeft(rig: Rig, links: number): void {
  assert.deepEqual(rig.reserved(), []);
  assert.deepEqual(rig.pairs(), ['192.0.2.7', '192.0.2.7']);
  assert.equal(rig.kernel.links('host').length, links);
  assert.deepEqual(rig.kernel.namespaces(), []);
  assert.deepEqual(rig.ledger(), {});
}

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
