import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FeedLine } from '@portward/model/feed.ts';
import pg from 'pg';
import { Feed } from '../feed/feed.ts';
import { aliceCloud, TestApi } from '../http/test-api.ts';
import { CHEAP, TOKEN_LIFE } from '../identity/cloud-fixture.ts';
import { Identity } from '../identity/identity.ts';
import { PostgresqlServer } from './postgresql-server.ts';
import { PostgresqlStore } from './postgresql-store.ts';
import type { Store } from './store.ts';
import { openTestStore, type TestStore } from './test-store.ts';

let server: PostgresqlServer;
before(async () => {
  // Durable: one test has it fail.
  server = await PostgresqlServer.start({ durable: true });
  process.env.PORTWARD_TEST_POSTGRESQL = server.url();
});
after(() => server.stop());

/** The changes that a feed tells after its snapshot, until there are `count` of them. */
async function changesOf(feed: Feed, count: number): Promise<FeedLine[]> {
  const stop = new AbortController();
  const changes: FeedLine[] = [];
  let synced = false;
  for await (const text of feed.lines(0, stop.signal)) {
    for (const line of text.trimEnd().split('\n')) {
      const parsed = JSON.parse(line) as FeedLine;
      if (synced && parsed.op !== 'heartbeat') changes.push(parsed);
      if (parsed.op === 'synced') synced = true;
    }
    if (changes.length >= count) break;
  }
  stop.abort();
  return changes;
}

describe('two controllers on one store', () => {
  let one: TestApi;
  let two: TestApi;
  let cloud: Awaited<ReturnType<typeof aliceCloud>>;
  before(async () => {
    one = await TestApi.start();
    two = await one.again();
    cloud = await aliceCloud(one);
  });
  after(async () => {
    await two.stop();
    await one.stop();
  });

  test('both followers are told the same changes, numbered without gaps in the order of commits', async () => {
    const feeds = [new Feed(one.store), new Feed(two.store)];
    const { seq: start } = await one.store.read((db) =>
      db
        .selectFrom('changes')
        .select(({ fn }) => fn.max('seq').as('seq'))
        .executeTakeFirstOrThrow(),
    );
    const renames = 60;
    const following = Promise.all(feeds.map((feed) => changesOf(feed, start + renames)));
    await Promise.all(
      Array.from({ length: renames }, (_, index) =>
        (index % 2 === 0 ? one : two).expect('alice', 'PUT', `/networks/${cloud.network.id}`, {
          network: { name: `name ${index}` },
        }),
      ),
    );
    const [first = [], second = []] = await following;
    for (const feed of feeds) feed.close();
    assert.deepEqual(first, second);
    assert.deepEqual(
      first.map((line) => line.seq),
      first.map((_, index) => index + 1),
    );
    const revisions = first
      .slice(start)
      .map((line) => (line as unknown as { object: { revision_number: number } }).object.revision_number);
    assert.deepEqual(
      revisions,
      revisions.toSorted((a, b) => a - b),
      'in the order of commits',
    );
    const last = await two.expect('alice', 'GET', `/networks/${cloud.network.id}`);
    assert.equal(last.revision_number, revisions.at(-1), 'no update was lost');
  });

  test('of conflicting creates on both, one wins', async () => {
    const attempts = (path: string, body: object) =>
      Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          (index % 2 === 0 ? one : two).send('alice', 'POST', path, body as Record<string, unknown>),
        ),
      );
    const winners = (answers: { status: number }[]) => answers.filter(({ status }) => status === 201).length;
    const ports = await attempts('/ports', {
      port: { network_id: cloud.network.id, fixed_ips: [{ ip_address: '192.168.2.200' }] },
    });
    assert.equal(winners(ports), 1);
    assert.ok(ports.every(({ status }) => status === 201 || status === 409));
    const forwardings = await attempts(`/floatingips/${cloud.floatingIp.id}/port_forwardings`, {
      port_forwarding: {
        protocol: 'tcp',
        internal_port_id: cloud.vm1.id,
        internal_ip_address: '192.168.2.79',
        internal_port_range: '100:200',
        external_port_range: '1100:1200',
      },
    });
    assert.equal(winners(forwardings), 1);
    assert.ok(forwardings.every(({ status }) => status === 201 || status === 400));
  });

  test('addresses that both give at once are different ones', async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? one : two).create('alice', '/ports', 'port', { network_id: cloud.network.id }),
      ),
    );
    const addresses = new Set(made.map((port) => port.fixed_ips[0].ip_address));
    assert.equal(addresses.size, 20);
  });
});

