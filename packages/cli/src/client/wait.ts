import { ApiError } from './api-error.ts';
import { isObject, type JsonObject } from './cell.ts';
import type { Call } from './command.ts';
import { ClientError } from './errors.ts';
import { objectPath } from './resolve.ts';
import type { StandingObject } from './wait-option.ts';

/** How long hosts are waited for, seconds. */
const LIMIT = 120;
/** Longest that one request waits, seconds: the API allows a minute, proxies often less. */
const ONE_REQUEST = 25;

interface Progress {
  readonly settled: boolean;
  readonly liveHosts: number;
  readonly behind: number;
}

/**
 * Waits until all hosts have carried out what was asked for so far, then looks how the object stands, where one is
 * given. Says so on stderr where the cloud does not tell (OpenStack).
 *
 * @throws ClientError when a host could not do it, when none is there, or when they take too long.
 */
export async function waitUntilCarriedOut(call: Call, object?: StandingObject): Promise<void> {
  const deadline = Date.now() + LIMIT * 1000;
  let progress = await ask(call, 0);
  if (progress === undefined) {
    call.remark('This cloud does not tell when its hosts have carried a change out: not waiting.');
    return;
  }
  try {
    while (!progress?.settled) {
      const { liveHosts, behind } = progress ?? { liveHosts: 0, behind: 0 };
      if (liveHosts === 0) {
        throw new ClientError(
          'The change is made, but no host is there to carry it out: see `portward network agent list`.',
        );
      }
      if (Date.now() > deadline) {
        throw new ClientError(
          `The change is made, but ${behind} of ${liveHosts} hosts have not carried it out within ${LIMIT} s: see ` +
            '`portward network agent list`, and what their agents log.',
        );
      }
      call.status(`Waiting for ${behind} of ${liveHosts} hosts`);
      progress = await ask(call, ONE_REQUEST);
    }
  } finally {
    call.status('');
  }
  if (object !== undefined) await requireStanding(call, object);
}

async function ask(call: Call, seconds: number): Promise<Progress | undefined> {
  const body = await ofPortward(call, `/progress?wait=${seconds}`);
  if (body === undefined) return undefined;
  return { settled: body.settled === true, liveHosts: Number(body.live_hosts), behind: Number(body.behind) };
}

/** Answers that mean that a cloud has nothing there. */
const NOT_SERVED = [300, 404, 405, 501];

/** What is asked below `/portward/v1`; undefined where the cloud has no such thing. */
async function ofPortward({ session }: Call, path: string): Promise<JsonObject | undefined> {
  try {
    const { body } = await session.request('portward', 'GET', path);
    return isObject(body) ? body : undefined;
  } catch (error) {
    if (error instanceof ApiError && NOT_SERVED.includes(error.status)) return undefined;
    throw error;
  }
}

/** Kinds of objects of which hosts tell how they stand. */
const STANDING = ['port', 'router', 'floatingip', 'port_forwarding'];

async function requireStanding(call: Call, { resource, id, parent }: StandingObject): Promise<void> {
  if (!STANDING.includes(resource.one)) return;
  const path = objectPath(resource, id, parent).replace(/^\/v2\.0/, '');
  const state = await ofPortward(call, `${path}/status`);
  if (state?.status !== 'ERROR') return;
  throw new ClientError(`The change is made, but could not be carried out on ${state.host}: ${state.reason}`);
}
