import { asKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { Ipam } from '../ipam/ipam.ts';
import type { Nics } from '../nic/nic.ts';
import { abortable, withinTime } from '../openstack/deadline.ts';
import type { Neutron, Port } from '../openstack/neutron.ts';
import type { Reach } from '../reach/reach.ts';
import type { Clock } from '../time/clock.ts';
import { type Held, isHeld } from './addresses.ts';
import type { Attachments } from './attachments.ts';
import { type Finding, holds, lacks, unknown } from './finding.ts';
import type { AttachmentRecord, Holding } from './records.ts';

export interface FactsParts {
  readonly attachments: Attachments;
  readonly neutron: Pick<Neutron, 'port'>;
  readonly ipam: Pick<Ipam, 'find'>;
  readonly nics: Nics;
  readonly reach: Pick<Reach, 'probe'>;
  readonly clock: Clock;
}

/** A gateway answers within milliseconds; somebody waits for what is found. */
const PROBE_MS = 2000;
/** A call of the cloud may take a minute, which is too long for whoever has typed a question, milliseconds. */
const PATIENCE_MS = 10_000;

/** Asks cloud, kernel and network whether each fact of the addresses holds now. What cannot be asked is told as unknown. */
export async function askFacts(
  parts: FactsParts,
  record: AttachmentRecord | undefined,
  holdings: readonly Holding[],
  signal: AbortSignal,
): Promise<Finding[]> {
  const link = record === undefined ? [] : [linkFinding(parts, record)];
  const found = await Promise.all(
    holdings.filter(isHeld).map(async holding => {
      const asked = [reservation(parts, holding, signal), pair(parts, record, holding, signal)];
      if (record?.link !== undefined) asked.push(frames(parts, record, holding, signal));
      return Promise.all(asked);
    }),
  );
  return [...found.flat(), ...link];
}

async function reservation(parts: FactsParts, { vmPort, reservation: own }: Held, signal: AbortSignal) {
  const { address, portId: port } = own;
  return trying(parts, 'reserved', signal, `whether ${address} is reserved`, async bound => {
    const found = await parts.ipam.find({ portId: port, vmPortId: vmPort }, bound);
    if (found === undefined) return lacks('reserved', 'RESERVATION_GONE', { address, port });
    return holds('reserved', `${address} is reserved by the Neutron port ${port}.`);
  });
}

async function pair(
  parts: FactsParts,
  record: AttachmentRecord | undefined,
  { vmPort, pair: own, reservation: { address } }: Held,
  signal: AbortSignal,
) {
  return trying(parts, 'permitted', signal, `whether ${address} is permitted`, async bound => {
    const port = await parts.neutron.port(vmPort, bound);
    if (!port.port_security_enabled) return holds('permitted', 'The VM port has no port security: no pair is needed.');
    if (own !== undefined && stands(port, own))
      return holds('permitted', `The VM port ${vmPort} has the pair ${address}.`);
    const isAttached = record?.link !== undefined;
    return lacks('permitted', isAttached ? 'PAIR_MISSING' : 'PAIR_NOT_WRITTEN', { port: vmPort, address });
  });
}

function stands({ allowed_address_pairs: pairs, mac_address: ownMac }: Port, own: Holding['pair'] & object): boolean {
  return pairs.some(
    ({ ip_address: address, mac_address: mac }) => address === own.address && (mac ?? ownMac) === (own.mac ?? ownMac),
  );
}

async function frames(
  parts: FactsParts,
  { mac, gateways }: AttachmentRecord,
  { vmPort, reservation: { address, family } }: Held,
  signal: AbortSignal,
): Promise<Finding> {
  return trying(parts, 'reachable', signal, `whether frames with ${address} pass`, async bound => {
    const nic = await parts.nics.byPort(vmPort, bound);
    const answer = await parts.reach.probe({ nic, address, mac, gateway: gateways?.[family] }, PROBE_MS, bound);
    if (answer.reachable) return holds('reachable', `Frames with ${address} pass: ${answer.target} answers.`);
    if (answer.reason === 'unanswered') return lacks('reachable', 'FRAMES_UNANSWERED', { address });
    return unknown('reachable', `Whether frames with ${address} pass cannot be asked: nobody answers the VM itself.`);
  });
}

function linkFinding({ attachments }: FactsParts, record: AttachmentRecord): Finding {
  if (record.link === undefined) return lacks('linked', 'LINK_NOT_MADE', {});
  const { name: link } = record.link;
  try {
    const seen = attachments.seen(record);
    if (seen === undefined) return lacks('linked', 'LINK_MISSING', { link });
    if (seen === 'host') return lacks('linked', 'LINK_NOT_MOVED', { link });
    return holds('linked', `The link ${link} is in the container.`);
  } catch (thrown) {
    return unasked('linked', 'where the link is', thrown);
  }
}

async function trying(
  { clock }: FactsParts,
  fact: Finding['fact'],
  signal: AbortSignal,
  what: string,
  ask: (bound: AbortSignal) => Promise<Finding>,
): Promise<Finding> {
  const seconds = PATIENCE_MS / 1000;
  const late = (cause: unknown) =>
    new KuryrError('CLOUD_TIMEOUT', { method: 'GET', url: 'Neutron', seconds }, { cause });
  try {
    return await withinTime(clock, PATIENCE_MS, signal, bound => abortable(ask(bound), bound), late);
  } catch (thrown) {
    return unasked(fact, what, thrown);
  }
}

function unasked(fact: Finding['fact'], what: string, thrown: unknown): Finding {
  const { code, text, todo } = asKuryrError(thrown);
  return unknown(fact, `It could not be asked ${what}: ${text}`, code, todo);
}
