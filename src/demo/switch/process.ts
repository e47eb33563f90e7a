// The switch: a process of its own, so that its CPU time is told apart from the VMs'.
import { KoffiSys } from '../../linux/koffi-sys.ts';
import { Readable } from '../../linux/readable.ts';
import { PortSecurity, type SecuredPort } from './port-security.ts';
import { Wire } from './wire.ts';

/** What the switch is told. A cable without a port is the gateway's: nothing that it sends is looked at. */
export type Order =
  | { readonly plug: { readonly name: string; readonly ifindex: number; readonly mac?: string } }
  | { readonly secure: { readonly name: string; readonly port: SecuredPort } }
  | { readonly count: true };

/** Of one cable, what came from it. */
export interface Counters {
  /** Frames and their bytes that were let through. */
  readonly passed: number;
  readonly bytes: number;
  /** Frames that were not, by why. */
  readonly dropped: Readonly<Record<string, number>>;
}

interface Cable {
  readonly wire: Wire;
  macs: readonly string[];
  security: PortSecurity | undefined;
  passed: number;
  bytes: number;
  readonly dropped: Map<string, number>;
}

/** How long an order may have to wait while no frame arrives, milliseconds. */
const IDLE_MS = 5;

const sys = new KoffiSys();
const cables = new Map<string, Cable>();
let plugged: readonly Cable[] = [];
let readable = new Readable([]);
turn();

process.on('message', (order: Order) => {
  if ('plug' in order) plug(order.plug.name, order.plug.ifindex, order.plug.mac);
  if ('secure' in order) secure(order.secure.name, order.secure.port);
  process.send?.({ done: 'count' in order ? counters() : {} });
});

function plug(name: string, ifindex: number, mac: string | undefined): void {
  const macs = mac === undefined ? [] : [hex(mac)];
  const wire = new Wire(sys, ifindex);
  cables.set(name, { wire, macs, security: undefined, passed: 0, bytes: 0, dropped: new Map() });
  plugged = [...cables.values()];
  readable = new Readable(plugged.map(cable => cable.wire.fd));
}

/** Carries what has arrived, then lets orders in. */
function turn(): void {
  if (readable.wait(IDLE_MS)) {
    for (const [n, cable] of plugged.entries()) {
      if (readable.has(n)) cable.wire.read((frame, whole) => carry(cable, frame, whole));
    }
  }
  setImmediate(turn);
}

function carry(cable: Cable, frame: Buffer, whole: Buffer): void {
  const reason = cable.security?.refuses(frame);
  if (reason !== undefined) {
    cable.dropped.set(reason, (cable.dropped.get(reason) ?? 0) + 1);
    return;
  }
  cable.passed++;
  cable.bytes += frame.length;
  forward(cable, frame, whole);
}

function secure(name: string, port: SecuredPort): void {
  const cable = cables.get(name);
  if (cable === undefined) throw new Error(`no cable ${name}`);
  cable.security = new PortSecurity(port);
  const pairs = port.allowed_address_pairs.map(pair => pair.mac_address ?? port.mac_address);
  cable.macs = [port.mac_address, ...pairs].map(hex);
}

/** To whom the MAC belongs, as the cloud has it; groups to all. */
function forward(from: Cable, frame: Buffer, whole: Buffer): void {
  const group = ((frame[0] ?? 0) & 1) === 1;
  const to = frame.toString('hex', 0, 6);
  for (const cable of cables.values()) {
    if (cable !== from && (group || cable.macs.includes(to))) cable.wire.send(whole);
  }
}

const hex = (mac: string): string => mac.replaceAll(':', '');

function counters(): Readonly<Record<string, Counters>> {
  const each = [...cables].map(([name, { passed, bytes, dropped }]) => [
    name,
    { passed, bytes, dropped: Object.fromEntries(dropped) },
  ]);
  return Object.fromEntries(each);
}
