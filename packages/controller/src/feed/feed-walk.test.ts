import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedLine } from '@portward/model/feed.ts';
import fc from 'fast-check';
import { aliceCloud, TestApi } from '../http/test-api.ts';
import { enterReport } from '../networking/agent-report.ts';
import { RandomWalk } from '../networking/random-walk.ts';
import { breaches } from '../networking/sound-store.ts';
import { Feed } from './feed.ts';

/**
 * Book-keeping that the feed does not repeat: a parent's revision grows with each of its parts, and what an agent says
 * of an object is not told to agents.
 */
const UNTOLD = ['revision_number', 'updated_at', 'status'];

/** What a data plane knows: the objects of the lines that it has had. */
class Replica {
  readonly objects = new Map<string, string>();
  seq = 0;

  take(line: FeedLine): void {
    this.seq = line.seq;
    if (line.op === 'reset') this.objects.clear();
    if (line.op === 'delete') this.objects.delete(`${line.kind} ${line.id}`);
    if (line.op === 'put') {
      const object = Object.entries(line.object).filter(([key]) => !UNTOLD.includes(key));
      this.objects.set(`${line.kind} ${line.object.id}`, JSON.stringify(Object.fromEntries(object.sort())));
    }
  }
}

/** Reads lines into a replica until it has the one of that number. */
async function follow(chunks: AsyncGenerator<string>, replica: Replica, until: number): Promise<void> {
  let synced = replica.seq > 0;
  while (!synced || replica.seq < until) {
    const { value } = await chunks.next();
    for (const text of String(value).trimEnd().split('\n')) {
      const line = JSON.parse(text) as FeedLine;
      replica.take(line);
      synced ||= line.op === 'synced';
    }
  }
}

test('after any walk through the API, what the feed told is what a new follower is told, and the store is sound', async () => {
  const api = await TestApi.start();
  const feed = new Feed(api.store);
  const stop = new AbortController();
  const lines = feed.lines(undefined, stop.signal);
  try {
    await enterReport(api.store, 'host-1', {
      started_at: '2026-11-25T00:00:00Z',
      applied_seq: 0,
      configurations: { nat_backend: 'nftables', bridge_mappings: {}, machines: false },
      statuses: [],
    });
    const walk = new RandomWalk(api, await aliceCloud(api));
    const replica = new Replica();
    const statuses = new Map<number, number>();
    for (const request of [0, 0, 1, 1, 2, 2, 5, 5, 6, 6, 7, 3, 3, 10, 10, 20, 20]) {
      await walk.take({ request, a: request, b: request + 1 });
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ request: fc.nat(RandomWalk.requests - 1), a: fc.nat(999), b: fc.nat(999) }), {
          minLength: 20,
          maxLength: 40,
        }),
        async (steps) => {
          for (const step of steps) {
            const status = await walk.take(step);
            assert.ok(status < 500, `request ${step.request}: ${status}`);
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
          }
          const floatingIps = await api.expect('alice', 'GET', '/floatingips');
          await enterReport(api.store, 'host-1', {
            started_at: '2026-11-25T00:00:00Z',
            applied_seq: 0,
            configurations: { nat_backend: 'nftables', bridge_mappings: {}, machines: false },
            statuses: floatingIps.flatMap(
              ({ id, port_forwardings: forwardings }: { id: string; port_forwardings: { id: string }[] }) => [
                { kind: 'floatingip', id, revision_number: 0, status: 'ACTIVE' },
                ...forwardings.map((item) => ({
                  kind: 'port_forwarding',
                  id: item.id,
                  revision_number: 0,
                  status: 'ACTIVE',
                })),
              ],
            ),
          });
          const last = await api.store.read(async (db) => {
            assert.deepEqual(await breaches(db), []);
            const row = await db
              .selectFrom('changes')
              .select((expression) => expression.fn.max('seq').as('seq'))
              .executeTakeFirst();
            return Number(row?.seq ?? 0);
          });
          await follow(lines, replica, last);
          const fresh = new Replica();
          const afresh = new AbortController();
          const snapshot = feed.lines(undefined, afresh.signal);
          await follow(snapshot, fresh, last);
          afresh.abort();
          await snapshot.return(undefined);
          assert.deepEqual([...replica.objects].sort(), [...fresh.objects].sort());
        },
      ),
      { numRuns: 30, endOnFailure: true },
    );
    for (const status of [200, 201, 204, 400, 404, 409]) assert.ok(statuses.has(status), `no ${status} on the way`);
  } finally {
    stop.abort();
    await lines.return(undefined);
    feed.close();
    await api.stop();
  }
});
