import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { StatusReport } from '@portward/model/feed.ts';
import { AGENT_TOKEN, ServerFixture } from '../http/server-fixture.ts';
import { statementsOf } from '../store/statement-count.ts';
import { AGENT_DOWN_SECONDS, agentTime } from './scheduling.ts';

const V2 = '/networking/v2.0';
const HOST = 'host-1';

let fixture: ServerFixture;
let admin: string;
/** Ids of what the tests speak of. */
let ids: { port: string; router: string; floatingIp: string; tcp: string; icmp: string };

before(async () => {
  fixture = await ServerFixture.open();
  admin = await fixture.cloud.adminToken();
  await report([]);
  const external = await make('networks', 'network', {
    'router:external': true,
    'provider:network_type': 'flat',
    'provider:physical_network': 'public',
  });
  await make('subnets', 'subnet', { network_id: external.id, ip_version: 4, cidr: '10.11.7.0/24', enable_dhcp: false });
  const network = await make('networks', 'network', {});
  const subnet = await make('subnets', 'subnet', { network_id: network.id, ip_version: 4, cidr: '192.168.2.0/24' });
  const router = await make('routers', 'router', { external_gateway_info: { network_id: external.id } });
  await send('PUT', `${V2}/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  const port = await make('ports', 'port', { network_id: network.id });
  const floatingIp = await make('floatingips', 'floatingip', { floating_network_id: external.id });
  const forward = (protocol: string, number: number) =>
    make(`floatingips/${floatingIp.id}/port_forwardings`, 'port_forwarding', {
      protocol,
      external_port: number,
      internal_port: number,
      internal_port_id: port.id,
      internal_ip_address: port.fixed_ips[0].ip_address,
    });
  ids = {
    port: port.id,
    router: router.id,
    floatingIp: floatingIp.id,
    tcp: (await forward('tcp', 2222)).id,
    icmp: (await forward('icmp', 2223)).id,
  };
});
after(() => fixture.close());

async function send(method: string, url: string, body?: unknown) {
  const answer = await fixture.request(method, url, { token: admin, body });
  assert.ok(answer.status < 300, `${method} ${url}: ${answer.status} ${answer.text}`);
  return answer.body;
}

const make = async (path: string, name: string, values: object) =>
  (await send('POST', `${V2}/${path}`, { [name]: values }))[name];

async function report(statuses: readonly StatusReport[], more = {}): Promise<void> {
  const { status, text } = await fixture.request('POST', `/portward/v1/agents/${HOST}/report`, {
    headers: { authorization: `Bearer ${AGENT_TOKEN}` },
    body: {
      started_at: new Date().toISOString(),
      applied_seq: 0,
      configurations: { nat_backend: 'nftables', bridge_mappings: {}, machines: false, ...more },
      statuses,
    },
  });
  assert.equal(status, 204, text);
}

/** Path below `/portward/v1` of each object, and the one in Neutron's API that shows a status. */
const objects = () =>
  [
    ['port', ids.port, `ports/${ids.port}`],
    ['router', ids.router, `routers/${ids.router}`],
    ['floatingip', ids.floatingIp, `floatingips/${ids.floatingIp}`],
    ['port_forwarding', ids.tcp, `floatingips/${ids.floatingIp}/port_forwardings/${ids.tcp}`],
  ] as const;

test('each object is shown with what its host said last, and Neutron’s bodies with their own status', async () => {
  for (const [kind, id, path] of objects()) {
    const before = await send('GET', `/portward/v1/${path}/status`);
    const { revision_number } = before;
    assert.deepEqual(before, {
      status: 'DOWN',
      reason: 'No host has reported on it yet.',
      host: null,
      host_alive: null,
      revision_number,
      applied_revision: null,
      updated_at: null,
    });
    for (const [status, reason] of [['ERROR', 'no room'], ['DOWN', 'switched off'], ['ACTIVE']] as const) {
      await report([{ kind, id, revision_number, status, ...(reason !== undefined && { reason }) }]);
      const { updated_at: at, ...shown } = await send('GET', `/portward/v1/${path}/status`);
      assert.ok(typeof at === 'string');
      assert.deepEqual(shown, {
        status,
        reason: reason ?? null,
        host: HOST,
        host_alive: true,
        revision_number,
        applied_revision: revision_number,
      });
      const body = (await send('GET', `${V2}/${path}`))[kind];
      // Neutron's forwardings have neither status nor revision.
      if (kind === 'port_forwarding') assert.equal('status' in body, false);
      else assert.deepEqual([body.status, body.revision_number], [status, revision_number], kind);
    }
  }
});

test('what was changed since is told by the revisions', async () => {
  const path = `routers/${ids.router}`;
  const { revision_number: applied } = await send('GET', `/portward/v1/${path}/status`);
  await report([{ kind: 'router', id: ids.router, revision_number: applied, status: 'ACTIVE' }]);
  await send('PUT', `${V2}/${path}`, { router: { name: 'changed' } });
  const shown = await send('GET', `/portward/v1/${path}/status`);
  assert.equal(shown.applied_revision, applied);
  assert.ok(shown.revision_number > applied);
});

test('of a host that is away it is said that it is, beside its last word', async () => {
  const path = `/portward/v1/floatingips/${ids.floatingIp}/port_forwardings/${ids.icmp}/status`;
  const reason = 'icmp is not translatable: it has no ports';
  await report([{ kind: 'port_forwarding', id: ids.icmp, revision_number: 0, status: 'ERROR', reason }]);
  const long = agentTime(new Date(Date.now() - (AGENT_DOWN_SECONDS + 1) * 1000));
  await fixture.cloud.store.write(async ({ db }) => {
    await db.updateTable('agents').set({ heartbeat_timestamp: long }).where('host', '=', HOST).execute();
  });
  const away = await send('GET', path);
  assert.deepEqual([away.status, away.reason, away.host_alive], ['ERROR', reason, false]);
  await report([]);
  assert.equal((await send('GET', path)).host_alive, true);
});

test('a report takes as many statements for many objects as for one, and passes over what is gone', async () => {
  const word = (id: string): StatusReport => ({ kind: 'port', id, revision_number: 1, status: 'ACTIVE' });
  const gone = Array.from({ length: 900 }, (_, index) => word(`gone-${index}`));
  const one = await statementsOf(() => report([word(ids.port)]));
  const many = await statementsOf(() =>
    report([{ ...word(ids.port), status: 'ERROR' }, ...gone, { ...word(ids.port), reason: 'the last word' }]),
  );
  assert.equal(many.length, one.length);
  const { status, reason } = await send('GET', `/portward/v1/ports/${ids.port}/status`);
  assert.deepEqual([status, reason], ['ACTIVE', 'the last word']);
  await fixture.cloud.store.read(async (db) => {
    assert.deepEqual(await db.selectFrom('applied').selectAll().where('resource_id', 'like', 'gone-%').execute(), []);
  });
});

test('what an agent found changed by others is shown, by kind', async () => {
  await report([], { drift: 3, drift_by_kind: { address: 2, service: 1 } });
  const { body } = await fixture.request('GET', `/portward/v1/agents/${HOST}`, {
    headers: { authorization: `Bearer ${AGENT_TOKEN}` },
  });
  assert.deepEqual([body.agent.drift, body.agent.drift_by_kind], [3, { address: 2, service: 1 }]);
});
