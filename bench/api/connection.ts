import { connect, type Socket } from 'node:net';

/** What came back of one request. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * One keep-alive connection that carries one request at a time. Node's own client takes longer than some of the
 * answers that are measured here, so this one does no more than the measurement needs: it reads Content-Length.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #token: string;
  #received: Buffer = Buffer.alloc(0);
  #waiting: PromiseWithResolvers<Answer> | undefined;

  /** `where`: a port on loopback, or the path of a Unix socket. */
  static async open(where: number | string, token: string): Promise<Connection> {
    const socket =
      typeof where === 'number' ? connect({ host: '127.0.0.1', port: where, noDelay: true }) : connect(where);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Connection(socket, typeof where === 'number' ? `127.0.0.1:${where}` : 'localhost', token);
  }

  private constructor(socket: Socket, host: string, token: string) {
    this.#socket = socket;
    this.#host = host;
    this.#token = token;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('close', () => this.#waiting?.reject(new Error('the controller closed the connection')));
    socket.on('error', (error) => this.#waiting?.reject(error));
  }

  /** Whether requests can be sent: the controller closes connections that are idle for long. */
  get isOpen(): boolean {
    return this.#socket.writable;
  }

  close(): void {
    this.#socket.destroy();
  }

  async send(method: string, path: string, body?: unknown): Promise<Answer> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const about = text === '' ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n`;
    if (!this.isOpen) throw new Error('the controller closed the connection');
    this.#waiting = Promise.withResolvers<Answer>();
    this.#socket.write(
      `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\nx-auth-token: ${this.#token}\r\n${about}\r\n${text}`,
    );
    return this.#waiting.promise;
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + 4 + length) return;
    const answer = {
      status: Number(head.slice(9, 12)),
      body: this.#received.toString('utf8', end + 4, end + 4 + length),
    };
    this.#received = Buffer.alloc(0);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(answer);
  }
}
