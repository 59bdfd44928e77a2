import { setTimeout as pause } from 'node:timers/promises';
import type { AgentConfigurations } from '@portward/model/feed.ts';
import type { Reader, Store } from '../store/store.ts';
import { isAlive } from './scheduling.ts';

/** How far the hosts are with the changes that were committed before a moment. */
export interface Progress {
  /** Number of the last of these changes. */
  readonly position: number;
  /** Whether every live host has carried them out, or has said of what it could not; never when there is no live host. */
  readonly settled: boolean;
  readonly hosts: readonly { readonly host: string; readonly alive: boolean; readonly position: number }[];
}

/** A report that another controller took in is seen after this, milliseconds. */
const LOOK = 500;

/** Lets requests wait until the hosts have carried out what was asked for. */
export class ProgressOfHosts {
  readonly #store: Store;
  #next = Promise.withResolvers<void>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** A host has reported. */
  reported(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers<void>();
  }

  /** Waits until all is settled that was committed by now, or for so many seconds, or until the signal aborts. */
  async wait(seconds: number, signal: AbortSignal): Promise<Progress> {
    const deadline = performance.now() + seconds * 1000;
    const position = await this.#store.read(lastPosition);
    for (;;) {
      const { promise: next } = this.#next;
      const hosts = await this.#store.read(positionsOfHosts);
      const live = hosts.filter(({ alive }) => alive);
      const settled = live.length > 0 && live.every((host) => host.position >= position);
      const left = deadline - performance.now();
      // Where no host lives none will report soon.
      if (settled || live.length === 0 || left <= 0 || signal.aborted) return { position, settled, hosts };
      await firstOf(next, Math.min(LOOK, left), signal);
    }
  }
}

/** Resolves with the promise, after a while, or when the signal aborts. */
async function firstOf(promise: Promise<void>, milliseconds: number, signal: AbortSignal): Promise<void> {
  const enough = new AbortController();
  const timer = pause(milliseconds, undefined, { signal: AbortSignal.any([enough.signal, signal]) });
  await Promise.race([promise, timer.catch(() => undefined)]);
  enough.abort();
}

/** Hosts are not told of what concerns tokens. */
async function lastPosition(db: Reader): Promise<number> {
  const row = await db
    .selectFrom('changes')
    .select('seq')
    .where('kind', '!=', 'identity')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return Number(row?.seq ?? 0);
}

async function positionsOfHosts(db: Reader): Promise<Progress['hosts']> {
  const rows = await db.selectFrom('agents').select(['host', 'heartbeat_timestamp', 'configurations']).execute();
  // Each host enters itself as several agents, all with the same figures.
  const hosts = new Map(
    rows.flatMap(({ host, heartbeat_timestamp: heartbeat, configurations }) => {
      const { applied_seq: position } = configurations as { applied_seq?: number };
      return position === undefined ? [] : [[host, { host, alive: isAlive(heartbeat), position }] as const];
    }),
  );
  return [...hosts.values()];
}

/** What is known of one host's agent; undefined when none of it has reported. */
export async function knownAgent(store: Store, host: string): Promise<Record<string, unknown> | undefined> {
  return store.read(async (db) => {
    const row = await db
      .selectFrom('agents')
      .select(['heartbeat_timestamp', 'started_at', 'configurations'])
      .where('host', '=', host)
      .limit(1)
      .executeTakeFirst();
    const said = (row?.configurations ?? {}) as Partial<AgentConfigurations> & { applied_seq?: number };
    const { applied_seq: applied, drift = 0, drift_by_kind = {} } = said;
    if (row === undefined || applied === undefined) return undefined;
    const { heartbeat_timestamp: heartbeat, started_at: started } = row;
    return {
      alive: isAlive(heartbeat),
      started_at: started,
      heartbeat_timestamp: heartbeat,
      applied_seq: applied,
      position: await lastPosition(db),
      drift,
      drift_by_kind,
    };
  });
}

/** Whether the agent of a host still reports. */
export async function isHostAlive(db: Reader, host: string): Promise<boolean> {
  const row = await db
    .selectFrom('agents')
    .select('heartbeat_timestamp')
    .where('host', '=', host)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined && isAlive(row.heartbeat_timestamp);
}
