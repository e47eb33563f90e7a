import type { LedgerFile, LedgerFiles } from '../../src/ledger/ledger-files.ts';
import type { Sys } from '../../src/linux/sys.ts';
import type { HttpClient } from '../../src/openstack/http.ts';

/** recv(2) found nothing: no outside effect. */
const EAGAIN = -11;

/** Ends the process, as a power cut would, before its n-th outside effect from the moment it is armed. */
export class KillSwitch {
  #left = Number.POSITIVE_INFINITY;

  arm(at: number): void {
    this.#left = at;
  }

  before(): void {
    if (--this.#left <= 0) {
      process.kill(process.pid, 'SIGKILL');
      // The signal is on its way: nothing more may happen before it arrives.
      for (;;);
    }
  }
}

/** The daemon's outermost edges, each effect of which passes the switch: netlink and packets, HTTP and its replies, the ledger. */
export function killingEdges(kill: KillSwitch) {
  return {
    sys: (sys: Sys): Sys =>
      new Proxy(sys, {
        get(target, name: keyof Sys) {
          const real = target[name];
          if (typeof real !== 'function') return real;
          const call = (real as (...args: unknown[]) => unknown).bind(target);
          if (name === 'send' || name === 'sendAside') {
            return (...args: unknown[]) => {
              kill.before();
              return call(...args);
            };
          }
          if (name !== 'recv') return call;
          return (...args: unknown[]) => {
            const got = call(...args);
            if (got !== EAGAIN) kill.before();
            return got;
          };
        },
      }),
    http: (http: HttpClient): HttpClient => ({
      async request(request, signal) {
        kill.before();
        const answer = await http.request(request, signal);
        kill.before();
        return answer;
      },
      close: () => http.close(),
    }),
    files: (files: LedgerFiles): LedgerFiles => ({
      ...files,
      async open(path, how) {
        return killingFile(await files.open(path, how), kill);
      },
      rename(from, to) {
        kill.before();
        return files.rename(from, to);
      },
    }),
  };
}

function killingFile(file: LedgerFile, kill: KillSwitch): LedgerFile {
  return {
    append(bytes) {
      kill.before();
      return file.append(bytes);
    },
    datasync() {
      kill.before();
      return file.datasync();
    },
    truncate: length => file.truncate(length),
    close: () => file.close(),
  };
}
