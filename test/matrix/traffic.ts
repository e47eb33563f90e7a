import assert from 'node:assert/strict';
import type { Container } from '../lab/vm.ts';

const seen = async (from: Container, address: string, count: number): Promise<number> => {
  const { stdout } = await from.vm.run(`docker exec ${from.name} ping -c ${count} -i 0.2 -W 1 ${address}`, 60);
  return Number(/(\d+) packets received/.exec(stdout)?.[1] ?? 0);
};

/** The name that the web server at the address answers with; empty when it does not. */
async function fetched(from: Container, address: string): Promise<string> {
  // By nc, since the wget of a static busybox dies of the missing name service.
  const request = `echo "GET / HTTP/1.0" | nc -w 2 ${address} 80`;
  const { stdout } = await from.vm.run(`docker exec ${from.name} sh -c '${request}'`, 60);
  return (
    stdout
      .split(/\r?\n\r?\n/)
      .at(-1)
      ?.trim() ?? ''
  );
}

/** Addresses that two containers can talk by. */
function commonFamilies(one: Container, other: Container): ('v4' | 'v6')[] {
  return (['v4', 'v6'] as const).filter(family => one[family] !== '' && other[family] !== '');
}

/** Both reach one another: ping and TCP, in each family that both have. */
export async function assertReach(one: Container, other: Container): Promise<void> {
  const families = commonFamilies(one, other);
  assert.ok(families.length > 0, `${one.name} and ${other.name} have no family in common`);
  await bothWays(one, other, async (from, to) => {
    for (const family of families) {
      assert.equal(await seen(from, to[family], 3), 3, `ping ${from.name} → ${to.name} by ${to[family]}`);
      assert.equal(await fetched(from, to[family]), to.name, `TCP ${from.name} → ${to.name} by ${to[family]}`);
    }
  });
}

/** Nothing passes between the two in a family: neither ping nor TCP, in either direction. */
export async function assertNoReach(one: Container, other: Container, family: 'v4' | 'v6'): Promise<void> {
  await bothWays(one, other, async (from, to) => {
    assert.equal(await seen(from, to[family], 2), 0, `ping ${from.name} → ${to.name} passed by ${to[family]}`);
    assert.equal(await fetched(from, to[family]), '', `TCP ${from.name} → ${to.name} passed by ${to[family]}`);
  });
}

async function bothWays(
  one: Container,
  other: Container,
  look: (from: Container, to: Container) => Promise<void>,
): Promise<void> {
  await Promise.all([look(one, other), look(other, one)]);
}

/** The container reaches an address that is no container's, such as the gateway. */
export async function assertPing(from: Container, address: string): Promise<void> {
  assert.equal(await seen(from, address, 3), 3, `ping ${from.name} → ${address}`);
}

/** Looks again and again until the look gives something, 20 s at most. @throws Error saying what never came */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const end = performance.now() + 20_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`never came: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
