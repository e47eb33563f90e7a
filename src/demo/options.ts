/** What can be broken on purpose, to see the demo turn red. */
export const faults = ['filter', 'pair', 'kill'] as const;
export type Fault = (typeof faults)[number];

/** How VMs are made: namespaces of this machine, or guests with a kernel of their own. */
export type Way = 'namespaces' | 'guests';

/** What a visitor asks for. */
export interface DemoOptions {
  readonly docker: boolean;
  readonly stay: boolean;
  readonly fault: Fault | undefined;
}

/** What the part of the demo that runs in namespaces of its own is told. */
export interface Inner extends DemoOptions {
  readonly way: Way;
  /** Whether the guests' NICs can be TAPs. */
  readonly tap: boolean;
  /** Root of the guests; empty without guests. */
  readonly tree: string;
  /** Folder of the guests' kernel package; empty without guests. */
  readonly kernel: string;
}
