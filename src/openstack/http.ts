/** One HTTP request; headers are lower case. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/** Any answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names; of a header that came several times, the values joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The one place that sends HTTP to a cloud: an edge, so that a test can count, fail or hold requests.
 * It sends once and repeats nothing; what may be repeated is known to its callers.
 */
export interface HttpClient {
  /** @throws TransportError where no whole answer came, also when the signal ended it */
  request(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
  /** Ends all connections; requests under way fail. */
  close(): Promise<void>;
}

/** No whole answer came. */
export class TransportError extends Error {
  /** True when nothing of the request can have reached the server; false when it may have taken effect. */
  readonly unsent: boolean;
  /**
   * The system's, TLS's or client's code: ECONNREFUSED, CERT_HAS_EXPIRED, …; PROXY_403 where a proxy refused with that
   * status; ABORTED when the signal ended it.
   */
  readonly code: string;

  constructor(unsent: boolean, code: string, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'TransportError';
    this.unsent = unsent;
    this.code = code;
  }

  /** Whether a second try may end better: not where the certificate or its authority is wrong, or a proxy forbids. */
  get passing(): boolean {
    return !/CERT|SIGNATURE|TLS|SSL|TOO_LARGE|^PROXY_4/.test(this.code);
  }

  /** Whether the server's certificate was not accepted (OpenSSL's X509_V_ERR names, and Node's for a wrong name). */
  get untrusted(): boolean {
    return /CERT|SIGNATURE/.test(this.code) && !this.code.startsWith('ERR_SSL');
  }
}
