import type { Secret } from './secret.ts';

export type EndpointInterface = 'public' | 'internal' | 'admin';

/** A user, project or the like, by id, or by name in a domain. */
export type Named =
  | { readonly id: string }
  | { readonly name: string; readonly domain: { readonly id: string } | { readonly name: string } };

export type CloudAuth =
  | { readonly kind: 'password'; readonly user: Named; readonly password: Secret; readonly project: Named }
  /** Without a project the token's own scope stays. */
  | { readonly kind: 'token'; readonly token: Secret; readonly project: Named | undefined }
  /** An application credential carries its scope; by name it needs its user. */
  | {
      readonly kind: 'application credential';
      readonly credential: { readonly id: string } | { readonly name: string; readonly user: Named };
      readonly secret: Secret;
    };

/** All that is needed to reach one cloud. */
export interface CloudConfig {
  /** Where it stands, for messages: `cloud "x" in /etc/openstack/clouds.yaml`, or `the OS_* variables`. */
  readonly source: string;
  /** As configured, with or without `/v3`; user and password taken out. */
  readonly authUrl: string;
  readonly auth: CloudAuth;
  readonly region: string | undefined;
  /** In order of preference. */
  readonly interfaces: readonly EndpointInterface[];
  /** False where certificates are not to be verified. */
  readonly verify: boolean;
  /** Absolute paths of PEM files. */
  readonly cacert: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** In place of the catalogue's endpoint of Neutron. */
  readonly networkEndpoint: string | undefined;
}
