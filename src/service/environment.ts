/** What systemd says of itself to a service that it starts (sd_notify(3), sd_listen_fds(3), systemd.exec(5)). */
export interface ServiceEnvironment {
  /** Where systemd listens to what the service tells: a path, or a name in the abstract namespace behind `@`. */
  readonly notifySocket: string | undefined;
  /** How often systemd wants to hear that the service is alive, milliseconds. */
  readonly watchdogMs: number | undefined;
  /** How many sockets, from descriptor 3 on, were opened by systemd for this process. */
  readonly sockets: number;
  /** Whether systemd started this process itself, not a shell of a service, say. */
  readonly isMain: boolean;
}

/** Of a daemon that systemd did not start. */
export const noService: ServiceEnvironment = {
  notifySocket: undefined,
  watchdogMs: undefined,
  sockets: 0,
  isMain: false,
};

/** What is for this process alone: a child must neither take the sockets nor speak in the service's name. */
const own = [
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'LISTEN_PID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
  'LISTEN_PIDFDID',
];

/** Reads what systemd put into the environment, and takes out what is for this process alone. */
export function takeServiceEnvironment(env: Record<string, string | undefined>, pid: number): ServiceEnvironment {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, LISTEN_PID, LISTEN_FDS, SYSTEMD_EXEC_PID } = env;
  for (const name of own) delete env[name];
  const isFor = (whom: string | undefined) => Number(whom) === pid;
  const watched = WATCHDOG_PID === undefined || isFor(WATCHDOG_PID) ? Number(WATCHDOG_USEC) / 1000 : 0;
  const count = isFor(LISTEN_PID) && /^\d{1,3}$/.test(LISTEN_FDS ?? '') ? Number(LISTEN_FDS) : 0;
  return {
    notifySocket: /^[/@]./.test(NOTIFY_SOCKET ?? '') ? NOTIFY_SOCKET : undefined,
    watchdogMs: watched > 0 ? watched : undefined,
    sockets: count,
    isMain: isFor(SYSTEMD_EXEC_PID),
  };
}
