import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What became of the traffic. */
export interface Passed {
  /** Datagrams sent on one open flow, a millisecond apart, and those that came back. */
  readonly datagrams: number;
  readonly datagramsBack: number;
  /** Longest time without one of them coming back, milliseconds. */
  readonly longestGapMs: number;
  /** Whether the connection that was opened first still answered at the end. */
  readonly connectionHeld: boolean;
  /** New connections tried meanwhile, and those that came about. */
  readonly connections: number;
  readonly connected: number;
}

/** Traffic through one forwarding that is watched while something else happens. */
export class Traffic {
  readonly #address: string;
  readonly #port: number;
  readonly #datagrams: DatagramSocket;
  readonly #connection: Socket;
  readonly #sending: NodeJS.Timeout;
  #sent = 0;
  #back = 0;
  #last = performance.now();
  #gap = 0;
  #tried = 0;
  #connected = 0;
  #stopped = false;
  readonly #connecting: Promise<void>;

  static async start(address: string, port: number): Promise<Traffic> {
    const connection = connect({ host: address, port, noDelay: true });
    await once(connection, 'connect');
    const datagrams = createSocket('udp4');
    datagrams.connect(port, address);
    await once(datagrams, 'connect');
    return new Traffic(address, port, connection, datagrams);
  }

  private constructor(address: string, port: number, connection: Socket, datagrams: DatagramSocket) {
    this.#address = address;
    this.#port = port;
    this.#connection = connection;
    this.#datagrams = datagrams;
    connection.on('error', () => undefined);
    datagrams.on('error', () => undefined);
    datagrams.on('message', () => {
      this.#back += 1;
      this.#gap = Math.max(this.#gap, performance.now() - this.#last);
      this.#last = performance.now();
    });
    this.#sending = setInterval(() => {
      this.#sent += 1;
      datagrams.send('datagram');
    }, 1);
    this.#connecting = this.#connectAgainAndAgain();
  }

  /** Stops sending, waits for what is still under way, and tells what passed. */
  async stop(): Promise<Passed> {
    clearInterval(this.#sending);
    this.#stopped = true;
    await this.#connecting;
    const late = AbortSignal.timeout(1000);
    while (this.#back < this.#sent && !late.aborted) {
      await once(this.#datagrams, 'message', { signal: late }).catch(() => undefined);
    }
    const connectionHeld = await this.#answers();
    this.#connection.destroy();
    this.#datagrams.close();
    return {
      datagrams: this.#sent,
      datagramsBack: this.#back,
      longestGapMs: this.#gap,
      connectionHeld,
      connections: this.#tried,
      connected: this.#connected,
    };
  }

  async #answers(): Promise<boolean> {
    if (this.#connection.destroyed) return false;
    this.#connection.write('still there?');
    const answer = once(this.#connection, 'data', { signal: AbortSignal.timeout(1000) });
    return answer.then(
      () => true,
      () => false,
    );
  }

  async #connectAgainAndAgain(): Promise<void> {
    while (!this.#stopped) {
      this.#tried += 1;
      const socket = connect({ host: this.#address, port: this.#port, timeout: 1000 });
      socket.once('timeout', () => socket.destroy(new Error('no answer')));
      const connected = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      if (connected) this.#connected += 1;
      socket.resetAndDestroy();
      // A few hundred a second: enough to see a gap, and not what the machine is busy with.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}
