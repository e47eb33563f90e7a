import ipaddr from 'ipaddr.js';

/** What the proxy variables say; lower case wins, `ALL_PROXY` fills in, as Python's requests reads them. */
export interface ProxySettings {
  /** Proxy of `http:` URLs; empty for none. */
  readonly http: string;
  /** Proxy of `https:` URLs; empty for none. */
  readonly https: string;
  /** Names, suffixes, addresses, `name:port` and `*`, separated by commas; the HTTP library reads these. */
  readonly noProxy: string;
  /** Prefixes in NO_PROXY, which the HTTP library does not know: `10.0.0.0/8`. */
  readonly noProxyPrefixes: readonly string[];
}

export function proxySettings(env: Readonly<Record<string, string | undefined>>): ProxySettings {
  const read = (name: string) => env[name] || env[name.toUpperCase()] || '';
  const all = read('all_proxy');
  const noProxy = read('no_proxy');
  return {
    http: complete(read('http_proxy') || all),
    https: complete(read('https_proxy') || all),
    noProxy,
    noProxyPrefixes: noProxy.split(/[,\s]+/).filter(entry => ipaddr.isValidCIDR(entry)),
  };
}

/** Whether the host is an address inside one of the prefixes. */
export function isInside(hostname: string, prefixes: readonly string[]): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (!ipaddr.isValid(bare)) return false;
  const address = ipaddr.parse(bare);
  return prefixes.some(prefix => {
    const [network, bits] = ipaddr.parseCIDR(prefix);
    return network.kind() === address.kind() && address.match(network as ipaddr.IPv4, bits);
  });
}

/** `proxy:3128` means `http://proxy:3128`. */
function complete(proxy: string): string {
  return proxy === '' || /^\w+:\/\//.test(proxy) ? proxy : `http://${proxy}`;
}
