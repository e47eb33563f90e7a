import type { Vm } from './vm.ts';

/** A container of the story. */
export interface Actor {
  readonly vm: Vm;
  readonly name: string;
  readonly address: string;
}

/** The two containers that the story is about: one in each VM. */
export interface Cast {
  readonly web: Actor;
  readonly db: Actor;
}
