import {
  Agent,
  type RequestOptions as HttpRequestOptions,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';

/** An answer of the controller's other than success. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  /** HTTP status. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export interface ControllerRequest {
  method: 'GET' | 'POST';
  /** Path and query. */
  path: string;
  token: string;
  /** Value to send as JSON. */
  body?: unknown;
  signal?: AbortSignal;
  /** Milliseconds until the head of the answer must be there. */
  timeoutMs: number;
}

/** Reaches a controller at `http://host:port`, `https://host:port` or `unix:/path/of/socket`. */
export class ControllerConnection {
  /** How messages name the controller. */
  readonly name: string;
  readonly #target: HttpRequestOptions;
  readonly #prefix: string;
  readonly #secure: boolean;
  /** One connection is kept for requests that come again and again; the feed has its own. */
  readonly #reports = new Agent({ keepAlive: true, maxSockets: 1 });

  /** Throws an Error on text that is no address of a controller. */
  constructor(controller: string) {
    this.name = controller;
    if (controller.startsWith('unix:')) {
      this.#target = { socketPath: resolve(controller.slice('unix:'.length)), headers: { host: 'localhost' } };
      this.#prefix = '';
      this.#secure = false;
      return;
    }
    const url = URL.parse(controller);
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
      throw new Error(`'${controller}' is no controller address: give http://HOST:PORT or unix:/PATH`);
    }
    this.#target = { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port };
    this.#prefix = url.pathname.replace(/\/$/, '');
    this.#secure = url.protocol === 'https:';
  }

  /** Sends a request and gives the answer, its body unread. Throws RefusedError on any status but 2xx. */
  async open(request: ControllerRequest, keep = false): Promise<IncomingMessage> {
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    for (;;) {
      const { answer, retry } = await this.#once(request, body, keep);
      if (retry) continue;
      const status = answer.statusCode ?? 0;
      if (status >= 200 && status < 300) return answer;
      const said = await text(answer).catch(() => '');
      throw new RefusedError(`${this.name} answers ${status} ${explanation(said)}`.trim(), status);
    }
  }

  /** Sends a request and waits for the whole answer, which is dropped. */
  async exchange(request: ControllerRequest): Promise<void> {
    const answer = await this.open(request, !this.#secure);
    answer.resume();
  }

  /** Closes what was kept open. */
  close(): void {
    this.#reports.destroy();
  }

  #once(
    request: ControllerRequest,
    body: Buffer | undefined,
    keep: boolean,
  ): Promise<{ answer: IncomingMessage; retry: false } | { answer?: never; retry: true }> {
    return new Promise((resolve, reject) => {
      const outgoing = (this.#secure ? requestHttps : requestHttp)({
        ...this.#target,
        agent: keep ? this.#reports : false,
        method: request.method,
        path: `${this.#prefix}${request.path}`,
        headers: {
          ...this.#target.headers,
          authorization: `Bearer ${request.token}`,
          ...(body && { 'content-type': 'application/json', 'content-length': body.length }),
        },
        ...(request.signal && { signal: request.signal }),
      });
      const late = setTimeout(() => outgoing.destroy(new Error(`${this.name} does not answer`)), request.timeoutMs);
      outgoing.once('response', (answer) => {
        clearTimeout(late);
        resolve({ answer, retry: false });
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(late);
        // A kept connection may have been closed by the other side just now: that says nothing of the controller.
        if (outgoing.reusedSocket && error.code === 'ECONNRESET') resolve({ retry: true });
        else reject(error);
      });
      outgoing.end(body);
    });
  }
}

/** The reason inside an error's body, in whichever of the API's shapes it is. */
function explanation(body: string): string {
  try {
    const value = JSON.parse(body) as Record<string, { message?: unknown } | undefined>;
    const message = value.NeutronError?.message ?? value.error?.message;
    if (typeof message === 'string') return `(${message})`;
  } catch {
    // Not JSON: shown as it is.
  }
  return body === '' ? '' : `(${body.slice(0, 200)})`;
}
