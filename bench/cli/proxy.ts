import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Stands before the controller and notes how long clients wait for it. Answers name it as where the cloud is. */
export class TimingProxy {
  readonly url: string;
  readonly #server: Server;
  #waited = 0;

  static async start(controller: string): Promise<TimingProxy> {
    const { hostname, port } = new URL(controller);
    const server = createServer((incoming, outgoing) => {
      const began = performance.now();
      const { method, url: path, headers } = incoming;
      const onward = request({ hostname, port, method, path, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      outgoing.once('finish', () => {
        proxy.#waited += performance.now() - began;
      });
      onward.once('error', (error) => outgoing.destroy(error));
      incoming.pipe(onward);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const proxy = new TimingProxy(server);
    return proxy;
  }

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Milliseconds that clients waited for answers since the last call. */
  takeWaited(): number {
    const waited = this.#waited;
    this.#waited = 0;
    return waited;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
