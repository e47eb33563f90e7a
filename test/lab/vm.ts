import { type DockerOptions, loadImage, startDocker, stopDocker } from '../../guest/docker.ts';
import type { Guest } from '../../guest/guest.ts';
import type { RunResult } from '../../guest/line.ts';
import type { Management } from './cloud/management.ts';

/** Where the program and its Node are in a guest. */
export const PROGRAM = '/opt/kuryr';
export const NODE = '/opt/node';

/** The port of one of the VM's NICs. */
export interface VmPort {
  readonly id: string;
  readonly mac: string;
  /** With their prefix lengths. */
  readonly ips: readonly string[];
  /** The NIC's other end on this machine, and the namespace in which it is. */
  readonly tap: string;
  readonly netns: string;
}

/** A VM of the lab, as its user has it: a shell in which docker and kuryr are. */
export class Vm {
  readonly name: string;
  readonly guest: Guest;
  /** Ports of its NICs, eth0's first. */
  readonly ports: readonly VmPort[];
  readonly #management: Pick<Management, 'command' | 'entrance'>;
  readonly #signal: AbortSignal;

  constructor(
    guest: Guest,
    ports: readonly VmPort[],
    management: Pick<Management, 'command' | 'entrance'>,
    signal: AbortSignal,
  ) {
    this.name = guest.name;
    this.guest = guest;
    this.ports = ports;
    this.#management = management;
    this.#signal = signal;
  }

  /** The port of eth0. */
  get port(): VmPort {
    const [first] = this.ports;
    if (first === undefined) throw new Error(`${this.name} has no port`);
    return first;
  }

  /** Runs a line in the VM's shell. Never rejects; code 124 is a time-out. */
  run(script: string, timeoutS = 60): Promise<RunResult> {
    return this.guest.run(script, timeoutS);
  }

  /** As run; gives stdout, trimmed. @throws Error unless the exit code is 0 */
  async ok(script: string, timeoutS = 60): Promise<string> {
    return (await this.guest.ok(script, timeoutS)).trim();
  }

  /** What a fresh VM's user does once: the credential, the command on the PATH. */
  async setUp(cloudsYaml: string): Promise<void> {
    await this.ok(`${this.#management.command}
      mkdir -p /etc/openstack && umask 077 && cat >/etc/openstack/clouds.yaml <<'END'
${cloudsYaml}
END
      umask 022; printf '#!/bin/sh\\nexec ${NODE}/bin/node ${PROGRAM}/kuryr.mjs "$@"\\n' >/usr/local/bin/kuryr && chmod 755 /usr/local/bin/kuryr`);
  }

  /**
   * Starts the daemon and returns when it answers. It waits long for frames to pass: the lab's clouds share two processors
   * with all else, and linuxbridge's agents have been seen to take ten seconds there.
   */
  async startKuryr(flags = '--wait-seconds 40'): Promise<void> {
    await this.ok(
      `OS_CLOUD=lab setsid kuryr run ${flags} </dev/null >>/var/log/kuryr.log 2>&1 & echo $! >/run/kuryr.pid
      exec 9<> <(:)
      for ((i = 0; i < 600; i++)); do
        [ -S /run/kuryr/control.sock ] && curl -sf --unix-socket /run/kuryr/control.sock http://kuryr/v1/version >/dev/null && exit 0
        kill -0 $(</run/kuryr.pid) 2>/dev/null || break
        read -rt 0.1 -u 9
      done
      tail -n 30 /var/log/kuryr.log >&2; exit 1`,
      90,
    );
  }

  /** Ends the daemon as a service manager does (TERM), or as the out-of-memory killer does (KILL). */
  async stopKuryr(signal: 'TERM' | 'KILL' = 'TERM'): Promise<void> {
    await this.ok(
      `exec 9<> <(:); kill -${signal} $(</run/kuryr.pid)
      for ((i = 0; i < 300; i++)); do kill -0 $(</run/kuryr.pid) 2>/dev/null || exit 0; read -rt 0.1 -u 9; done; exit 1`,
      60,
    );
  }

