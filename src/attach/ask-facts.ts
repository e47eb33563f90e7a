import { asKuryrError } from '../errors/kuryr-error.ts';
import type { Ipam } from '../ipam/ipam.ts';
import type { Nics } from '../nic/nic.ts';
import type { Neutron, Port } from '../openstack/neutron.ts';
import type { Reach } from '../reach/reach.ts';
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
}

/** A gateway answers within milliseconds; somebody waits for what is found. */
const PROBE_MS = 2000;

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
      const asked = [reservation(parts, holding, signal), pair(parts, holding, signal)];
      if (record?.link !== undefined) asked.push(frames(parts, record, holding, signal));
      return Promise.all(asked);
    }),
  );
  return [...found.flat(), ...link];
}

async function reservation({ ipam }: FactsParts, { vmPort, reservation: own }: Held, signal: AbortSignal) {
  const { address, portId: port } = own;
  return trying('reserved', `whether ${address} is reserved`, async () => {
    const found = await ipam.find({ portId: port, vmPortId: vmPort }, signal);
    if (found === undefined) return lacks('reserved', 'RESERVATION_GONE', { address, port });
    return holds('reserved', `${address} is reserved by the Neutron port ${port}.`);
  });
}

async function pair(
  { neutron }: FactsParts,
  { vmPort, pair: own, reservation: { address } }: Held,
  signal: AbortSignal,
) {
  return trying('permitted', `whether ${address} is permitted`, async () => {
    const port = await neutron.port(vmPort, signal);
    if (!port.port_security_enabled) return holds('permitted', 'The VM port has no port security: no pair is needed.');
    if (own !== undefined && stands(port, own))
      return holds('permitted', `The VM port ${vmPort} has the pair ${address}.`);
    return lacks('permitted', 'PAIR_MISSING', { port: vmPort, address });
  });
}

function stands({ allowed_address_pairs: pairs, mac_address: ownMac }: Port, own: Holding['pair'] & object): boolean {
  return pairs.some(
    ({ ip_address: address, mac_address: mac }) => address === own.address && (mac ?? ownMac) === (own.mac ?? ownMac),
  );
}

async function frames(
  { nics, reach }: FactsParts,
  { mac, gateways }: AttachmentRecord,
  { vmPort, reservation: { address, family } }: Held,
  signal: AbortSignal,
): Promise<Finding> {
  return trying('reachable', `whether frames with ${address} pass`, async () => {
    const nic = await nics.byPort(vmPort, signal);
    const answer = await reach.probe({ nic, address, mac, gateway: gateways?.[family] }, PROBE_MS, signal);
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

async function trying(fact: Finding['fact'], what: string, ask: () => Promise<Finding>): Promise<Finding> {
  try {
    return await ask();
  } catch (thrown) {
    return unasked(fact, what, thrown);
  }
}

function unasked(fact: Finding['fact'], what: string, thrown: unknown): Finding {
  const { code, text, todo } = asKuryrError(thrown);
  return unknown(fact, `It could not be asked ${what}: ${text}`, code, todo);
}
