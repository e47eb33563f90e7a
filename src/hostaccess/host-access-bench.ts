import assert from 'node:assert/strict';
import { FakeKernel } from '../linux/fake-kernel.ts';
import { type Fields, silentLogger } from '../observe/logger.ts';
import { HostAccess } from './host-access.ts';
import type { Services } from './services.ts';
import { COOKIE } from './slots.ts';
import type { Guest } from './wanted.ts';

export const OWN = 'fa:16:3e:00:00:01';

/** A VM with a NIC, and containers that a test opens and closes as attachments do. */
export class HostAccessBench {
  readonly kernel = new FakeKernel();
  readonly ens3 = this.kernel.addLink('host', { name: 'ens3', mac: OWN }).ifindex;
  readonly said: (Fields & { readonly line: string })[] = [];
  guests: Guest[] = [];
  services: Services | undefined;
  access = this.daemon();
  #life = new AbortController();

  constructor() {
    this.hold('10.0.0.5', 24);
    this.hold('fd00::5', 64);
    this.hold('fe80::5', 64);
  }

  hold(address: string, prefix: number): void {
    this.kernel.addAddress('host', this.ens3, address, prefix);
    this.kernel.announceAddresses();
  }

  daemon(on = true): HostAccess {
    const take = (fields: Fields, line: string) => void this.said.push({ ...fields, line });
    const logger = { ...silentLogger, info: take, warn: take };
    const services = this.services === undefined ? {} : { services: this.services };
    return new HostAccess({ kernel: this.kernel, guests: () => this.guests, on, logger, ...services });
  }

  /** The daemon dies, and another begins. */
  restart(on = true): void {
    this.#life.abort();
    this.#life = new AbortController();
    this.access = this.daemon(on);
    this.access.start(this.#life.signal);
  }

  guest(address: string, more: Partial<Guest> = {}): Guest {
    return { master: this.ens3, kind: 'ipvlan', mac: OWN, addresses: [address], ...more };
  }

  open(guest: Guest): Guest {
    this.guests.push(guest);
    this.access.open(guest);
    return guest;
  }

  close(guest: Guest): void {
    this.guests = this.guests.filter(each => each !== guest);
    this.access.close(guest);
  }

  /** Rules in the order in which the kernel looks at them, neighbours and routes of ours. */
  standing() {
    const filters = this.kernel.filters
      .of(this.ens3)
      .filter(({ cookie, hook }) => cookie === COOKIE && hook === 'egress');
    const ordered = filters.toSorted((a, b) => a.pref - b.pref);
    return {
      rules: ordered.map(({ filter }) => ({
        protocol: filter?.protocol,
        match: filter?.match,
        does: filter?.action.do,
      })),
      neighbours: this.kernel.neighbours('host').map(({ address, mac }) => `${address} ${mac}`),
      routes: this.kernel.routes('host').map(({ destination, source }) => `${destination} ${source}`),
    };
  }

  /** Who may speak for an address, and how many kinds of frames are dropped. */
  shield() {
    const ours = this.kernel.filters
      .of(this.ens3)
      .flatMap(({ filter, hook }) => (hook === 'ingress' && filter ? [filter] : []));
    const askers = ours.flatMap(({ match }) => (match.by === 'asker' ? [`${match.address} ${match.mac}`] : []));
    return { askers: askers.sort(), drops: ours.filter(({ action }) => action.do === 'drop').length };
  }

  /** Whose answers are translated back: the ranges and the containers. */
  answers(): readonly string[] {
    const ours = this.kernel.filters.of(this.ens3).flatMap(({ filter }) => filter ?? []);
    return ours
      .flatMap(({ match, action }) => (match.by === 'ends' ? [`${match.source} ${match.address} ${action.do}`] : []))
      .sort();
  }

  /** Requests that change something, made by what is done. */
  requests(work: () => void): number {
    const { calls, filters } = this.kernel;
    const changing = /^(make|put|remove|add)(Neighbour|Route)$/;
    const count = () => calls.filter(({ method }) => changing.test(method)).length + filters.changes.length;
    const before = count();
    work();
    return count() - before;
  }

  isWorking(): boolean {
    return this.access.state.is === 'working';
  }

  assertNothing(): void {
    assert.deepEqual(this.standing(), { rules: [], neighbours: [], routes: [] });
    assert.deepEqual(this.kernel.filters.places(), []);
  }
}
