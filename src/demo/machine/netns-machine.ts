import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { command } from '../../../guest/command.ts';
import type { RunResult } from '../../../guest/line.ts';
import { type Machine, type MachineRequest, setUpScript, surroundings } from './machine.ts';
import { runShell } from './shell.ts';

// What the daemon, ip(8) and Docker write to is the VM's own, and the machine's clouds are not seen; all else is the
// machine's. Its init waits, as any init must, so that what has ended does not look alive; it ends when this process does,
// since then its standard input closes.
const begin = `for at in docker kuryr netns lock openstack bin demo; do mount -t tmpfs tmpfs /run/$at; done
for at in /etc/openstack /etc/kuryr; do [ ! -d $at ] || mount -t tmpfs tmpfs $at; done
ip link set lo up; echo up; exec 3<&0; cat <&3 >&2 & wait $!`;

/** A VM that is namespaces of this machine, on whose kernel it runs. */
export class NetnsMachine implements Machine {
  readonly name: string;
  /** The VM's init. */
  readonly pid: number;

  private constructor(name: string, pid: number) {
    this.name = name;
    this.pid = pid;
  }

  /** Starts it, with a link of this network namespace as its eth0. @throws Error */
  static async start(request: MachineRequest, link: string, program: string): Promise<NetnsMachine> {
    const namespaces = ['--net', '--mount', '--pid', '--uts', '--fork', '--kill-child', '--mount-proc'];
    const child = spawn('unshare', [...namespaces, 'sh', '-ec', begin], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [first] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    if (String(first) !== 'up\n') throw new Error(`${request.name}: namespaces could not be made (exit ${first})`);
    const pid = Number(await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'));
    const { name, mac, address, gateway, mtu } = request;
    await command([
      'ip',
      'link',
      'set',
      link,
      'netns',
      String(pid),
      'name',
      'eth0',
      'address',
      mac,
      'mtu',
      String(mtu),
    ]);
    const machine = new NetnsMachine(name, pid);
    const inVm = fileURLToPath(new URL('../in-vm', import.meta.url));
    await machine.ok(`hostname ${name}
      sysctl -qw net.ipv6.conf.eth0.accept_ra=0
      ip link set eth0 arp on up; ip address add ${address} dev eth0; ip route add default via ${gateway}
      ${setUpScript({ kuryr: program, node: process.execPath, inVm }, request.cloudsYaml)}`);
    return machine;
  }

  run(script: string, timeoutS = 60): Promise<RunResult> {
    const enter = ['nsenter', '--target', String(this.pid), '--net', '--mount', '--pid', '--uts'];
    // A visitor's OS_* variables and files are no VM's.
    return runShell(enter, surroundings + script, timeoutS, { PATH: process.env['PATH'] });
  }

  async ok(script: string, timeoutS?: number): Promise<string> {
    const { code, stdout, stderr } = await this.run(script, timeoutS);
    if (code !== 0) throw new Error(`${this.name}: exit ${code} of: ${script}\n${stdout}${stderr}`);
    return stdout.trim();
  }
}
