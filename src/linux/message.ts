/**
 * Netlink's wire form (netlink(7)), little-endian as on every machine that Kuryr runs on:
 *
 *     struct nlmsghdr { __u32 len; __u16 type; __u16 flags; __u32 seq; __u32 pid; };
 *     struct nlattr   { __u16 len; __u16 type; };   // payload, padded to 4 bytes
 */

const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
/** Of a request that reads: NLM_F_ROOT | NLM_F_MATCH. */
export const NLM_F_DUMP = 0x300;
/** Of a request that makes something: NLM_F_CREATE | NLM_F_EXCL. */
export const NLM_F_CREATE_EXCL = 0x600;
export const NLM_F_CREATE = 0x400;
/** Of a request that makes something: in place of what stands. */
export const NLM_F_REPLACE = 0x100;

const NLA_TYPE_MASK = 0x3fff;
const HEADER = 16;

/** A request before it has its sequence number. */
export interface Request {
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
}

/** A message that came back. */
export interface Message extends Request {
  readonly seq: number;
}

/** An attribute: its type, and its payload. */
export type Attribute = readonly [type: number, payload: Uint8Array];

/** A request's body: the fixed header of its family, then attributes. */
export function body(header: Uint8Array, attributes: readonly Attribute[]): Uint8Array {
  return Buffer.concat([header, encodeAttributes(attributes)]);
}

export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  return Buffer.concat(
    attributes.map(([type, payload]) => {
      const bytes = Buffer.alloc(align(4 + payload.length));
      bytes.writeUInt16LE(4 + payload.length, 0);
      bytes.writeUInt16LE(type, 2);
      bytes.set(payload, 4);
      return bytes;
    }),
  );
}

/**
 * The attributes in a payload by type; of several of one type the last. What does not fit ends the list, so hostile or
 * cut bytes give fewer attributes, never a read beyond the end.
 */
export function decodeAttributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const view = viewOf(bytes);
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) break;
    found.set(view.getUint16(at + 2, true) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length));
    at += align(length);
  }
  return found;
}

export function encodeMessage(request: Request, seq: number): Uint8Array {
  const bytes = Buffer.alloc(HEADER + request.body.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(request.type, 4);
  bytes.writeUInt16LE(request.flags | NLM_F_REQUEST, 6);
  bytes.writeUInt32LE(seq, 8);
  bytes.set(request.body, HEADER);
  return bytes;
}

/** The messages in one datagram; their bodies are copies. */
export function decodeMessages(bytes: Uint8Array): readonly Message[] {
  const messages: Message[] = [];
  const view = viewOf(bytes);
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const length = view.getUint32(at, true);
    if (length < HEADER || at + length > bytes.length) break;
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      seq: view.getUint32(at + 8, true),
      // Not Buffer's slice, which would share the caller's memory.
      body: new Uint8Array(bytes.subarray(at + HEADER, at + length)),
    });
    at += align(length);
  }
  return messages;
}

export function u16(value: number): Uint8Array {
  return new Uint8Array(Uint16Array.of(value).buffer);
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** Text as the kernel reads it: UTF-8 and a zero byte. */
export function cString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`);
}

/** Text up to the first zero byte; empty for a missing attribute. */
export function readString(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return '';
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}

/** An unsigned 16-bit number; undefined where it is missing or cut. */
export function readU16(bytes: Uint8Array | undefined): number | undefined {
  return bytes === undefined || bytes.length < 2 ? undefined : viewOf(bytes).getUint16(0, true);
}

/** An unsigned 32-bit number; undefined where it is missing or cut. */
export function readU32(bytes: Uint8Array | undefined): number | undefined {
  return bytes === undefined || bytes.length < 4 ? undefined : viewOf(bytes).getUint32(0, true);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function align(length: number): number {
  return (length + 3) & ~3;
}
