import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AGENT_TOKEN, ServerFixture } from '../http/server-fixture.ts';

let fixture: ServerFixture;
before(async () => {
  fixture = await ServerFixture.open();
  tokens.admin = await fixture.cloud.adminToken();
  tokens.demo = (await fixture.cloud.member('demo')).token;
});
after(() => fixture.close());

const tokens = { admin: '', demo: '' };

const progress = async (who: 'admin' | 'demo', wait: number | string = 0) =>
  fixture.request('GET', `/portward/v1/progress?wait=${wait}`, { token: tokens[who] });

const report = (host: string, position: number) =>
  fixture.request('POST', `/portward/v1/agents/${host}/report`, {
    headers: { authorization: `Bearer ${AGENT_TOKEN}` },
    body: {
      started_at: new Date().toISOString(),
      applied_seq: position,
      configurations: { nat_backend: 'nftables', bridge_mappings: {}, machines: false },
      statuses: [],
    },
  });

const makeNetwork = async () =>
  fixture.request('POST', '/networking/v2.0/networks', { token: tokens.admin, body: { network: {} } });

test('hosts are waited for until they have carried out all that was committed', async () => {
  await makeNetwork();
  // Nobody will carry it out soon: the answer does not wait.
  const alone = (await progress('admin', 60)).body;
  assert.deepEqual({ ...alone, position: 0 }, { position: 0, settled: false, live_hosts: 0, behind: 0, hosts: [] });
  assert.ok(alone.position > 0);

  // That a host enters itself is a change too: networks and routers may come to it.
  await report('one', 0);
  await report('two', 0);
  const { position } = (await progress('admin')).body;
  await report('one', position);
  await report('two', position - 1);
  const { body: behind } = await progress('admin');
  assert.deepEqual(behind, {
    position,
    settled: false,
    live_hosts: 2,
    behind: 1,
    hosts: [
      { host: 'one', alive: true, position },
      { host: 'two', alive: true, position: position - 1 },
    ],
  });
  const started = performance.now();
  const { body: timedOut } = await progress('admin', 1);
  assert.equal(timedOut.settled, false);
  assert.ok(performance.now() - started >= 1000);

  const waiting = progress('demo', 60);
  await report('two', position);
  const { body: settled } = await waiting;
  assert.ok(performance.now() - started < 20_000, 'a report ends the wait');
  // A tenant is not told which hosts there are.
  assert.deepEqual(settled, { position, settled: true, live_hosts: 2, behind: 0 });

  // What was committed after the request is not waited for, what was before is.
  await makeNetwork();
  assert.equal((await progress('demo')).body.settled, false);
});

test('the wait is a number of seconds, and needs a token', async () => {
  for (const wrong of ['61', '-1', '1.5', 'long', '', '5&wait=6']) {
    const answer = await progress('demo', wrong);
    assert.equal(answer.status, 400, wrong);
    assert.match(answer.body.NeutronError.message, /^Invalid input for wait\. Reason: /);
  }
  assert.equal((await fixture.request('GET', '/portward/v1/progress')).status, 401);
});
