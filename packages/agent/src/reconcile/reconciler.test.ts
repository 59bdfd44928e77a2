import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pino } from 'pino';
import type { Item } from '../layout/item.ts';
import { address, iptablesRule, nftElement, sysctl } from '../layout/make-item.ts';
import type { Scope } from '../layout/scopes.ts';
import type { Applier } from './applier.ts';
import type { Operation } from './operation.ts';
import { Reconciler } from './reconciler.ts';
import type { Failures } from './round.ts';

const log = pino({ level: 'silent' });

/** A kernel of keys and values. It refuses what the real one refuses, and keys that the test names. */
class FakeKernel {
  readonly items = new Map<string, Item>();
  readonly refused = new Map<string, string>();
  rounds = 0;

  apply(operations: readonly Operation[]): Promise<Failures> {
    this.rounds++;
    const failures: Failures = new Map();
    for (const { action, item } of operations) {
      const reason =
        this.refused.get(item.key) ??
        (action === 'add' && this.items.has(item.key) ? 'File exists' : undefined) ??
        (action !== 'add' && !this.items.has(item.key) ? 'No such file or directory' : undefined);
      if (reason !== undefined) failures.set(item.key, reason);
      else if (action === 'remove') this.items.delete(item.key);
      else this.items.set(item.key, item);
    }
    return Promise.resolve(failures);
  }
}

function setUp() {
  const kernel = new FakeKernel();
  const clock = { now: 0 };
  const reconciler = new Reconciler(kernel as unknown as Applier, log, () => clock.now);
  return { kernel, clock, reconciler };
}

const A: Scope = 'router:a';
const B: Scope = 'router:b';
const element = (key: string, data: string) => nftElement('ns', 'ip', 'forwardings', key, data);

test('a round does what differs, and the next one nothing', async () => {
  const { kernel, reconciler } = setUp();
  reconciler.want(A, [element('1', 'x'), element('2', 'x')]);
  assert.deepEqual(
    (await reconciler.round()).operations.map(({ action }) => action),
    ['add', 'add'],
  );
  reconciler.want(A, [element('1', 'y')]);
  assert.deepEqual((await reconciler.round()).operations.map(({ action }) => action).sort(), ['change', 'remove']);
  reconciler.want(A, [element('1', 'y')]);
  assert.equal((await reconciler.round()).operations.length, 0);
  assert.equal(kernel.rounds, 2);
  assert.ok(reconciler.isSettled);
});

test('what two scopes want stays until neither does', async () => {
  const { kernel, reconciler } = setUp();
  reconciler.want(A, [element('1', 'x')]);
  reconciler.want(B, [element('1', 'x')]);
  await reconciler.round();
  reconciler.want(A, []);
  await reconciler.round();
  assert.equal(kernel.items.size, 1);
  reconciler.want(B, []);
  await reconciler.round();
  assert.equal(kernel.items.size, 0);
});

test('a failed scope pauses, twice as long each time, and others go on', async () => {
  const { kernel, clock, reconciler } = setUp();
  const broken = element('1', 'x');
  kernel.refused.set(broken.key, 'no luck');
  reconciler.want(A, [broken]);
  reconciler.want(B, [element('2', 'x')]);
  const first = await reconciler.round();
  assert.deepEqual([...first.doubtful], ['ns']);
  assert.deepEqual(
    first.operations.map(({ scope }) => scope),
    [B],
    'only what was carried out is followed up',
  );
  assert.deepEqual([...first.turned], [A]);
  assert.equal(reconciler.failureOf(A), 'no luck');
  assert.ok(reconciler.isApplied(B));
  assert.equal(reconciler.nextRetry(), 200);
  assert.equal((await reconciler.round()).operations.length, 0, 'it pauses');
  clock.now = 200;
  await reconciler.round();
  assert.equal(reconciler.nextRetry(), 400);
  kernel.refused.clear();
  clock.now = 600;
  assert.deepEqual([...(await reconciler.round()).turned], [A]);
  assert.equal(reconciler.failureOf(A), undefined);
  assert.ok(reconciler.isSettled);
});

test('leftovers of an agent before this one go, and what is right stays', async () => {
  const { kernel, reconciler } = setUp();
  const right = element('1', 'x');
  const leftover = address('ns', 'qg-x', '10.0.0.1/32');
  for (const item of [right, leftover]) kernel.items.set(item.key, item);
  reconciler.want(A, [right]);
  assert.equal(reconciler.adopt([right, leftover]), 0, 'nothing of it is drift');
  assert.deepEqual(
    (await reconciler.round()).operations.map(({ item }) => item),
    [leftover],
  );
});

