import type { Cast } from '../cast.ts';
import { measured, type Narrator } from '../narrator.ts';

const count = 60;

/** The daemon's death and return, as its containers see it. @param spared plants a fault: it is not killed */
export async function showKill({ web, db }: Cast, narrator: Narrator, spared: boolean): Promise<void> {
  narrator.chapter('5. Kuryr is not in the way of packets: it can die and come back');
  const { vm } = web;
  await narrator.step('the daemon is killed while web pings db', async () => {
    const pinging = vm.ping(web.name, db.address, count, '-i 0.1');
    // Whatever fails first is told.
    pinging.catch(() => {});
    const before = await vm.ok('cat /run/demo/kuryr.pid');
    if (!spared) await vm.ok(`kill -9 ${before}`);
    const alive = await vm.machine.run(
      `n=0; while kill -0 ${before} 2>/dev/null; do [ $n -eq 40 ] && exit 0; sleep 0.05; n=$((n+1)); done; exit 1`,
    );
    measured(alive.code === 1, 'the daemon was to be killed, and lives');
    await vm.startDaemon();
    const status = JSON.parse(await vm.ok('kuryr status --json')) as Status;
    const known = status.attachments.some(({ addresses }) => addresses.some(({ address }) => address === web.address));
    const { sent, received } = await pinging;
    measured(received === sent, `${received} of ${sent} pings came back while the daemon was away`);
    measured(known, `the new daemon does not know of web ${web.address}`);
    return `the daemon killed (-9) and started again: ${received} of ${sent} pings came back, and it knows web again`;
  });
}

/** What is read of `kuryr status --json`. */
interface Status {
  readonly attachments: readonly { readonly addresses: readonly { readonly address?: string }[] }[];
}
