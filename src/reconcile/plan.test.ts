import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AttachmentView, type HoldingView, plan, type View } from './plan.ts';

const limits = { holdMs: 60_000, moveMs: 10_000, startMs: 600_000 };
const empty: View = {
  now: 1_000_000,
  startedAt: 0,
  holdings: [],
  attachments: [],
  hostLinks: [],
  live: new Set(),
  cloud: [],
  abandoned: [],
  strayGuards: [],
  strayAccess: [],
};

const holding = (change: Partial<HoldingView>): HoldingView => ({
  name: 'kuryr-1',
  vmPort: 'vm',
  group: 'pool',
  purpose: 'container',
  reservation: { portId: 'p1', address: '10.0.0.21' },
  since: 0,
  ending: false,
  ...change,
});

const attachment = (change: Partial<AttachmentView>): AttachmentView => ({
  id: 'e1',
  network: 'n1',
  linked: true,
  since: 0,
  ending: false,
  seen: 'sandbox',
  addresses: ['10.0.0.21'],
  ...change,
});

const steps = (change: Partial<View>) => plan({ ...empty, ...change }, limits).map(step => step.do);

test('leaves a running container alone', () => {
  assert.deepEqual(steps({ attachments: [attachment({})], holdings: [holding({ attachment: 'e1' })] }), []);
});

test('leaves a container alone whose sandbox cannot be looked into while its address is seen on a link', () => {
  assert.deepEqual(steps({ attachments: [attachment({ seen: undefined })], live: new Set(['10.0.0.21']) }), []);
});

test('detaches an attachment whose link is gone, but not while a runtime may be moving it', () => {
  const gone = attachment({ seen: undefined });
  assert.deepEqual(steps({ attachments: [gone] }), ['detach']);
  assert.deepEqual(steps({ attachments: [{ ...gone, since: 995_000 }] }), []);
});

test('waits after its own start, since a runtime repeats what it asked before', () => {
  assert.deepEqual(steps({ startedAt: 995_000, attachments: [attachment({ seen: undefined })] }), []);
  assert.deepEqual(steps({ startedAt: 995_000, holdings: [holding({})] }), []);
});

test('gives an engine with many containers to start more than a minute to take a link, then detaches it', () => {
  for (const waiting of [attachment({ seen: 'host' }), attachment({ linked: false, seen: undefined })]) {
    assert.deepEqual(steps({ attachments: [{ ...waiting, since: 900_000 }] }), []);
    assert.deepEqual(steps({ attachments: [{ ...waiting, since: 300_000 }] }), ['detach']);
  }
});

test('goes on with a detaching that was interrupted', () => {
  assert.deepEqual(steps({ attachments: [attachment({ ending: true, since: 999_999 })] }), ['detach']);
});

test('frees an address that no container named in time, never one set aside', () => {
  assert.deepEqual(steps({ holdings: [holding({ since: 900_000 })] }), ['end']);
  assert.deepEqual(steps({ holdings: [holding({ since: 950_000 })] }), []);
  assert.deepEqual(steps({ holdings: [holding({ purpose: 'aside' })] }), []);
});

test('adopts a reservation that nobody has, with the pair it left on the port', () => {
  const cloud = [
    {
      vmPort: 'vm',
      pairs: [{ address: '10.0.0.30', mac: 'fa:16:3e:00:00:01' }],
      reservations: [{ portId: 'p9', name: 'kuryr-9', address: '10.0.0.30' }],
    },
  ];
  const [step] = plan({ ...empty, cloud }, limits);
  assert.equal(step?.do, 'adopt');
  assert.equal(step?.do === 'adopt' && step.pairMac, 'fa:16:3e:00:00:01');
  assert.deepEqual(steps({ cloud, live: new Set(['10.0.0.30']) }), []);
  const reservation = { portId: 'p9', address: '10.0.0.30' };
  assert.deepEqual(steps({ cloud, holdings: [holding({ name: 'kuryr-9', attachment: 'e1', reservation })] }), []);
});

test('removes a link in the host that no record has', () => {
  assert.deepEqual(steps({ hostLinks: [{ ifindex: 7, name: 'ky1', id: 'lost' }] }), ['unlink']);
  assert.deepEqual(
    steps({
      hostLinks: [{ ifindex: 7, name: 'ky1', id: 'e1' }],
      attachments: [attachment({ seen: 'host', since: 999_000 })],
    }),
    [],
  );
});

test('a network that its runtime does not have any more is forgotten, once its last attachment is gone', () => {
  const abandoned = [{ network: 'n1', groups: ['pool'] }];
  const aside = holding({ purpose: 'aside' });
  const [step] = plan(
    { ...empty, abandoned, holdings: [aside, holding({ group: 'another', attachment: 'e9' })] },
    limits,
  );
  assert.deepEqual(step?.do === 'forget' && [step.network, step.addresses], ['n1', ['10.0.0.21']]);
  assert.deepEqual(steps({ abandoned, attachments: [attachment({ seen: 'sandbox' })] }), []);
});

test('of two reservations of one name the one that no record has is an orphan', () => {
  const reservations = ['p1', 'p2'].map(portId => ({ portId, name: 'kuryr-1', address: `10.0.0.2${portId[1]}` }));
  const cloud = [{ vmPort: 'vm', pairs: [], reservations }];
  const found = plan({ ...empty, cloud, holdings: [holding({ attachment: 'e1' })] }, limits);
  assert.deepEqual(
    found.map(step => step.do === 'adopt' && step.portId),
    ['p2'],
  );
  const asked = holding({ reservation: undefined, attachment: 'e1' });
  assert.deepEqual(steps({ cloud, holdings: [asked] }), [], 'while its POST is under way both may be the one');
});

test('clears away host access that no attachment needs, as one', () => {
  assert.deepEqual(steps({ strayAccess: ['the neighbour 10.0.0.21', 'the route to 10.0.0.21/32'] }), ['close']);
});