test('of namespaces that were not read, what was known counts on', async () => {
  const { kernel, reconciler } = setUp();
  const [here, there] = [element('1', 'x'), address('snat-1', 'qg-x', '10.0.0.1/32')];
  reconciler.want(A, [here, there]);
  await reconciler.round();
  kernel.items.delete(here.key);
  assert.equal(
    reconciler.adopt([], (namespace) => namespace === 'ns'),
    1,
  );
  const { operations } = await reconciler.round();
  assert.deepEqual(
    operations.map(({ item }) => item),
    [here],
  );
});

test('whose namespace cannot be read has the reason, until it can', () => {
  const { reconciler } = setUp();
  const router = 'router:1';
  assert.deepEqual([...reconciler.doubt(new Map([['snat-1', 'no luck']]), () => false)], [router]);
  assert.equal(reconciler.failureOf(router), 'snat-1 cannot be read: no luck');
  assert.equal(reconciler.failureOf('router:2'), undefined);
  assert.deepEqual([...reconciler.doubt(new Map([['snat-1', 'no luck']]), () => false)], [], 'no news');
  assert.deepEqual([...reconciler.doubt(new Map(), (namespace) => namespace !== 'snat-1')], [], 'nobody has looked');
  assert.deepEqual([...reconciler.doubt(new Map(), () => true)], [router]);
  assert.equal(reconciler.failureOf(router), undefined);
});

test('drift is counted once and mended', async () => {
  const { kernel, reconciler } = setUp();
  const forwards = sysctl('ns', 'net/ipv4/ip_forward', 1);
  reconciler.want(A, [forwards, element('1', 'x'), element('2', 'x')]);
  await reconciler.round();
  kernel.items.set(forwards.key, sysctl('ns', 'net/ipv4/ip_forward', 0));
  kernel.items.delete(element('1', 'x').key);
  const foreign = iptablesRule('ns', 'nat', 'neutron-l3-agent-snat', '-j ACCEPT');
  kernel.items.set(foreign.key, foreign);
  assert.equal(reconciler.adopt([...kernel.items.values()]), 3);
  assert.equal(reconciler.drift, 3);
  assert.equal(
    Object.values(reconciler.driftByKind).reduce((sum, count) => sum + count, 0),
    3,
    JSON.stringify(reconciler.driftByKind),
  );
  await reconciler.round();
  assert.equal(reconciler.adopt([...kernel.items.values()]), 0);
  assert.deepEqual(
    [...kernel.items.keys()].sort(),
    [forwards.key, element('1', 'x').key, element('2', 'x').key].sort(),
  );
});

test('whatever is wanted, refused and broken: the kernel ends as it should', async () => {
  const key = fc.integer({ min: 0, max: 5 }).map(String);
  const anItem = fc.tuple(key, fc.constantFrom('x', 'y')).map(([name, data]) => element(name, data));
  const step = fc.oneof(
    fc.record({ want: fc.constantFrom(A, B), items: fc.uniqueArray(anItem, { selector: ({ key: name }) => name }) }),
    fc.record({ refuse: anItem }),
    fc.record({ breakKey: anItem }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { kernel, clock, reconciler } = setUp();
      for (const action of steps) {
        if ('want' in action) {
          // Two scopes that want one key want the same of it.
          reconciler.want(
            action.want,
            action.items.map((item) => element(`${action.want}${item.element}`, item.data ?? '')),
          );
        } else if ('refuse' in action) kernel.refused.set(`${action.refuse.key}`, 'no');
        else kernel.items.delete(action.breakKey.key);
        await reconciler.round();
        clock.now += 50;
      }
      kernel.refused.clear();
      for (let i = 0; i < 3; i++) {
        clock.now += 100_000;
        reconciler.adopt([...kernel.items.values()]);
        await reconciler.round();
      }
      assert.ok(reconciler.isSettled);
      const byKey = (items: Iterable<Item>) => [...items].sort((a, b) => (a.key < b.key ? -1 : 1));
      assert.deepEqual(byKey(kernel.items.values()), byKey(reconciler.desired.values()));
    }),
    { numRuns: 100 },
  );
});
