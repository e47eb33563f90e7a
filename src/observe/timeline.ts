/** The steps of an attachment's way that are told. */
export const stepNames = [
  'take-back',
  'reserve',
  'permit',
  'write',
  'name',
  'join',
  'link',
  'reach',
  'revive',
  'reach-again',
  'detach',
  'unlink',
  'forbid',
  'free',
] as const;

export type StepName = (typeof stepNames)[number];

/** What is known of a step when it has ended well. */
export interface Told {
  readonly details?: Readonly<Record<string, string | number>> | undefined;
  /** It did not fail, and yet what it was for was not seen: nobody answered. */
  readonly unseen?: boolean;
}

/**
 * What the core tells of the way of each attachment, for metrics and `kuryr explain`. A subject is an address's holding, by
 * its name, or an attachment, by its id. Nothing here waits, writes to a disk or throws.
 */
export interface Timeline {
  /** Does the work as a step of these subjects; what is told meanwhile, calls of the cloud too, is on their behalf. */
  step<T>(subjects: readonly string[], step: StepName, work: () => T, tell?: (result: Awaited<T>) => Told): T;
  /** Does the work on behalf of these subjects. */
  within<T>(subjects: readonly string[], work: () => T): T;
  /** On whose behalf is worked just now. */
  readonly subjects: readonly string[];
  /** A holding's way begins, perhaps not for the first time. */
  open(holding: string, address: string | undefined): void;
  /** An attachment has these holdings, each with its address, from now on: their ways are one. */
  name(attachment: string, holdings: readonly { readonly name: string; readonly address: string }[]): void;
  /** The subject is no more. */
  close(subject: string): void;
}
