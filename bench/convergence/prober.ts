/**
 * In the client's namespace: has something changed, and connects again and again from that moment until the change is
 * there. Requests to the controller go through its Unix socket, so that no other network is needed.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Connection } from '../api/connection.ts';
import { answerLines } from './lines.ts';
import { Traffic } from './traffic.ts';

/** What has it changed: a request to the API, or a line to the floor. */
type Cause =
  | { readonly by: 'api'; readonly method: string; readonly path: string; readonly body?: unknown }
  | { readonly by: 'floor'; readonly line: string };

export type Outcome = 'connected' | 'refused' | 'nothing';

export interface Attempt {
  readonly cause: Cause;
  readonly address: string;
  readonly port: number;
  /** What was before, and what shall become of a connection; `nothing`: the address answers at all, or not. */
  readonly from: Outcome;
  readonly until: Outcome;
}

/** Times in milliseconds from the moment at which the cause was sent; of `nothing`, the start of the first vain attempt. */
export interface Seen {
  readonly answerMs: number;
  readonly effectMs: number;
  readonly attempts: number;
  readonly status: number;
  readonly body: string;
}

type Question =
  | ({ readonly ask: 'attempt' } & Attempt)
  | { readonly ask: 'watch'; readonly address: string; readonly port: number }
  | { readonly ask: 'unwatch' };

/**
 * Between two changes, milliseconds, so that each meets a system at rest: the agent looks for the connections that the
 * one before concerned among all of the kernel's, which takes one of the processors for some of them.
 */
const PAUSE = 15;
/** Between two attempts, milliseconds: what is awaited needs the processor more than they do. */
const BETWEEN = 0.2;
const BELL = new Int32Array(new SharedArrayBuffer(4));
/** A change that takes longer than this is an error, milliseconds. */
const LIMIT = 10_000;

const [apiSocket = '', token = '', floorSocket = ''] = process.argv.slice(2);
let api = await Connection.open(apiSocket, token);
let floor: Socket | undefined;

/**
 * Tries to connect once. A packet to an address that is not there is lost for a second, and silence must end: there,
 * attempts are given up early.
 */
function outcome({ address, port, from, until }: Attempt): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const timeout = from === 'nothing' ? 5 : until === 'nothing' ? 200 : 0;
    const socket = connect({ host: address, port, timeout });
    const end = (what: Outcome): void => {
      socket.resetAndDestroy();
      resolve(what);
    };
    socket.once('connect', () => end('connected'));
    socket.once('timeout', () => end('nothing'));
    socket.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED' || code === 'ECONNRESET') resolve('refused');
      else if (code === 'EHOSTUNREACH') resolve('nothing');
      else reject(new Error(message));
    });
  });
}

async function trigger(cause: Cause): Promise<{ status: number; body: string }> {
  if (cause.by === 'api') return api.send(cause.method, cause.path, cause.body);
  floor ??= connect(floorSocket);
  const answered = new Promise<string>((resolve) => floor?.once('data', (text) => resolve(text.toString())));
  floor.write(`${cause.line}\n`);
  const body = await answered;
  return { status: body === 'done\n' ? 200 : 500, body };
}

async function attempt(wanted: Attempt): Promise<Seen> {
  const { cause, port, from, until } = wanted;
  // That nothing answers takes the kernel seconds to say.
  if (from !== 'nothing' && (await outcome(wanted)) !== from) throw new Error(`port ${port} was not ${from} before`);
  await pause(PAUSE);
  if (!api.isOpen) api = await Connection.open(apiSocket, token);
  const start = performance.now();
  let answerMs = 0;
  const answer = trigger(cause).then((value) => {
    answerMs = performance.now() - start;
    return value;
  });
  for (let attempts = 1; ; attempts += 1) {
    const began = performance.now();
    const met = (await outcome(wanted)) === until;
    const ended = performance.now();
    if (met) return { ...(await answer), answerMs, effectMs: (until === 'nothing' ? began : ended) - start, attempts };
    Atomics.wait(BELL, 0, 0, BETWEEN);
    if (ended - start > LIMIT) throw new Error(`not ${until} within ${LIMIT} ms: ${(await answer).body}`);
  }
}

let traffic: Traffic | undefined;
await answerLines(async (question: Question) => {
  switch (question.ask) {
    case 'attempt':
      return attempt(question);
    case 'watch':
      traffic = await Traffic.start(question.address, question.port);
      return;
    case 'unwatch':
      return traffic?.stop();
  }
});
