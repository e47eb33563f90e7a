/** A request as the services see it: no sockets, no streams, so that everything behind the listener is a plain function. */
export interface Request {
  readonly method: string;
  /** Below the service's mount point, as it came: `/v3/auth/tokens`, `/v2.0/ports/6f…`. Not percent-decoded. */
  readonly path: string;
  /** Decoded, in order; a name may come several times. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the body's JSON says; undefined where there was none. */
  readonly body: unknown;
  /** Whether there was a body that is no JSON. */
  readonly malformed: boolean;
  /** Where the client finds this server, without a slash at the end: `http://127.0.0.1:5000`. */
  readonly origin: string;
}

/** An answer. A body that is an object goes out as JSON; a text as it is, with the content type of the headers. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object | string;
}

/** Who a valid token speaks for. */
export interface Caller {
  readonly userId: string;
  readonly userName: string;
  /** Empty for a token without a project. */
  readonly projectId: string;
  readonly projectName: string;
  readonly roles: readonly string[];
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** What the application credential's access rules let the token do; undefined without access rules. */
  readonly accessRules?: readonly AccessRule[];
}

/** Paths may hold `*` (one segment), `**` (all that follows) and `{name}` (one segment), as Keystone's do. */
export interface AccessRule {
  readonly id: string;
  /** Type of the service: `network`. */
  readonly service: string;
  readonly method: string;
  readonly path: string;
}
