import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { AnswerCheck } from '../openapi/answer-check.ts';
import type { OpenApiDocument } from '../openapi/document.ts';
import { type HostileRequest, operationsOf, requestsFor } from './hostile-requests.ts';
import { HostileWorld } from './hostile-world.ts';

/** Seconds that each property runs for; without it, a number of requests that takes a few seconds. */
const SECONDS = Number(process.env.PORTWARD_FUZZ_SECONDS ?? 0);
/** A request that takes longer hangs. */
const LONGEST_MS = 5000;
/** Requests that succeed after which the world is made anew: what succeeds uses it up. */
const WORLD_LIFE = 100;

let world = await HostileWorld.open();
after(() => world.close());
const document: OpenApiDocument = (await world.server.request('GET', '/openapi.json')).body;
const operations = operationsOf(document);
const check = new AnswerCheck(document);

let sent = 0;
/** What is in the store, as far as it is known. */
let known: string | undefined;

async function freshWorld(): Promise<void> {
  sent = 0;
  known = undefined;
  await world.close();
  world = await HostileWorld.open();
}

/** Sends a request and holds the answer against everything that no answer may be. */
async function survives({ who, method, url, headers, body }: HostileRequest): Promise<void> {
  const { server, tokens } = world;
  const token = Object.hasOwn(tokens, who) ? tokens[who as keyof typeof tokens] : who;
  const before = known ?? (await world.everything());
  const started = performance.now();
  const answer = await server.request(method, url, { token, headers, body });
  const ms = performance.now() - started;
  assert.ok(answer.status < 500 || answer.status === 501, `${answer.status} ${answer.text}\n${server.logged.at(-1)}`);
  assert.ok(ms < LONGEST_MS, `took ${Math.round(ms)} ms`);
  assert.match(String(answer.headers['x-openstack-request-id']), /^req-/);
  assert.equal(check.problem(method, url, answer.status, answer.body), undefined);
  if (who !== 'admin' && who !== 'bob') {
    const told = `${answer.text} ${JSON.stringify(answer.headers)}`;
    assert.equal(world.secretIn(told), undefined, `tells what is Bob’s: ${told}`);
  }
  if (answer.status >= 400) {
    known = await world.everything();
    assert.equal(known, before, `${answer.status} and yet something changed`);
    return;
  }
  known = undefined;
  sent += 1;
  // An administrator may have let Alice in to what is Bob’s.
  if (sent > WORLD_LIFE || (who === 'admin' && method !== 'GET')) await freshWorld();
}

/** What failed, with the seed and path to do it again by, and no more of a long request than is read. */
function report(outcome: fc.RunDetails<[HostileRequest]>): void {
  if (!outcome.failed) return;
  const [request] = outcome.counterexample ?? [];
  const shown = JSON.stringify(request, (_key, value) => (typeof value === 'string' ? value.slice(0, 2000) : value));
  const { seed, counterexamplePath: path, errorInstance } = outcome;
  throw new Error(`{ seed: ${seed}, path: '${path}' } ${shown}`, { cause: errorInstance });
}

const rooms = Map.groupBy(operations, ({ path }) => path.split('/')[1] as string);
for (const [room, inRoom] of rooms) {
  test(`no request to ${room} breaks anything, changes anything when refused, or tells what is another’s`, async () => {
    const request = fc
      .constantFrom(...inRoom)
      .chain((operation) =>
        requestsFor(operation, { schemas: document.components.schemas, own: world.own, foreign: world.foreign }),
      );
    const numRuns = room === 'networking' ? 300 : 80;
    const end = performance.now() + SECONDS * 1000;
    do {
      await fc.assert(fc.asyncProperty(request, survives), { numRuns, endOnFailure: true, reporter: report });
    } while (performance.now() < end);
  });
}
