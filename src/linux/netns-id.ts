import { EEXIST, EINVAL } from './errno.ts';
import { type Attribute, body, decodeAttributes, type Request, readU32, u32 } from './message.ts';
import type { Netlink } from './netlink.ts';
import { refusal } from './refusal.ts';

const RTM_NEWNSID = 88;
const RTM_GETNSID = 90;
// linux/net_namespace.h
const NETNSA_NSID = 1;
const NETNSA_FD = 3;

/** struct rtgenmsg { u8 family; } and padding. */
const header = new Uint8Array(4);

/** The id that the namespace of the descriptor has in that of the socket; the kernel chooses one when it has none. */
export function netnsId(netlink: Netlink, fd: number): number {
  const given = netlink.change(newId(fd));
  if (given !== undefined && given.errno !== EEXIST) throw refusal('give a network namespace an id', given);
  const answer = netlink.get(getId(fd));
  if ('errno' in answer) throw refusal('read the id of a network namespace', answer);
  const id = readU32(decodeAttributes(answer.body.subarray(header.length)).get(NETNSA_NSID));
  if (id === undefined) throw refusal('read the id of a network namespace', EINVAL);
  return id | 0;
}

function newId(fd: number): Request {
  const attributes: Attribute[] = [
    // -1: any.
    [NETNSA_NSID, u32(0xffffffff)],
    [NETNSA_FD, u32(fd)],
  ];
  return { type: RTM_NEWNSID, flags: 0, body: body(header, attributes) };
}

function getId(fd: number): Request {
  return { type: RTM_GETNSID, flags: 0, body: body(header, [[NETNSA_FD, u32(fd)]]) };
}