describe('tokens on two controllers', () => {
  let opened: TestStore;
  let one: Identity;
  let two: Identity;
  before(async () => {
    opened = await openTestStore();
    const options = { tokenLife: TOKEN_LIFE, hashCost: CHEAP };
    one = await Identity.open(opened.store, options);
    two = await Identity.open(await opened.again(), options);
    await one.bootstrap({ adminPassword: 'secret' });
  });
  after(() => opened.close());

  /** What one controller knows the other must know within a second. */
  async function withinASecond(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + 1000;
    while (!condition()) {
      assert.ok(Date.now() < deadline, 'not within a second');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  const claims = async () => {
    const { id, generation } = await opened.store.read((db) =>
      db.selectFrom('users').select(['id', 'generation']).executeTakeFirstOrThrow(),
    );
    const issuedAt = Math.floor(Date.now() / 1000);
    return {
      userId: id,
      generation,
      scope: { type: 'none' } as const,
      roleIds: [],
      methods: ['password'],
      auditIds: [`audit-${Math.random()}`],
      issuedAt,
      expiresAt: issuedAt + 100,
    };
  };

  test('one signs, the other accepts; one revokes, the other refuses', async () => {
    const said = await claims();
    const token = await one.issue(said);
    await withinASecond(() => two.authenticate(token) !== undefined);
    await one.revoke(said);
    assert.equal(one.authenticate(token), undefined);
    await withinASecond(() => two.authenticate(token) === undefined);
  });

  test('a new signing key is known to the other', async () => {
    await one.rotateSigningKey();
    const token = await one.issue(await claims());
    await withinASecond(() => two.authenticate(token) !== undefined);
  });
});

describe('a database that fails', () => {
  let opened: TestStore;
  let store: Store;
  before(async () => {
    opened = await openTestStore();
    store = opened.store;
  });
  after(() => opened.close());
  let count = 0;
  const write = (to: Store = store) =>
    to.write((tx) =>
      tx.db
        .insertInto('settings')
        .values({ name: `n${count++}`, value: '' })
        .execute(),
    );
  const written = () => store.read((db) => db.selectFrom('settings').select('name').execute());
  const administer = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };

  test('connections that were cut are made anew', async () => {
    await write();
    const before = (await written()).length;
    await administer("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'portward'");
    await write();
    assert.equal((await written()).length, before + 1);
  });

  test('a transaction that is cut gives 503 to all that were in it, and leaves nothing', async () => {
    const before = (await written()).length;
    const cut = store.write(async (tx) => {
      await tx.db.insertInto('settings').values({ name: 'cut', value: '' }).execute();
      await administer("select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'");
      await tx.db.insertInto('settings').values({ name: 'cut 2', value: '' }).execute();
    });
    const outcomes = await Promise.allSettled([cut, write()]);
    assert.equal((outcomes[0] as PromiseRejectedResult).reason.status, 503);
    const survived = outcomes[1]?.status === 'fulfilled' ? 1 : 0;
    assert.equal((await written()).length, before + survived);
    await write();
    assert.equal((await written()).length, before + survived + 1);
  });

  test('while the server is away requests are told so at once; when it is back all goes on', async () => {
    const back = new Promise<void>((resolve) => store.onCommit(() => resolve()));
    await server.fail();
    await assert.rejects(write(), { status: 503, type: 'ServiceUnavailable' });
    await assert.rejects(written(), { status: 503 });
    await assert.rejects(
      PostgresqlStore.open(server.url(), async () => new Map()),
      /cannot be used/,
    );
    await server.resume();
    // The listening connection says that it is back, for what may have been missed.
    await back;
    await write();
    assert.ok((await written()).length > 0);
  });

  test('a controller that stops in the middle of a transaction keeps others for a bounded time', async () => {
    const { rows } = await (async () => {
      const client = new pg.Client({ connectionString: server.url() });
      await client.connect();
      return client
        .query("select datname from pg_database where datname like 'test_%' limit 1")
        .finally(() => client.end());
    })();
    const url = `${server.url(rows[0].datname)}&lock_timeout=200&idle_in_transaction_session_timeout=1000`;
    const [stuck, waiting] = [
      await PostgresqlStore.open(url, async () => new Map()),
      await PostgresqlStore.open(url, async () => new Map()),
    ];
    const hold = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const held = stuck.write(async (tx) => {
      await tx.db.insertInto('settings').values({ name: 'held', value: '' }).execute();
      entered.resolve();
      await hold.promise;
      await tx.db.insertInto('settings').values({ name: 'held 2', value: '' }).execute();
    });
    await entered.promise;
    await assert.rejects(write(waiting), { status: 503 });
    let error: unknown = 'none yet';
    while (error !== undefined)
      error = await write(waiting).then(
        () => undefined,
        (reason) => reason,
      );
    hold.resolve();
    await assert.rejects(held, { status: 503 });
    await stuck.close();
    await waiting.close();
  });

  test('text that the database cannot keep is the request’s mistake', async () => {
    await assert.rejects(
      store.write((tx) => tx.db.insertInto('settings').values({ name: 'a\0b', value: '' }).execute()),
      { status: 400, type: 'InvalidInput' },
    );
  });
});
