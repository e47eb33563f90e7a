import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from '../../tools/build.ts';
import type { Network } from '../lab/cloud/networks.ts';
import type { BackendName } from '../lab/cloud/place.ts';
import { Lab, type LabOptions } from '../lab/lab.ts';
import { assertNothingLeft } from '../lab/nothing-left.ts';
import { Bed } from './bed.ts';
import { comeAndGo, hostAccess, hostAccessFollows } from './host-access.ts';
import { engineRows, type Row, rows } from './rows.ts';
import { SANDBOX, sandbox } from './sandbox.ts';
import { secondNetwork, slaac, subnetsAndNics } from './second-nic.ts';
import { Table } from './table.ts';

/** The VMs as seen by each of their two NICs. */
interface Beds {
  readonly first: Bed;
  readonly second: Bed;
  /** The second NIC's. */
  readonly network: Network;
}

interface Column {
  readonly name: string;
  readonly backend: BackendName;
  readonly engine: NonNullable<LabOptions['engine']>;
  readonly rows: readonly Row[];
  readonly second: readonly SecondRow[];
}

/** A row that is shown on the second NIC, which has a network of its own. */
interface SecondRow {
  readonly name: string;
  run(beds: Beds): Promise<void>;
}

const sandboxRow: SecondRow = { name: SANDBOX, run: ({ second }) => sandbox(second) };
const secondRows: readonly SecondRow[] = [
  sandboxRow,
  { name: 'SLAAC with a router that advertises', run: ({ second }) => slaac(second) },
  { name: 'several subnets and NICs', run: ({ first, second, network }) => subnetsAndNics(first, second, network) },
];

// That nothing is left of two hundred takes minutes, and neither an engine nor the cloud's filter has a part in it: it is shown once.
const columns: readonly Column[] = [
  {
    name: 'OVN, Docker 20.10',
    backend: 'ovn',
    engine: 'bookworm',
    rows,
    second: secondRows,
  },
  { name: 'linuxbridge, Docker 20.10', backend: 'linuxbridge', engine: 'bookworm', rows, second: secondRows },
  {
    name: 'OVN, Docker of Debian testing',
    backend: 'ovn',
    engine: 'forky',
    rows: engineRows,
    second: [sandboxRow],
  },
  {
    name: 'linuxbridge, Docker of Debian testing',
    backend: 'linuxbridge',
    engine: 'forky',
    rows: [hostAccess, hostAccessFollows, comeAndGo],
    second: [],
  },
];
// A part of a column's name and, after a slash, an expression for rows' names: for looking at something again.
const only = process.env['KURYR_MATRIX'];
const [onlyColumn = '', onlyRow = ''] = only?.split('/') ?? [];
const isAsked = (row: string) => new RegExp(onlyRow).test(row);
const chosen = columns.filter(({ name }) => name.includes(onlyColumn));
const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const document = new URL('../../docs/matrix.md', import.meta.url);

const table = new Table();
const say = (line: string) => console.log(line);

for (const column of chosen) {
  suite(column.name, { concurrency: false }, () => {
    const ending = new AbortController();
    let lab: Lab | undefined;
    let up: Beds | undefined;
    after(async () => {
      ending.abort();
      await lab?.down();
    });

    test('two VMs come up', { timeout: 600_000 }, async () => {
      await build(dist, 'test/burst/clients.ts', 'clients.mjs');
      const { backend, engine } = column;
      lab = await Lab.up({ backend, engine, say, signal: ending.signal });
      const network = await secondNetwork(lab);
      const networks = [lab.network, network];
      const [a, b] = await lab.addVms({ name: 'va', host: 'h1', networks }, { name: 'vb', host: 'h2', networks });
      up = { first: new Bed(lab, a, b), second: new Bed(lab, a, b, 1), network };
    });

    const cell = (name: string, run: (beds: Beds) => Promise<void>) =>
      test(name, { timeout: 900_000, skip: !isAsked(name) && 'not asked for' }, async () => {
        table.set(name, column.name, 'failed');
        assert.ok(up !== undefined, 'the VMs did not come up');
        const began = performance.now();
        try {
          await run(up);
        } catch (error) {
          say(String(error instanceof Error ? error.stack : error));
          for (const vm of up.first.both) say(`--- the daemon's log in ${vm.name}\n${await vm.log().catch(String)}`);
          for (const bed of [up.first, up.second]) await bed.clear().catch(String);
          throw error;
        }
        table.set(name, column.name, 'passed');
        say(`${column.name}: ${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
      });

    for (const row of column.rows) cell(row.name, ({ first }) => row.run(first));
    for (const row of column.second) cell(row.name, row.run);
    test('after docker network rm the openstack client shows nothing of Kuryr', { timeout: 120_000 }, async () => {
      assert.ok(up !== undefined, 'the VMs did not come up');
      for (const bed of [up.first, up.second]) await bed.leaveNetwork();
      await assertNothingLeft(up.first.lab.cloud, up.first.a.port.id);
    });
    impossible(column);
  });
}

/** What no code of ours can make work there; the list is closed. */
function impossible({ name, engine }: Column): void {
  if (engine === 'bookworm') table.set('IPv6 alone', name, 'impossible: engines up to 27 need an IPv4 subnet (20.10)');
}

test('docs/matrix.md says what was run', { skip: only !== undefined && 'not all columns were run' }, async () => {
  const measured = table.markdown();
  say(`\nThe matrix, as run on real parts:\n${measured}`);
  if (process.env['KURYR_RECORD'] !== undefined) await writeFile(document, page(measured));
  assert.equal(await readFile(document, 'utf8'), page(measured));
});

function page(matrix: string): string {
  return `# What works where\n\nMade by \`npm test\`, which runs every cell on real parts and compares this page with what it saw: Keystone and Neutron 21 (Zed)\nwith agents that enforce port security (ML2/OVN on OVN 23.03, ML2/linuxbridge), two VMs on two hosts with kernels that have\nipvlan, and Docker's own engines in them. Debian testing had Docker 28.5 when this page was made. An empty cell was not run.\n\n${matrix}`;
}
