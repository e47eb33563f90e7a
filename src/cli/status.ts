import type {
  AddressStatus,
  AttachmentStatus,
  GuardStatus,
  HostAccessStatus,
  PortStatus,
  Status,
} from '../attach/status.ts';
import { parseFlags } from '../config/flags.ts';
import type { Command } from './command.ts';
import { askDaemon, controlFlags, controlHelp } from './control-client.ts';
import { columns, problemLines, shortened, shown } from './table.ts';

export const statusCommand: Command = {
  help: () =>
    [
      'usage: kuryr status [--json] [--check]',
      '',
      'Shows each attachment with its addresses and how far it has come, how many pairs are left on the VM ports, and what is',
      'wrong.',
      '',
      '  --json          the whole answer of the daemon',
      '  --check         exit code 1 where containers cannot start or are not safe: one of the values shown is an error',
      ...controlHelp(18),
    ].join('\n'),

  async run(args, terminal, signal) {
    const { text, on } = parseFlags(args, { ...controlFlags, json: 'switch', check: 'switch' });
    const status = await askDaemon({ method: 'GET', path: '/v1/status' }, text, terminal, signal);
    terminal.out(on.has('json') ? JSON.stringify(status, undefined, 2) : renderStatus(status as Status));
    const isWrong = (status as Status).health.some(({ severity }) => severity === 'error');
    return on.has('check') && isWrong ? 1 : 0;
  },
};

/** The status as a person reads it. */
export function renderStatus({ attachments, ports, guards, hostAccess, loose, cloud, health }: Status): string {
  const lines: string[] = [];
  if (attachments.length === 0) lines.push('No attachments.');
  else {
    const heading = ['ATTACHMENT', 'NETWORK', 'LINK', 'ADDRESS', 'STATE', 'SINCE'];
    lines.push(columns([heading, ...attachments.flatMap(rowsOf)]));
    for (const { id, notes } of attachments) {
      for (const note of notes) lines.push(`${shortened(id)}: ${shown(note)}`);
    }
  }
  for (const { address, state } of loose) lines.push(`${shown(address)}: ${looseText[state]}`);
  if (ports.length > 0) lines.push('', ...ports.map(portLine));
  lines.push(...guards.flatMap(guardLines), ...hostAccessLines(hostAccess));
  if (cloud !== undefined) lines.push('', `The cloud does not tell of its ports: ${shown(cloud)}`);
  if (health.length > 0) lines.push('', 'Not as it should be:', ...health.flatMap(problemLines));
  return lines.join('\n');
}

const looseText = {
  provisional: 'asked for, not on an endpoint yet',
  aside: 'set aside, for no container',
  ending: 'on its way back to Neutron',
};

function rowsOf(attachment: AttachmentStatus): string[][] {
  const { id, network, kind, addresses, since } = attachment;
  const head = [shortened(id), shortened(network), shown(kind)];
  const tail = since.replace(/\.\d+Z$/, 'Z');
  if (addresses.length === 0) return [[...head, '-', attachment.ending ? 'ending' : 'no address', tail]];
  return addresses.map((address, n) => [
    ...(n === 0 ? head : ['', '', '']),
    shown(address.address),
    stateOf(attachment, address),
    n === 0 ? tail : '',
  ]);
}

/** The furthest that the address has come. */
function stateOf({ ending }: AttachmentStatus, { facts, reached }: AddressStatus): string {
  if (ending) return 'ending';
  if (facts.includes('reachable')) return 'reachable';
  if (reached !== undefined && facts.includes('linked')) return 'linked, frames not seen to pass';
  return (['linked', 'permitted', 'reserved'] as const).find(fact => facts.includes(fact)) ?? 'nothing yet';
}

function portLine({ port, master, network, pairs, portSecurity }: PortStatus): string {
  const where = `${shown(master)} (VM port ${shown(port)}, network ${shown(network)})`;
  if (!portSecurity) return `${where}: port security is off, no pairs are needed`;
  if (pairs === undefined) return `${where}: the cloud did not tell of its pairs`;
  const { used, limit } = pairs;
  if (limit === undefined) return `${where}: ${used} pairs in use, the limit is not known`;
  return `${where}: ${Math.max(0, limit - used)} of ${limit} pairs left`;
}

/** What containers did to the mode; of a guard that does not stand, the health values tell. */
function guardLines({ master, flips }: GuardStatus): string[] {
  if (flips === undefined) return [];
  const { count, at, found, by, pause } = flips;
  const who = by === undefined ? 'a container' : `the container of ${shortened(by)}`;
  const times = count === 1 ? 'once' : `${count} times`;
  const next = pause === 0 ? '' : `; the next is let stand for ${pause / 1000} s`;
  return [
    `${shown(master)}: containers changed the mode of all its links ${times}, ${who} the last time (${shown(at)}, to ${shown(found)})${next}`,
  ];
}

/** Whether the VM reaches its own containers; nothing as long as nobody has asked for it. What is lacking, the health values tell. */
function hostAccessLines({ state, foreign }: HostAccessStatus): string[] {
  if (state === 'lacking') return ['The VM and its own containers do not reach one another.'];
  if (state === 'off') return ['Host access is off: the VM and its own containers do not reach one another.'];
  if (state === 'unused') return [];
  const left = foreign.map(what => `${shown(what)} is not Kuryr's and is left as it is`);
  return ['The VM and its own containers reach one another.', ...left];
}
