import ipaddr from 'ipaddr.js';

/** What the proxy variables say; lower case wins, `ALL_PROXY` fills in, as Python's requests reads them. */
export interface ProxySettings {
  /** Proxy of `http:` URLs; empty for none. */
  readonly http: string;
  /** Proxy of `https:` URLs; empty for none. */
  readonly https: string;
  /** What is reached without a proxy: names, suffixes, addresses, prefixes, each perhaps with a port, and `*`. */
  readonly exempt: readonly string[];
}

export function proxySettings(env: Readonly<Record<string, string | undefined>>): ProxySettings {
  const read = (name: string) => env[name] || env[name.toUpperCase()] || '';
  const all = read('all_proxy');
  return {
    http: complete(read('http_proxy') || all),
    https: complete(read('https_proxy') || all),
    exempt: read('no_proxy')
      .toLowerCase()
      .split(/[,\s]+/)
      .filter(Boolean),
  };
}

/** Whether one of NO_PROXY's entries names the URL's host; a name stands for all below it too, as in curl and requests. */
export function isExempt({ protocol, hostname, port }: URL, exempt: readonly string[]): boolean {
  const host = bare(hostname).replace(/\.$/, '');
  const number = port || (protocol === 'https:' ? '443' : '80');
  return exempt.some(entry => {
    if (ipaddr.isValidCIDR(entry)) return isInside(host, entry);
    // A colon is the port's where it is the only one, or behind a bracket.
    const [, name = entry, only] = /^([^:]+|\[.+\]):(\d+)$/.exec(entry) ?? [];
    if (only !== undefined && only !== number) return false;
    const wanted = bare(name).replace(/^\*?\.|\.$/g, '');
    return wanted === '*' || host === wanted || host.endsWith(`.${wanted}`);
  });
}

/** The proxy's URL as it may be shown: without user and password. */
export function shownProxy(proxy: string): string {
  const { protocol, host } = new URL(proxy);
  return `${protocol}//${host}`;
}

function isInside(host: string, prefix: string): boolean {
  if (!ipaddr.isValid(host)) return false;
  const address = ipaddr.parse(host);
  const [network, bits] = ipaddr.parseCIDR(prefix);
  return network.kind() === address.kind() && address.match(network as ipaddr.IPv4, bits);
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

/** `proxy:3128` means `http://proxy:3128`. */
function complete(proxy: string): string {
  return proxy === '' || /^\w+:\/\//.test(proxy) ? proxy : `http://${proxy}`;
}
