import type { FakeKernel } from '../../src/linux/fake-kernel.ts';
import type { Exchange } from './replay.ts';

/** What an engine does to the links between its calls: into the sandbox after Join, and back under their old name at Leave. */
export class EngineHands {
  readonly #kernel: FakeKernel;
  readonly #joined = new Map<string, { readonly sandbox: string; readonly name: string; readonly ifindex: number }>();

  constructor(kernel: FakeKernel) {
    this.#kernel = kernel;
  }

  /** How many endpoints have their link in a sandbox. */
  get joined(): number {
    return this.#joined.size;
  }

  follow({ verb, sent, raw, answered }: Exchange): void {
    if (raw.status !== 200) return;
    const endpoint = String(sent['EndpointID']);
    if (verb === 'NetworkDriver.Join') this.#join(endpoint, String(sent['SandboxKey']), answered);
    if (verb === 'NetworkDriver.Leave') this.#leave(endpoint);
    // Of a sandbox that an engine lost there is no Leave: then the link goes where it is.
    if (verb === 'NetworkDriver.DeleteEndpoint') this.#forget(endpoint);
  }

  #join(endpoint: string, sandbox: string, answered: Exchange['answered']): void {
    const { SrcName: name } = answered['InterfaceName'] as { SrcName: string };
    const link = this.#kernel.links('host').find(each => each.name === name);
    if (link === undefined) throw new Error(`Join answered the link ${name}, which is not in the host`);
    const netns = this.#kernel.exists({ path: sandbox }) ? { path: sandbox } : this.#kernel.addNetns(sandbox);
    this.#kernel.moveLink('host', link.ifindex, netns, `eth${this.#kernel.links(netns).length}`);
    this.#joined.set(endpoint, { sandbox, name, ifindex: link.ifindex });
  }

  #forget(endpoint: string): void {
    const held = this.#joined.get(endpoint);
    if (held === undefined) return;
    this.#joined.delete(endpoint);
    if (this.#kernel.links({ path: held.sandbox }).length === 0) this.#kernel.removeNetns(held.sandbox);
  }

  #leave(endpoint: string): void {
    const held = this.#joined.get(endpoint);
    if (held === undefined) return;
    this.#joined.delete(endpoint);
    const netns = { path: held.sandbox };
    this.#kernel.moveLink(netns, held.ifindex, 'host', held.name);
    if (this.#kernel.links(netns).length === 0) this.#kernel.removeNetns(held.sandbox);
  }
}
