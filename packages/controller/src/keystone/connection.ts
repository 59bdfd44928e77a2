import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** Connections to Keystone at a time. */
const MOST_CONNECTIONS = 32;
/** Largest answer that is read; a token's content without its catalog is far smaller. */
const LARGEST_ANSWER = 1024 * 1024;

/** What Keystone answered. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What was parsed from JSON; undefined when it was none. */
  readonly body: unknown;
}

/** What a request carries. */
export interface Content {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Keystone gave no answer. The message is the rest of a sentence that begins with Keystone, fit for clients. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** Connections to one Keystone, kept open between requests. */
export class KeystoneConnection {
  readonly #base: string;
  readonly #timeoutMs: number;
  readonly #agent: HttpAgent | HttpsAgent;
  #closed = false;

  /** `url`: with or without the version. Throws when the file with the certificates cannot be read. */
  constructor(url: string, { caFile, timeoutMs }: { caFile?: string | undefined; timeoutMs: number }) {
    const base = url.replace(/\/+$/, '');
    this.#base = base.endsWith('/v3') ? base : `${base}/v3`;
    this.#timeoutMs = timeoutMs;
    const options = { keepAlive: true, maxSockets: MOST_CONNECTIONS };
    this.#agent = base.startsWith('https:')
      ? new HttpsAgent({ ...options, ...(caFile !== undefined && { ca: readCertificates(caFile) }) })
      : new HttpAgent(options);
  }

  /** Ends every connection; requests under way get no answer. */
  close(): void {
    this.#closed = true;
    this.#agent.destroy();
  }

  /** Sends a request to a path below `/v3`. Throws `NoAnswer` when none comes in time. */
  async request(method: 'GET' | 'POST', path: string, content: Content = {}): Promise<Answer> {
    const signal = AbortSignal.timeout(this.#timeoutMs);
    try {
      return await this.#exchange(method, path, content, signal);
    } catch (error) {
      if (signal.aborted) throw new NoAnswer(`did not answer within ${this.#timeoutMs / 1000} s`);
      if (error instanceof NoAnswer) throw error;
      const { code } = error as NodeJS.ErrnoException;
      throw new NoAnswer(`cannot be reached (${code ?? 'the connection broke'})`);
    }
  }

  #exchange(method: string, path: string, content: Content, signal: AbortSignal): Promise<Answer> {
    const payload = content.body === undefined ? undefined : JSON.stringify(content.body);
    return new Promise((resolve, reject) => {
      const request = (this.#agent instanceof HttpsAgent ? httpsRequest : httpRequest)(`${this.#base}${path}`, {
        method,
        agent: this.#agent,
        signal,
        headers: {
          accept: 'application/json',
          ...(payload !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(payload),
          }),
          ...content.headers,
        },
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        // Keystone had closed the idle connection at the very moment when we used it: not its answer to this request.
        if (request.reusedSocket && error.code === 'ECONNRESET' && !this.#closed)
          resolve(this.#exchange(method, path, content, signal));
        else reject(error);
      });
      request.once('response', (response) => {
        const parts: Buffer[] = [];
        let size = 0;
        response.on('data', (part: Buffer) => {
          size += part.length;
          if (size > LARGEST_ANSWER) request.destroy(new NoAnswer('answered more than a token’s content'));
          else parts.push(part);
        });
        response.on('error', reject);
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed(Buffer.concat(parts)) }),
        );
      });
      request.end(payload);
    });
  }
}

function readCertificates(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`The certificates for Keystone cannot be read (${(error as Error).message}).`);
  }
}

function parsed(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    return undefined;
  }
}
