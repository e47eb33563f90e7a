/** Keystone and Neutron's API, on the machine's loopback. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { keystoneConf, keystoneUwsgi, neutronConf, type Sections } from './config.ts';
import type { Jail, Service } from './jail.ts';
import type { Place } from './place.ts';

export class Servers {
  readonly #place: Place;
  readonly #jail: Jail;
  readonly #signal: AbortSignal;
  readonly #sections: Sections;
  readonly #pairLimit: number;
  #short: Promise<string> | undefined;
  #unaware: Promise<string> | undefined;

  constructor(place: Place, jail: Jail, sections: Sections, pairLimit: number, signal: AbortSignal) {
    this.#place = place;
    this.#jail = jail;
    this.#signal = signal;
    this.#sections = sections;
    this.#pairLimit = pairLimit;
    for (const folder of ['state', 'lock']) mkdirSync(`${place.dir}/${folder}`, { recursive: true });
    writeFileSync(`${place.dir}/etc/neutron.conf`, neutronConf(place, sections, pairLimit));
  }

  /** Base of Keystone's API: ends in /v3. */
  get authUrl(): string {
    return `http://127.0.0.1:${this.#place.ports.keystone}/v3`;
  }

  /** Base of Neutron's API as the catalogue names it: without /v2.0. */
  get neutronUrl(): string {
    return `http://127.0.0.1:${this.#place.ports.neutron}`;
  }

  /** Needs the database. */
  startKeystone(): Promise<void> {
    return this.#startKeystone('keystone', this.#place.ports.keystone, 36_000);
  }

  /** Needs the database and what the backend starts. */
  async startNeutron(): Promise<void> {
    const server = this.#jail.serve('neutron-server', [
      'neutron-server',
      ...['--config-file', `${this.#place.dir}/etc/neutron.conf`],
    ]);
    await this.#answers(server, `${this.neutronUrl}/`);
  }

  /** A second Keystone over the same database whose tokens live 3 seconds; started when first asked for. */
  shortAuthUrl(): Promise<string> {
    const port = this.#place.ports.shortKeystone;
    this.#short ??= this.#startKeystone('keystone-short', port, 3).then(() => `http://127.0.0.1:${port}/v3`);
    return this.#short;
  }

  /**
   * A second Neutron over the same database, without its backend, that has no service_type, as clouds have it whose
   * operator never heard of access rules; started when first asked for. Ends without /v2.0.
   */
  unawareNeutronUrl(): Promise<string> {
    this.#unaware ??= this.#startUnaware();
    return this.#unaware;
  }

  async #startUnaware(): Promise<string> {
    const port = this.#place.ports.unawareNeutron;
    const file = `${this.#place.dir}/etc/neutron-unaware.conf`;
    const { DEFAULT, ml2, ...rest } = this.#sections;
    const sections: Sections = {
      ...rest,
      DEFAULT: { ...DEFAULT, bind_port: port, service_plugins: '', transport_url: 'fake://', api_workers: 0 },
      ml2: { ...ml2, mechanism_drivers: '' },
      keystone_authtoken: { service_type: '' },
    };
    writeFileSync(file, neutronConf(this.#place, sections, this.#pairLimit));
    const url = `http://127.0.0.1:${port}`;
    await this.#answers(this.#jail.serve('neutron-unaware', ['neutron-server', '--config-file', file]), `${url}/`);
    return url;
  }

  async #startKeystone(name: string, port: number, seconds: number): Promise<void> {
    const etc = `${this.#place.dir}/etc`;
    writeFileSync(`${etc}/${name}.conf`, keystoneConf(this.#place, seconds));
    writeFileSync(`${etc}/${name}.ini`, keystoneUwsgi(port, `${etc}/${name}.conf`));
    const server = this.#jail.serve(name, ['uwsgi_python3', '--ini', `${etc}/${name}.ini`]);
    await this.#answers(server, `http://127.0.0.1:${port}/v3`);
  }

  async #answers(server: Service, url: string): Promise<void> {
    const ask = async (): Promise<boolean> => {
      const response = await fetch(url, { signal: this.#signal });
      await response.body?.cancel();
      return response.ok;
    };
    await server.answers(ask);
  }
}
