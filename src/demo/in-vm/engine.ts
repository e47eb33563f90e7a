// What a Docker engine does, without one. Runs in the VM, where nothing but this folder and Node is.
import { BareEngine } from './bare-engine.ts';

const usage = `usage: engine network CIDR       a network over that subnet, as docker network create does
       engine run NAME            a container on it; prints its address
       engine exec NAME COMMAND…  runs a command in it
       engine ps                  containers and their addresses
       engine rm NAME             removes it`;

const engine = new BareEngine({ socket: '/run/docker/plugins/kuryr.sock', stateFile: '/run/demo/engine.json' });
const [verb = '', name = '', ...rest] = process.argv.slice(2);
const verbs: Readonly<Record<string, () => Promise<void>>> = {
  network: () => engine.network(name),
  run: async () => console.log(await engine.run(name)),
  // The namespace is entered in place of this process, so that the command has the terminal.
  exec: async () => process.execve?.('/bin/sh', ['sh', '-c', 'exec ip netns exec "$@"', 'sh', name, ...rest]),
  ps: async () => {
    for (const [each, { address }] of Object.entries(await engine.containers())) console.log(`${each}\t${address}`);
  },
  rm: () => engine.remove(name),
};
try {
  const work = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (work === undefined) throw new Error(usage);
  await work();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
