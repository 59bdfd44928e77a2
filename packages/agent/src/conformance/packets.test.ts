import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { uuid } from '../testing/cloud.ts';
import { EXPECTATIONS, type Expectation } from './expectations.ts';
import { C, COMBINATIONS, type Combination, UNTRANSLATABLE, withPacketCloud } from './packet-cloud.ts';
import type { Prober } from './prober.ts';

/** Attempts under way at once: more would only wait for each other. */
const AT_ONCE = 12;

test('packets meet what is expected', { concurrency: 2 }, async (t) => {
  await Promise.all(
    COMBINATIONS.map((combination) =>
      t.test(`${combination.natBackend}, ${combination.router} routers`, (own) => meetAll(own, combination)),
    ),
  );
});

async function meetAll(t: TestContext, combination: Combination): Promise<void> {
  const { router } = combination;
  await withPacketCloud(combination, async ({ agent, prober }) => {
    const expected = EXPECTATIONS.filter((expectation) => !isExcepted(expectation, combination));
    const outcomes = await outcomesOf(prober, expected);
    const differing = expected.flatMap((expectation, index) => {
      const { that, from, by, to, outcome } = expectation;
      const wanted = typeof outcome === 'string' ? outcome : outcome[router];
      const got = outcomes[index];
      return got === wanted ? [] : [`${that}: ${from} to ${to} by ${by}: '${got}' instead of '${wanted}'`];
    });
    assert.deepEqual(differing, []);
    t.diagnostic(`${expected.length} of ${EXPECTATIONS.length} expectations`);
    for (const expectation of EXPECTATIONS) {
      if (!expected.includes(expectation)) t.diagnostic(`not held: ${expectation.that}: ${expectation.except?.reason}`);
    }

    // Both connections are, where they meet their VM, from one port of the client to 192.168.2.79:22.
    const from = { source: '10.11.7.100', sourcePort: 45_001 };
    for (const to of ['10.11.7.4', '10.11.7.24']) {
      assert.equal(await prober.open(to, 'client', 'tcp', to, 2222, from), '192.168.2.79:22 sees 10.11.7.100');
    }
    for (const [to, text] of Object.entries({ '10.11.7.4': 'first', '10.11.7.24': 'second' })) {
      assert.equal(await prober.say(to, text), `192.168.2.79:22 sees 10.11.7.100 ${text}`, 'tenants are told apart');
    }

    for (const [protocol, number] of Object.entries(UNTRANSLATABLE)) {
      const status = agent.status('port_forwarding', uuid(number));
      assert.equal(status?.status, 'ERROR', protocol);
      assert.match(status?.reason ?? '', new RegExp(`^${protocol} is not translatable`));
    }
    assert.equal(agent.status('floatingip', uuid(C.f1))?.status, 'ACTIVE');
    for (const number of [C.router1, C.router2, C.router3]) {
      assert.equal(agent.status('router', uuid(number))?.status, 'ACTIVE');
    }
  });
}

const isExcepted = ({ except }: Expectation, combination: Combination): boolean =>
  except !== undefined &&
  (except.where.natBackend ?? combination.natBackend) === combination.natBackend &&
  (except.where.router ?? combination.router) === combination.router;

async function outcomesOf(prober: Prober, expected: readonly Expectation[]): Promise<string[]> {
  const outcomes: string[] = [];
  const indices = expected.keys();
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (const index of indices) {
      const { from, by, to, that, outcome, except, ...attempt } = expected[index] as Expectation;
      const [address = '', port] = to.split(':');
      outcomes[index] = await prober.attempt(
        from,
        by,
        address,
        port === undefined ? attempt : { port: Number(port), ...attempt },
      );
    }
  });
  await Promise.all(workers);
  return outcomes;
}
