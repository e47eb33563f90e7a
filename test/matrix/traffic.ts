import assert from 'node:assert/strict';
import type { Container } from '../lab/vm.ts';

type Family = 'v4' | 'v6';

/** What a container gets from an address: how many of its pings come back, and what the web server there answers. */
interface Seen {
  readonly pings: number;
  /** Empty when there is no answer. */
  readonly fetched: string;
}

/** Looks at several addresses at once. */
async function look(from: Container, addresses: readonly string[], count: number): Promise<readonly Seen[]> {
  const start = addresses.map(
    (address, n) => `ping -c ${count} -i 0.2 -W 1 ${address} >$at/p${n} 2>&1 &
      curl -s -m 2 http://${address.includes(':') ? `[${address}]` : address}/ >$at/f${n} &`,
  );
  const tell = addresses.map((_, n) => `cat $at/p${n}; echo ==; cat $at/f${n}; echo ==`);
  const script = ['at=$(mktemp -d)', ...start, 'wait', ...tell, 'rm -r $at'].join('\n');
  const { stdout } = await from.vm.within(from, script);
  const parts = stdout.split(/\n?==\n/);
  return addresses.map((_, n) => ({
    pings: Number(/(\d+) received/.exec(parts[2 * n] ?? '')?.[1] ?? 0),
    fetched: parts[2 * n + 1]?.trim() ?? '',
  }));
}

/** Addresses that two containers can talk by. */
function commonFamilies(one: Container, other: Container): Family[] {
  return (['v4', 'v6'] as const).filter(family => one[family] !== '' && other[family] !== '');
}

/** Both reach one another: ping and TCP, in each family that both have. */
export async function assertReach(one: Container, other: Container): Promise<void> {
  const families = commonFamilies(one, other);
  assert.ok(families.length > 0, `${one.name} and ${other.name} have no family in common`);
  await bothWays(one, other, families, 3, (seen, from, to, family) => {
    assert.equal(seen.pings, 3, `ping ${from.name} → ${to.name} by ${to[family]}`);
    assert.equal(seen.fetched, to.name, `TCP ${from.name} → ${to.name} by ${to[family]}`);
  });
}

/** Nothing passes between the two in a family: neither ping nor TCP, in either direction. */
export async function assertNoReach(one: Container, other: Container, family: Family): Promise<void> {
  await bothWays(one, other, [family], 2, (seen, from, to) => {
    assert.equal(seen.pings, 0, `ping ${from.name} → ${to.name} passed by ${to[family]}`);
    assert.equal(seen.fetched, '', `TCP ${from.name} → ${to.name} passed by ${to[family]}`);
  });
}

async function bothWays(
  one: Container,
  other: Container,
  families: readonly Family[],
  count: number,
  judge: (seen: Seen, from: Container, to: Container, family: Family) => void,
): Promise<void> {
  const ways = [[one, other] as const, [other, one] as const];
  await Promise.all(
    ways.map(async ([from, to]) => {
      const addresses = families.map(family => to[family]);
      const seen = await look(from, addresses, count);
      for (const [n, family] of families.entries()) judge(seen[n] as Seen, from, to, family);
    }),
  );
}

/** The container reaches an address that is no container's, such as the gateway. */
export async function assertPing(from: Container, address: string): Promise<void> {
  const [seen] = await look(from, [address], 3);
  assert.equal(seen?.pings, 3, `ping ${from.name} → ${address}`);
}

/** Whether a ping from the container is lost. */
export async function lost(from: Container, address: string): Promise<boolean> {
  return (await from.vm.within(from, `ping -c 1 -W 1 ${address}`)).code !== 0;
}

/** Looks again and again until the look gives something, three minutes at most. @throws Error saying what never came */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const end = performance.now() + 180_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`never came: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
