import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedLine } from '@portward/model/feed.ts';
import { aliceCloud, TestApi } from '../http/test-api.ts';
import { Feed } from './feed.ts';

/** Follows a feed line by line. */
class Follower {
  readonly #chunks: AsyncGenerator<string>;
  readonly #stop = new AbortController();
  #lines: FeedLine[] = [];

  constructor(feed: Feed, after?: number) {
    this.#chunks = feed.lines(after, this.#stop.signal);
  }

  async next(): Promise<FeedLine> {
    while (this.#lines.length === 0) {
      const { value } = await this.#chunks.next();
      this.#lines = String(value)
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    }
    return this.#lines.shift() as FeedLine;
  }

  async until(op: string): Promise<FeedLine[]> {
    const lines: FeedLine[] = [];
    for (;;) {
      const line = await this.next();
      lines.push(line);
      if (line.op === op) return lines;
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#chunks.return(undefined);
  }
}

test('a snapshot, then changes in commit order; resumed after a place; a snapshot again when that is forgotten', async () => {
  const api = await TestApi.start();
  const feed = new Feed(api.store);
  try {
    const cloud = await aliceCloud(api);
    const follower = new Follower(feed);
    const snapshot = await follower.until('synced');
    assert.equal(snapshot[0]?.op, 'reset');
    const kinds = snapshot.flatMap((line) => (line.op === 'put' ? [line.kind] : []));
    assert.deepEqual(
      [...new Set(kinds)],
      ['network', 'subnet', 'security_group', 'security_group_rule', 'router', 'port', 'floatingip'],
    );
    const router = snapshot.find((line) => line.op === 'put' && line.kind === 'router');
    assert.ok(router?.op === 'put' && router.kind === 'router');
    assert.equal(router.object.gateway_network_id, cloud.external.id);
    const vm1 = snapshot.find((line) => line.op === 'put' && line.kind === 'port' && line.object.id === cloud.vm1.id);
    assert.ok(vm1?.op === 'put' && vm1.kind === 'port');
    assert.equal(vm1.object.fixed_ips[0]?.ip_address, '192.168.2.79');
    assert.equal(vm1.object.security_groups.length, 1);

    const made = await api.create('alice', `/floatingips/${cloud.floatingIp.id}/port_forwardings`, 'port_forwarding', {
      internal_port_id: cloud.vm1.id,
      internal_port: 22,
      external_port: 2222,
      protocol: 'tcp',
    });
    const changes = [await follower.next(), await follower.next()];
    assert.deepEqual(
      changes.map((line) => line.op === 'put' && line.kind),
      ['floatingip', 'port_forwarding'],
    );
    const [first, second] = changes;
    assert.ok(first && second && second.seq > first.seq);
    assert.ok(second.op === 'put' && second.kind === 'port_forwarding');
    assert.deepEqual(
      [second.object.id, second.object.external_first, second.object.internal_last],
      [made.id, 2222, 22],
    );
    await api.expect('alice', 'DELETE', `/floatingips/${cloud.floatingIp.id}`);
    const gone = [await follower.next(), await follower.next(), await follower.next()];
    assert.deepEqual(
      gone.map((line) => line.op === 'delete' && line.kind),
      ['port_forwarding', 'floatingip', 'port'],
    );
    await follower.stop();

    const resumed = new Follower(feed, second.seq);
    assert.equal((await resumed.next()).op, 'synced');
    assert.deepEqual(await resumed.next(), gone[0]);
    await resumed.stop();

    const slow = new Follower(feed, second.seq);
    assert.equal((await slow.next()).op, 'synced');
    await feed.compact(1);
    assert.equal((await slow.next()).op, 'reset', 'changes that it has not had are forgotten');
    await slow.stop();
    const late = new Follower(feed, 1);
    assert.equal((await late.next()).op, 'reset');
    await late.stop();
    const ahead = new Follower(feed, 1_000_000);
    assert.equal((await ahead.next()).op, 'reset', 'a place that never was: another store');
    await ahead.stop();
  } finally {
    feed.close();
    await api.stop();
  }
});
