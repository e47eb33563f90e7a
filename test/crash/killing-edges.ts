import type { LedgerFile, LedgerFiles } from '../../src/ledger/ledger-files.ts';
import { AF_NETLINK, type Sys } from '../../src/linux/sys.ts';
import type { HttpClient } from '../../src/openstack/http.ts';

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
    sys: (sys: Sys): Sys => killingSys(sys, kill),
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

/**
 * Requests that change something, and what the kernel answers to them; frames. What only asks, and what arrives unasked
 * (events, frames), changes nothing outside: killed there is as killed before the next change.
 */
function killingSys(sys: Sys, kill: KillSwitch): Sys {
  const netlink = new Set<number>();
  const changing = new Set<number>();
  const sending = (fd: number, data: Uint8Array): void => {
    if (netlink.has(fd) && onlyAsks(data)) changing.delete(fd);
    else {
      if (netlink.has(fd)) changing.add(fd);
      kill.before();
    }
  };
  const killing: Partial<Sys> = {
    socket(domain, type, protocol) {
      const fd = sys.socket(domain, type, protocol);
      if (domain === AF_NETLINK) netlink.add(fd);
      else netlink.delete(fd);
      return fd;
    },
    send(fd, data) {
      sending(fd, data);
      return sys.send(fd, data);
    },
    sendAside(fd, data) {
      sending(fd, data);
      return sys.sendAside(fd, data);
    },
    recv(fd, into, flags) {
      const got = sys.recv(fd, into, flags);
      if (changing.has(fd)) kill.before();
      return got;
    },
  };
  return new Proxy(sys, {
    get(target, name: keyof Sys) {
      const real = target[name] as (...args: unknown[]) => unknown;
      return killing[name] ?? real.bind(target);
    },
  });
}

/** RTM_GET… (linux/rtnetlink.h): the third of each four types. */
function onlyAsks(message: Uint8Array): boolean {
  const type = new DataView(message.buffer, message.byteOffset).getUint16(4, true);
  return type % 4 === 2;
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
