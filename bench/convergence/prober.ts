/**
 * In the client's namespace: has something changed, and connects again and again from that moment until the change is
 * there. Requests to the controller go through its Unix socket, so that no other network is needed.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Connection } from '../api/connection.ts';
import type { Knock, Knocked, Outcome } from './knocker.ts';
import { answerLines } from './lines.ts';
import { Traffic } from './traffic.ts';

/** What has it changed: a request to the API, or a line to the floor. */
type Cause =
  | { readonly by: 'api'; readonly method: string; readonly path: string; readonly body?: unknown }
  | { readonly by: 'floor'; readonly line: string };

export interface Attempt {
  readonly cause: Cause;
  readonly address: string;
  readonly port: number;
  /** What was before, and what shall become of a connection; `nothing`: the address answers at all, or not. */
  readonly from: Outcome;
  readonly until: Outcome;
  /** Pause before, milliseconds. */
  readonly rest: number;
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

const [apiSocket = '', token = '', floorSocket = ''] = process.argv.slice(2);
let api = await Connection.open(apiSocket, token);
let floor: Socket | undefined;

const knocker = new Worker(new URL('./knocker.ts', import.meta.url));

/** Has the knocker connect. One at a time. */
async function knock(wanted: Knock): Promise<Knocked> {
  const answered = once(knocker, 'message');
  knocker.postMessage(wanted);
  const [answer] = await answered;
  if (answer instanceof Error) throw answer;
  return answer;
}

async function trigger(cause: Cause): Promise<{ status: number; body: string }> {
  if (cause.by === 'api') return api.send(cause.method, cause.path, cause.body);
  floor ??= connect(floorSocket);
  const answered = new Promise<string>((resolve) => floor?.once('data', (text) => resolve(text.toString())));
  floor.write(`${cause.line}\n`);
  const body = await answered;
  return { status: body === 'done\n' ? 200 : 500, body };
}

async function attempt({ cause, address, port, from, until, rest }: Attempt): Promise<Seen> {
  // A packet to an address that is not there is lost for a second, and silence must end: there, attempts are given up
  // early.
  const patience = from === 'nothing' ? 2 : until === 'nothing' ? 200 : 3000;
  // That nothing answers takes the kernel seconds to say.
  if (from !== 'nothing') {
    const { outcome } = await knock({ address, port, until: undefined, patience });
    if (outcome !== from) throw new Error(`port ${port} was ${outcome} before, not ${from}`);
  }
  await pause(rest);
  if (!api.isOpen) api = await Connection.open(apiSocket, token);
  const start = process.hrtime.bigint();
  const since = (at: bigint): number => Number(at - start) / 1e6;
  const answered = trigger(cause).then((answer) => ({ ...answer, answerMs: since(process.hrtime.bigint()) }));
  const [answer, { attempts, beganAt, endedAt }] = await Promise.all([
    answered,
    knock({ address, port, until, patience }),
  ]);
  return { ...answer, effectMs: since(until === 'nothing' ? beganAt : endedAt), attempts };
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
