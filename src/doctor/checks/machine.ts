import { defineCheck } from '../check.ts';

/** Kuryr's own netlink and system calls were run on these. */
const MACHINES = ['x64', 'arm64'];

/** ipvlan's private and vepa flags came with 4.15; nothing older than the 4.19 series was ever looked at. */
const OLDEST = [4, 19] as const;
/** The oldest kernel that the tests run on. */
const TESTED = [6, 1] as const;

export const kernelCheck = defineCheck({
  id: 'kernel',
  title: 'the kernel and architecture',
  states: {
    tested: { state: 'ok', text: 'Linux {release} on {machine}.' },
    untested: {
      state: 'warning',
      text: 'Linux {release} has what is needed, but is older than 6.1, the oldest that is tested.',
      todo: 'Nothing, if containers start; else use 6.1 or newer.',
    },
    old: {
      state: 'failure',
      text: 'Linux {release} is too old: 4.19 is the oldest that can work.',
      todo: 'Use an image with a newer kernel, 6.1 or newer best of all.',
    },
    unreadable: { state: 'warning', text: "The kernel's version cannot be read ({release})." },
    machine: {
      state: 'warning',
      text: 'The architecture {machine} is untested; x64 and arm64 are.',
      todo: 'Report how it went.',
    },
  },
  async examine({ context }, say) {
    const release = context.kernel.sysctl('host', 'kernel/osrelease') ?? 'no kernel.osrelease';
    const { machine } = context;
    const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
    const version = [Number(major), Number(minor)] as const;
    if (major === undefined) say('unreadable', { release });
    else if (isBefore(version, OLDEST)) say('old', { release });
    else if (isBefore(version, TESTED)) say('untested', { release });
    else say('tested', { release, machine });
    if (!MACHINES.includes(machine)) say('machine', { machine });
  },
});

function isBefore(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

/** Bits of linux/capability.h. */
const CAPABILITIES = { CAP_NET_ADMIN: 12n, CAP_NET_RAW: 13n, CAP_SYS_ADMIN: 21n } as const;

export const privilegeCheck = defineCheck({
  id: 'privilege',
  title: "this process' privileges",
  states: {
    enough: { state: 'ok', text: 'The capabilities to make links, enter namespaces and send frames are there.' },
    missing: {
      state: 'warning',
      text: 'This process lacks {missing}, so part of the checks cannot be made.',
      todo: 'Run kuryr doctor as root, as the daemon runs.',
    },
    unreadable: { state: 'skipped', text: "The process' capabilities cannot be read from /proc/self/status." },
  },
  async examine({ context }, say) {
    const status = await context.readFile('/proc/self/status').catch(() => '');
    const [, text] = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status) ?? [];
    if (text === undefined) return say('unreadable');
    const effective = BigInt(`0x${text}`);
    const missing = Object.entries(CAPABILITIES).flatMap(([name, bit]) =>
      ((effective >> bit) & 1n) === 1n ? [] : [name],
    );
    const evidence = [`CapEff ${text}`];
    return missing.length === 0 ? say('enough', {}, evidence) : say('missing', { missing }, evidence);
  },
});