  startDocker(options: DockerOptions = {}): Promise<void> {
    return startDocker(this.guest, options);
  }

  stopDocker(signal: 'TERM' | 'KILL' = 'TERM'): Promise<void> {
    return stopDocker(this.guest, signal);
  }

  /** Pulls the plug: what was not on the disk is lost. Neither Docker nor Kuryr run afterwards, unless systemd starts them. */
  async reset(): Promise<void> {
    await this.guest.reset(this.#signal);
    if (this.guest.options.systemd === undefined) await this.ok(this.#management.command);
    else await this.running();
  }

  /** `systemctl reboot`: returns when all that systemd starts is up; gives the milliseconds until all had ended. */
  async reboot(): Promise<number> {
    const ms = await this.guest.reboot(this.#signal);
    await this.running();
    return ms;
  }

  /** Waits until systemd has started all it is to start. @throws Error that tells what failed */
  async running(): Promise<void> {
    await this.ok(
      `state=$(systemctl is-system-running --wait) && exit 0
      echo "$state" >&2; systemctl --failed --no-legend --plain >&2; systemctl list-jobs --no-legend >&2
      for unit in $(systemctl --failed --no-legend --plain | cut -d' ' -f1); do systemctl status --no-pager -n 30 "$unit" >&2; done; exit 1`,
      180,
    );
  }

  /** What a VM's user with systemd needs to try containers: an image. */
  loadImage(): Promise<void> {
    return loadImage(this.guest);
  }

  /**
   * A unix socket of this machine whose connections end at one of the VM's, by way of a port of its second NIC: a request
   * then takes no shell and no curl in the guest. Until the next reset.
   */
  async tunnel(socket: string, port: number): Promise<string> {
    await this.ok(`(socat TCP-LISTEN:${port},fork,reuseaddr UNIX-CONNECT:${socket} </dev/null >/dev/null 2>&1 &)`);
    return this.#management.entrance(port);
  }

  /** The daemon's log so far. */
  log(): Promise<string> {
    return this.ok('cat /var/log/kuryr.log');
  }

  /** `docker run -d` of a web server that answers with its own name on port 80; gives the container's addresses. */
  async container(name: string, network: string, flags = ''): Promise<Container> {
    const serve = `echo ${name} >/tmp/index.html; exec httpd -f -p 80 -h /tmp`;
    await this.ok(`docker run -d --name ${name} --network ${network} ${flags} bb sh -c '${serve}'`, 120);
    return this.inspect(name, network);
  }

  /** The addresses that Docker says a container has. */
  async inspect(name: string, network: string): Promise<Container> {
    // The engine itself is asked: starting docker's client takes a guest half a second.
    const url = `http://docker/containers/${name}/json`;
    const { State, NetworkSettings } = JSON.parse(await this.ok(`curl -sf --unix-socket /run/docker.sock ${url}`));
    const { IPAddress: v4, GlobalIPv6Address: v6 } = NetworkSettings.Networks[network];
    return { vm: this, name, pid: State.Pid, v4, v6 };
  }

  /**
   * Runs a line in the network of a container that runs, with the VM's programs: of a `docker exec`, which sees the same
   * network, starting a process in the container would take nearly all of the guest's time.
   */
  within({ pid }: Container, script: string, timeoutS = 60): Promise<RunResult> {
    return this.run(`exec nsenter -t ${pid} -n bash -s <<'END'\n${script}\nEND`, timeoutS);
  }

  /** Removes containers at once. */
  async remove(...names: readonly string[]): Promise<void> {
    await this.ok(`docker rm -f ${names.join(' ')}`, 180);
  }
}

/** A container that runs. */
export interface Container {
  readonly vm: Vm;
  readonly name: string;
  /** Its first process, as the VM sees it. */
  readonly pid: number;
  /** Empty where it has none. */
  readonly v4: string;
  readonly v6: string;
}
