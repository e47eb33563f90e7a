import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { FakeFiles } from '../../src/ledger/fake-files.ts';
import { assertRefusal } from './answers.ts';
import { assertOrdinary, FOREIGN, livedIn } from './bed.ts';
import { hastyClock } from './hasty-clock.ts';
import { KeptLogger } from './kept-logger.ts';
import { type Change, changed, changes } from './mutate.ts';
import { target } from './target.ts';

/** What happened to the file. */
type Damage =
  | { readonly how: 'bit'; readonly at: number; readonly bit: number }
  | { readonly how: 'cut'; readonly at: number }
  | { readonly how: 'grown'; readonly by: string }
  | { readonly how: 'zeros'; readonly at: number; readonly length: number }
  | { readonly how: 'lines'; readonly from: number; readonly to: number }
  /** A record of another version: whole by its checksum, and otherwise written. */
  | { readonly how: 'record'; readonly line: number; readonly list: readonly Change[] };

const damages: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ how: fc.constant('bit' as const), at: fc.nat(100_000), bit: fc.nat(7) }),
  fc.record({ how: fc.constant('cut' as const), at: fc.nat(100_000) }),
  fc.record({ how: fc.constant('grown' as const), by: fc.constantFrom('\n', 'x', '\u0000', '00000000 {}\n', '{') }),
  fc.record({ how: fc.constant('zeros' as const), at: fc.nat(100_000), length: fc.nat(5_000) }),
  fc.record({ how: fc.constant('lines' as const), from: fc.nat(100), to: fc.nat(100) }),
  { weight: 3, arbitrary: fc.record({ how: fc.constant('record' as const), line: fc.nat(100), list: changes }) },
);

function damaged(bytes: Buffer, damage: Damage): Buffer {
  const at = 'at' in damage ? damage.at % bytes.length : 0;
  switch (damage.how) {
    case 'bit': {
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ (1 << damage.bit);
      return copy;
    }
    case 'cut':
      return bytes.subarray(0, at);
    case 'grown':
      return Buffer.concat([bytes, Buffer.from(damage.by)]);
    case 'zeros': {
      const copy = Buffer.from(bytes);
      return copy.fill(0, at, Math.min(at + damage.length, copy.length));
    }
    case 'lines': {
      const lines = bytes.toString().trimEnd().split('\n');
      const [from, to] = [damage.from % lines.length, damage.to % lines.length];
      [lines[from], lines[to]] = [lines[to] ?? '', lines[from] ?? ''];
      return Buffer.from(`${lines.join('\n')}\n`);
    }
    case 'record': {
      const lines = bytes.toString().trimEnd().split('\n');
      const line = damage.line % lines.length;
      const text = JSON.stringify(changed(JSON.parse(lines[line]?.slice(9) ?? '{}'), damage.list));
      lines[line] = `${crc32(text).toString(16).padStart(8, '0')} ${text}`;
      return Buffer.from(`${lines.join('\n')}\n`);
    }
  }
}

const FILE = '/state/ledger';

async function open() {
  const files = new FakeFiles();
  const logger = new KeptLogger();
  const bed = await livedIn(() => ({ clock: hastyClock, logger, files }));
  const { vm } = bed;
  vm.neutron.addPort({ network_id: vm.network.id, device_owner: 'compute:nova', device_id: 'a-server' });
  vm.kernel.addLink('host', { name: 'foreign', mac: '02:00:00:00:00:09', mtu: 1500 });
  return { ...bed, files, logger };
}

export const ledgerFile = target<Awaited<ReturnType<typeof open>>, Damage>({
  name: 'a damaged ledger is refused by a code or read, and nothing of others is touched for it',
  runs: 25,
  open,
  inputs: () => damages,
  async check(stage, damage) {
    const { rig, files, vm, logger } = stage;
    const whole = Buffer.from(files.text(FILE) ?? '');
    const foreign = () => vm.neutron.peekAll().filter(({ device_owner }) => device_owner !== 'kuryr:container');
    const before = foreign().map(({ revision_number: _, allowed_address_pairs: __, ...rest }) => rest);
    stage.engine.close();
    await rig.halt();
    files.put(FILE, damaged(whole, damage));
    try {
      await rig.restart();
      await stage.engine.ask('Plugin.Activate', {});
    } catch (error) {
      assertRefusal(error, /^LEDGER_/);
      await rig.halt();
    }
    const after = foreign().map(({ revision_number: _, allowed_address_pairs: __, ...rest }) => rest);
    assert.deepEqual(after, before, 'ports of others stand as they were');
    assert.ok(rig.pairs().includes(FOREIGN), 'the foreign pair stands');
    assert.ok(vm.kernel.links('host').some(({ name }) => name === 'foreign'));
    for (const line of logger.lines.splice(0)) assert.doesNotMatch(line, /\bINTERNAL\b/);
    stage.engine.close();
    await rig.halt();
    files.put(FILE, whole);
    await rig.restart();
  },
  finish: assertOrdinary,
});
