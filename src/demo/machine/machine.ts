import type { RunResult } from '../../../guest/line.ts';

/** A VM of the demo, by whatever means. */
export interface Machine {
  readonly name: string;
  /** Runs a shell script in the VM; never rejects. Code 124 is a time-out. */
  run(script: string, timeoutS?: number): Promise<RunResult>;
  /** As run; gives stdout, trimmed. @throws Error unless the exit code is 0 */
  ok(script: string, timeoutS?: number): Promise<string>;
  /** A process of this machine within which the VM runs. */
  readonly pid: number;
}

/** What a VM is made of. */
export interface MachineRequest {
  readonly name: string;
  readonly mac: string;
  /** With its prefix length. */
  readonly address: string;
  readonly gateway: string;
  readonly mtu: number;
  /** The VM's clouds.yaml. */
  readonly cloudsYaml: string;
}

/** Where the VM finds what it runs. */
export interface Programs {
  /** Folder of kuryr.mjs. */
  readonly kuryr: string;
  /** The program node. */
  readonly node: string;
  /** Folder of the demo's own programs. */
  readonly inVm: string;
}

/** The VM's commands, and where the daemon and they find the cloud. */
export function setUpScript(programs: Programs, cloudsYaml: string): string {
  const wrapper = (name: string, target: string): string =>
    `printf '#!/bin/sh\\nexec ${programs.node} ${target} "$@"\\n' >/run/bin/${name}; chmod 755 /run/bin/${name}`;
  return `set -e
mkdir -p /run/bin /run/openstack /run/docker/plugins /run/docker/netns /run/netns /run/lock /run/demo
umask 077; cat >/run/openstack/clouds.yaml <<'END'
${cloudsYaml}
END
umask 022
${wrapper('kuryr', `${programs.kuryr}/kuryr.mjs`)}
${wrapper('engine', `${programs.inVm}/engine.ts`)}
${wrapper('traffic', `${programs.inVm}/traffic.ts`)}`;
}

/** Before each script: its commands are found, and the cloud. */
export const surroundings = `export PATH=/run/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/run/demo NODE_COMPILE_CACHE=/run/demo/compiled OS_CLOUD=kuryr-embedded OS_CLIENT_CONFIG_FILE=/run/openstack/clouds.yaml
`;
