import { absolutePath, choice, cloudName, interfaceName, type Kind, loopback, ranges, wholeNumber } from './kinds.ts';

/**
 * An option under its one name: `--wait-seconds` on the command line, `KURYR_WAIT_SECONDS` in the environment,
 * `wait-seconds` in the file.
 */
export interface Option<Value> {
  readonly kind: Kind<Value>;
  /** The value where nobody names one; a text instead where it is found at run time. */
  readonly fallback: { readonly value: Value } | { readonly found: string };
  readonly text: string;
  /** Whether a reload takes a new value over; where not, a restart does. */
  readonly reloads: boolean;
}

function set<Value>(kind: Kind<Value>, value: NoInfer<Value>, text: string) {
  return { kind, fallback: { value }, text, reloads: false as boolean } as const;
}

function found<Value>(kind: Kind<Value>, how: string, text: string) {
  return { kind, fallback: { found: how }, text, reloads: false as boolean } as const;
}

/** For what the daemon looks at anew each time that it counts. */
function live<Entry extends Option<unknown>>(entry: Entry) {
  return { ...entry, reloads: true } as const;
}

/** The longest name of a socket that the daemon makes in its run folder, with the slash. */
const longestSocket = '/control.sock'.length;

/** The one table of options: flags, variables, the file, --help and the reference page are made of it. */
export const options = {
  cloud: live(found(cloudName, 'OS_CLOUD, or OS_* variables', 'the cloud of clouds.yaml that holds this VM')),
  config: set(absolutePath(), '/etc/kuryr/kuryr.yaml', 'the configuration file; it need not exist unless named'),
  'docker-socket': set(
    absolutePath(107),
    '/run/docker/plugins/kuryr.sock',
    "the plug-in's socket, where Docker looks for it; its file name is the driver's name",
  ),
  'hold-seconds': live(
    set(
      wholeNumber('SECONDS', 5, 3600),
      60,
      'how long an address stays set aside that Docker asked for and has not yet put on an endpoint',
    ),
  ),
  'host-access': live(
    set(
      choice('on', 'off'),
      'on',
      'whether the VM and its own containers reach one another; off takes away what that takes',
    ),
  ),
  link: set(choice('ipvlan', 'macvlan'), 'ipvlan', "the kind of link a container's interface is"),
  'log-level': live(set(choice('debug', 'info', 'warn', 'error'), 'info', 'the least severe lines that are logged')),
  master: found(
    interfaceName,
    'the interface of the default route',
    "the VM's interface that containers' links are made on",
  ),
  'metrics-listen': found(
    loopback,
    'none',
    'a port on the loopback that serves /metrics and /health too, for any user of this VM; the control socket always does, for root',
  ),
  mode: found(
    choice('l2', 'bridge', 'private'),
    'l2 for ipvlan, bridge for macvlan',
    'the mode of the link: l2 (ipvlan), bridge or private (macvlan: containers of one VM see each other, or not)',
  ),
  'published-ports': live(
    set(
      choice('allow', 'refuse'),
      'allow',
      "what docker run -p does: the container starts and is reached at its own address's port, or is refused",
    ),
  ),
  'run-dir': set(absolutePath(107 - longestSocket), '/run/kuryr', 'the folder of the control socket'),
  'service-backends': live(
    set(
      ranges,
      [],
      "ranges of backends on other VMs that see the containers' own addresses; what they answer is translated back. None where the VM masquerades",
    ),
  ),
  services: live(
    set(
      ranges,
      [],
      'ranges of virtual addresses that the VM itself translates (DNAT, as kube-proxy does): containers reach them through the VM. Takes host-access on',
    ),
  ),
  'state-dir': set(absolutePath(), '/var/lib/kuryr', 'the folder of the ledger, on a disk that survives reboots'),
  wait: live(
    set(
      choice('reachable', 'permitted'),
      'reachable',
      'when a container starts: once its frames are seen to pass the cloud, or once Neutron permits its address',
    ),
  ),
  'wait-seconds': live(
    set(
      wholeNumber('SECONDS', 0, 60),
      5,
      'how long at most a container waits to be reachable; it starts then all the same, with a warning',
    ),
  ),
} as const satisfies Record<string, Option<unknown>>;

export type OptionName = keyof typeof options;

/** Names of all options, in the order of the table. */
export const optionNames = Object.keys(options) as OptionName[];

export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(options, name);
}

export function variableOf(name: OptionName): string {
  return `KURYR_${name.replaceAll('-', '_').toUpperCase()}`;
}

/** The option's default as a person reads it. */
export function fallbackText(name: OptionName): string {
  const { fallback } = options[name];
  return 'value' in fallback ? String(fallback.value) || 'none' : fallback.found;
}
