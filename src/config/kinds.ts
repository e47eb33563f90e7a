import { canonical, networkOf, parseCidr } from '../address/address.ts';

/** How an option's text becomes its value. */
export interface Kind<Value> {
  /** What stands for the value in --help, `NAME` or `a|b`. */
  readonly placeholder: string;
  /** @returns the value, or the rule that the text breaks */
  parse(text: string): { readonly value: Value } | { readonly rule: string };
}

export function choice<const Name extends string>(...names: readonly Name[]): Kind<Name> {
  return {
    placeholder: names.join('|'),
    parse(text) {
      const value = names.find(name => name === text);
      return value === undefined ? { rule: `one of ${names.join(', ')}` } : { value };
    },
  };
}

export function wholeNumber(placeholder: string, min: number, max: number): Kind<number> {
  return {
    placeholder,
    parse(text) {
      const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? { value } : { rule: `a whole number from ${min} to ${max}` };
    },
  };
}

/** More would be filters for every packet to go through. */
const mostRanges = 8;

/** Ranges of addresses with commas between them, as canonical CIDRs. */
export const ranges: Kind<readonly string[]> = {
  placeholder: 'CIDR,CIDR',
  parse(text) {
    const value = text.split(',').flatMap(each => rangeOf(each.trim()) ?? []);
    const rule = `1 to ${mostRanges} ranges of unicast addresses with commas between them, such as 10.96.0.0/12,fd96::/112: no host bits, no prefix 0`;
    const isWhole = value.length === text.split(',').length && value.length <= mostRanges;
    return isWhole && new Set(value).size === value.length ? { value } : { rule };
  },
};

/** Those that no network routes are left out: multicast, loopback, link-local. */
function rangeOf(text: string): string | undefined {
  const range = parseCidr(text);
  if (range === undefined || range.prefix === 0) return undefined;
  const { address, prefix } = range;
  const isOdd = /^(0|127|169\.254|22[4-9]|2[3-5]\d)\.|^(f[ef]|::)/.test(address);
  const whole = `${address}/${prefix}`;
  return !isOdd && networkOf(whole) === whole ? whole : undefined;
}

/** A port on the loopback, which nobody outside this machine reaches: `127.0.0.1:9654`, `[::1]:9654`. */
export const loopback: Kind<string> = {
  placeholder: '127.0.0.1:PORT',
  parse(text) {
    const [, host = '', port = ''] = /^(127(?:\.\d{1,3}){3}|\[::1\]):([1-9]\d{0,4})$/.exec(text) ?? [];
    const isRight = Number(port) <= 65_535 && (host === '[::1]' || canonical(host) === host);
    if (host !== '' && isRight) return { value: text };
    return {
      rule: 'an address of the loopback with a port, such as 127.0.0.1:9654 or [::1]:9654: others would serve it to the network',
    };
  },
};

/** A name of at most 255 printable characters, as clouds.yaml has them. */
export const cloudName: Kind<string> = {
  placeholder: 'NAME',
  parse: text => (/^[^\p{C}]{1,255}$/u.test(text) ? { value: text } : { rule: 'a name of 1 to 255 characters' }),
};

/** What the kernel takes for an interface: dev_valid_name() in net/core/dev.c. */
export const interfaceName: Kind<string> = {
  placeholder: 'INTERFACE',
  parse(text) {
    const valid = /^[!-.0-9;-~]+$/.test(text) && Buffer.byteLength(text) <= 15 && text !== '.' && text !== '..';
    return valid ? { value: text } : { rule: 'an interface name: at most 15 bytes, no space, slash or colon' };
  },
};

/**
 * An absolute path without `..`. A socket's path may have `maxBytes` bytes: sockaddr_un holds 107 and a zero (unix(7)).
 */
export function absolutePath(maxBytes = 4095): Kind<string> {
  return {
    placeholder: 'PATH',
    parse(text) {
      const clean = text.startsWith('/') && !text.includes('\0') && !text.split('/').includes('..');
      return clean && Buffer.byteLength(text) <= maxBytes
        ? { value: text }
        : { rule: `an absolute path without "..", of at most ${maxBytes} bytes` };
    },
  };
}
