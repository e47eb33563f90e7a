import type { KuryrError } from '../errors/kuryr-error.ts';
import type { Flips, FlipWatch } from '../hostaccess/flip-watch.ts';
import type { Post } from '../hostaccess/guard-post.ts';
import type { Guards } from '../hostaccess/guards.ts';
import type { HostAccess, HostAccessState } from '../hostaccess/host-access.ts';
import type { Nics } from '../nic/nic.ts';
import type { HealthReport, Problem } from '../observe/health-board.ts';
import type { PairWriters } from '../pairs/pair-writer.ts';
import type { Reached } from '../reach/reach.ts';
import { type Addresses, isHeld } from './addresses.ts';
import type { Attachments } from './attachments.ts';
import type { FactName } from './facts.ts';
import type { Holding, Records } from './records.ts';

export interface AddressStatus {
  /** The reservation's name in Neutron. */
  readonly name: string;
  readonly address: string | undefined;
  readonly facts: readonly FactName[];
  readonly reached: Reached | undefined;
}

export interface AttachmentStatus {
  readonly id: string;
  readonly network: string;
  readonly link: string | undefined;
  readonly kind: string;
  readonly sandbox: string | undefined;
  readonly seen: 'host' | 'sandbox' | undefined;
  readonly addresses: readonly AddressStatus[];
  readonly notes: readonly string[];
  /** Wall time of the last step, ISO 8601. */
  readonly since: string;
  readonly ending: boolean;
}

export interface PortStatus {
  readonly port: string;
  readonly master: string;
  readonly network: string;
  /** Entries on the port, of them ours, and max_allowed_address_pair; undefined where the cloud did not tell. */
  readonly pairs: { readonly used: number; readonly ours: number; readonly limit: number | undefined } | undefined;
  readonly portSecurity: boolean;
}

export interface GuardStatus {
  readonly master: string;
  /** What the guard keeps from containers, the VM's addresses and the gateways'. */
  readonly keeps: readonly string[];
  /** Why it does not keep all of them, when it does not. */
  readonly fault: { readonly code: string; readonly text: string } | undefined;
  /** What containers did to the master's mode since the daemon began. */
  readonly flips: (Omit<Flips, 'at'> & { readonly at: string }) | undefined;
}

/** Whether the VM and its own containers reach one another. */
export interface HostAccessStatus {
  /** `unused`: no container has asked for it yet. */
  readonly state: HostAccessState['is'];
  /** What is lacking, and what to do about it. */
  readonly lack: { readonly code: string; readonly text: string; readonly todo: string } | undefined;
  /** Why services do not reach containers, or not all of them. */
  readonly services: HostAccessStatus['lack'];
  /** What others have in the place of something of Kuryr's: it is left as it is. */
  readonly foreign: readonly string[];
}

export interface Status {
  readonly hostAccess: HostAccessStatus;
  readonly ports: readonly PortStatus[];
  readonly attachments: readonly AttachmentStatus[];
  readonly guards: readonly GuardStatus[];
  /** Addresses that no attachment has: just asked for, set aside, or on their way back. */
  readonly loose: readonly {
    /** The reservation's name in Neutron. */
    readonly name: string;
    readonly address: string | undefined;
    readonly state: 'provisional' | 'aside' | 'ending';
  }[];
  /** Why the cloud's part is missing, when it is. */
  readonly cloud: string | undefined;
  /** What is wrong, causes first. */
  readonly health: readonly Problem[];
}

export interface StatusParts {
  readonly records: Records;
  readonly addresses: Addresses;
  readonly attachments: Attachments;
  readonly nics: Nics;
  readonly pairs: PairWriters;
  readonly guards: Pick<Guards, 'posts'>;
  readonly flips: Pick<FlipWatch, 'of'>;
  readonly hostAccess: Pick<HostAccess, 'state'>;
  readonly health: { report(): HealthReport };
}

/** What `kuryr status` shows. The cloud is asked for what it alone knows; where it is silent, the rest is told all the same. */
export async function status(parts: StatusParts, signal: AbortSignal): Promise<Status> {
  const { records, attachments } = parts;
  let ports: readonly PortStatus[] = [];
  let cloud: string | undefined;
  try {
    ports = await portsOf(parts, signal);
  } catch (error) {
    cloud = error instanceof Error ? error.message : String(error);
  }
  return {
    ports,
    cloud,
    health: parts.health.report().problems,
    hostAccess: hostAccessStatus(parts.hostAccess.state),
    attachments: await Promise.all(
      records.attachments().map(async record => {
        const seen = attachments.seen(record);
        const reached = attachments.reachedBy(record.id);
        return {
          id: record.id,
          network: record.network,
          link: record.link?.name,
          kind: `${record.spec.kind} ${record.spec.mode}`,
          sandbox: record.sandbox,
          seen,
          addresses: await Promise.all(
            attachments
              .holdingsOf(record)
              .map((holding, index) => addressStatus(parts, holding, reached[index], seen !== undefined)),
          ),
          notes: record.notes,
          since: new Date(record.since).toISOString(),
          ending: record.ending,
        };
      }),
    ),
    guards: parts.guards.posts.map(post => guardStatus(post, parts.flips.of(post.slave.master.ifindex))),
    loose: records
      .holdings()
      .filter(({ attachment }) => attachment === undefined)
      .map(holding => ({
        name: holding.name,
        address: holding.reservation?.address ?? holding.wanted,
        state: holding.ending ? 'ending' : holding.purpose === 'aside' ? 'aside' : 'provisional',
      })),
  };
}

function hostAccessStatus(state: HostAccessState): HostAccessStatus {
  const toldOf = (error: KuryrError | undefined) => error && { code: error.code, text: error.text, todo: error.todo };
  return {
    state: state.is,
    lack: toldOf(state.is === 'lacking' ? state.error : undefined),
    services: toldOf(state.is === 'working' ? state.lack : undefined),
    foreign: state.is === 'working' ? state.foreign : [],
  };
}

function guardStatus({ slave, own, gateways, fault }: Post, flips: Flips | undefined): GuardStatus {
  return {
    master: slave.master.name,
    keeps: [...new Set([...own, ...gateways])],
    fault: fault && { code: fault.code, text: fault.text },
    flips: flips && { ...flips, at: new Date(flips.at).toISOString() },
  };
}

async function portsOf({ nics, pairs }: StatusParts, signal: AbortSignal): Promise<PortStatus[]> {
  return Promise.all(
    (await nics.all(signal)).map(async ({ port, master, network }) => {
      const writer = pairs.of(port.id);
      const limit = port.portSecurity ? await writer.limit(signal) : undefined;
      const { used, ours } = await writer.refresh(signal);
      return {
        port: port.id,
        master: master.name,
        network: network.name || network.id,
        pairs: port.portSecurity ? { used, ours, limit } : undefined,
        portSecurity: port.portSecurity,
      };
    }),
  );
}

async function addressStatus(
  { addresses }: StatusParts,
  holding: Holding,
  reached: Reached | undefined,
  linked: boolean,
): Promise<AddressStatus> {
  const facts: FactName[] = [];
  if (isHeld(holding)) facts.push('reserved');
  if (await addresses.isPermitted(holding)) facts.push('permitted');
  if (holding.attachment !== undefined) facts.push('named');
  if (linked) facts.push('linked');
  if (reached?.reachable === true) facts.push('reachable');
  return { name: holding.name, address: holding.reservation?.address ?? holding.wanted, facts, reached };
}
