import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseConfig } from '@portward/model/config.ts';
import { type Answer, aliceCloud, TestApi } from '../http/test-api.ts';
import { enterReport } from './agent-report.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;
/** Agents by host and type: `a l3`, `b dhcp`, … */
const agents: Record<string, string> = {};

const report = (host: string) =>
  enterReport(api.store, host, {
    started_at: '2026-11-25T00:00:00Z',
    applied_seq: 0,
    configurations: { nat_backend: 'nftables', bridge_mappings: {}, machines: false },
    statuses: [],
  });

before(async () => {
  api = await TestApi.start();
  await report('a');
  cloud = await aliceCloud(api);
  await report('b');
  for (const { id, host, agent_type: type } of await api.expect('admin', 'GET', '/agents')) {
    agents[`${host} ${type.split(' ')[0].toLowerCase()}`] = id;
  }
});
after(() => api.stop());

const asError = ({ status, body }: Answer) => [status, body.NeutronError.type, body.NeutronError.message];
const ids = async (path: string) => (await api.expect('admin', 'GET', path)).map((item: { id: string }) => item.id);

/** What the feed was told since `work` began, as `kind id`. */
async function told(work: () => Promise<unknown>): Promise<string[]> {
  const last = () =>
    api.store.read((db) => db.selectFrom('changes').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst());
  const since = (await last())?.seq ?? 0;
  await work();
  const rows = await api.store.read((db) =>
    db.selectFrom('changes').select(['kind', 'id']).where('seq', '>', since).orderBy('seq').execute(),
  );
  return rows.map(({ kind, id }) => `${kind} ${id}`);
}

/** The two kinds of tasks: path below agents, path of the agents, what is given, key of the body. */
const KINDS = [
  ['l3', 'l3-routers', 'l3-agents', 'routers', 'router', 'l3-router', 'router_id'],
  ['dhcp', 'dhcp-networks', 'dhcp-agents', 'networks', 'network', 'dhcp-network', 'network_id'],
] as const;

for (const [kind, path, agentsPath, collection, name, rule, key] of KINDS) {
  const object = () => cloud[name].id as string;
  const below = (host: string) => `/agents/${agents[`${host} ${kind}`]}/${path}`;
  const post = (host: string, id = object()) => api.send('admin', 'POST', below(host), { [key]: id });

  test(`${path}: only admins look and change`, async () => {
    for (const [method, url, refused] of [
      ['GET', below('a'), `get_${path}`],
      ['GET', `/${collection}/${object()}/${agentsPath}`, `get_${agentsPath}`],
      ['POST', below('a'), `create_${rule}`],
      ['DELETE', `${below('a')}/${object()}`, `delete_${rule}`],
    ] as const) {
      const body = method === 'POST' ? { [key]: object() } : undefined;
      const answer = await api.send('alice', method, url, body);
      assert.deepEqual(asError(answer), [403, 'PolicyNotAuthorized', `rule:${refused} is disallowed by policy`]);
    }
  });

  test(`${path}: what is not there is 404, and what makes no sense 400`, async () => {
    const missing = (what: string, type: string) => [
      404,
      type,
      `${what} nope could not be found${what === 'Router' ? '' : '.'}`,
    ];
    const objectMissing =
      name === 'router' ? missing('Router', 'RouterNotFound') : missing('Network', 'NetworkNotFound');
    const get = (url: string) => api.send('admin', 'GET', url);
    assert.deepEqual(asError(await get(`/agents/nope/${path}`)), missing('Agent', 'AgentNotFound'));
    assert.deepEqual(asError(await get(`/${collection}/nope/${agentsPath}`)), objectMissing);
    assert.deepEqual(asError(await post('a', 'nope')), objectMissing);
    const noAgent = await api.send('admin', 'POST', `/agents/nope/${path}`, { [key]: object() });
    assert.deepEqual(asError(noAgent), missing('Agent', 'AgentNotFound'));
    const gone = await api.send('admin', 'DELETE', `/agents/nope/${path}/${object()}`);
    assert.deepEqual(asError(gone), missing('Agent', 'AgentNotFound'));
    for (const [body, message] of [
      [{}, 'Resource body required'],
      [{ [key]: 7 }, `Invalid input for ${key}. Reason: '7' is not a valid string.`],
      [{ [key]: object(), more: 1 }, "Unrecognized attribute(s) 'more'"],
      [{ more: 1 }, "Unrecognized attribute(s) 'more'"],
    ] as const) {
      assert.deepEqual(asError(await api.send('admin', 'POST', below('a'), body)), [400, 'HTTPBadRequest', message]);
    }
  });

  test(`${path}: shown from both sides, filtered like any list`, async () => {
    assert.ok((await ids(below('a'))).includes(object()));
    assert.deepEqual(await ids(below('b')), []);
    const wrongKind = agents[`a ${kind === 'l3' ? 'dhcp' : 'l3'}`];
    assert.deepEqual(await ids(`/agents/${wrongKind}/${path}`), [], 'an agent of another type has none');
    assert.deepEqual(await ids(`${below('a')}?name=nothing`), []);
    assert.ok((await ids(`${below('a')}?search_opts=None`)).includes(object()), 'what means nothing is left alone');
    assert.deepEqual(await api.expect('admin', 'GET', `${below('a')}?id=${object()}&fields=id`), [{ id: object() }]);
    const [agent] = await api.expect('admin', 'GET', `/${collection}/${object()}/${agentsPath}`);
    assert.deepEqual([agent.id, agent.host, agent.alive], [agents[`a ${kind}`], 'a', true]);
    assert.equal(agent.ha_state, kind === 'l3' ? null : undefined);
    assert.deepEqual(await api.expect('admin', 'GET', `/${collection}/${object()}/${agentsPath}?fields=host`), [
      { host: 'a' },
    ]);
  });

  test(`${path}: nobody takes from another; it is removed, then given, and the feed hears of both`, async () => {
    const [hosted, notHosted] =
      kind === 'l3'
        ? [
            [
              'RouterHostedByL3Agent',
              `The router ${object()} has been already hosted by the L3 Agent ${agents['a l3']}.`,
            ],
            ['RouterNotHostedByL3Agent', `The router ${object()} is not hosted by L3 agent ${agents['b l3']}.`],
          ]
        : [
            [
              'NetworkHostedByDHCPAgent',
              `The network ${object()} has been already hosted by the DHCP Agent ${agents['a dhcp']}.`,
            ],
            [
              'NetworkNotHostedByDhcpAgent',
              `The network ${object()} is not hosted by the DHCP agent ${agents['b dhcp']}.`,
            ],
          ];
    assert.deepEqual(asError(await post('b')), [409, ...hosted]);
    assert.deepEqual(asError(await api.send('admin', 'DELETE', `${below('b')}/${object()}`)), [409, ...notHosted]);
    if (kind === 'l3') assert.equal((await post('a')).status, 201, 'a router that the agent has: no change');
    else assert.deepEqual(asError(await post('a')), [409, ...hosted]);

    const removal = await told(async () => {
      assert.equal((await api.send('admin', 'DELETE', `${below('a')}/${object()}`)).status, 204);
    });
    assert.ok(removal.includes(`${name} ${object()}`));
    assert.deepEqual(await ids(`/${collection}/${object()}/${agentsPath}`), []);
    assert.deepEqual((await api.expect('admin', 'GET', `/${collection}/${object()}`)).availability_zones, []);
    assert.equal((await api.send('admin', 'DELETE', `${below('a')}/${object()}`)).status, 409);

    await api.expect('admin', 'PUT', `/agents/${agents[`b ${kind}`]}`, { agent: { admin_state_up: false } });
    const unfit =
      kind === 'l3'
        ? ['InvalidL3Agent', `Agent ${agents['b l3']} is not a L3 Agent or has been disabled`]
        : ['InvalidDHCPAgent', `Agent ${agents['b dhcp']} is not a valid DHCP Agent or has been disabled`];
    assert.deepEqual(asError(await post('b')), [404, ...unfit]);
    await api.expect('admin', 'PUT', `/agents/${agents[`b ${kind}`]}`, { agent: { admin_state_up: true } });
    const stranger = agents['b linux'] as string;
    const answer = await api.send('admin', 'POST', `/agents/${stranger}/${path}`, { [key]: object() });
    assert.deepEqual(asError(answer).slice(0, 2), [404, unfit[0]]);

    const addition = await told(async () => {
      const given = await post('b');
      assert.deepEqual([given.status, given.body], [201, null]);
    });
    assert.ok(addition.includes(`${name} ${object()}`));
    assert.deepEqual(await ids(`/${collection}/${object()}/${agentsPath}`), [agents[`b ${kind}`]]);
  });

  test(`${path}: of many agents given the same at once one has it`, async () => {
    const { id } = await api.create('admin', `/${collection}`, name, {});
    const [first] = await api.expect('admin', 'GET', `/${collection}/${id}/${agentsPath}`);
    await api.send('admin', 'DELETE', `/agents/${first.id}/${path}/${id}`);
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => post(index % 2 === 0 ? 'a' : 'b', id)));
    const winners = new Set(answers.flatMap(({ status }, index) => (status === 201 ? [index % 2] : [])));
    assert.equal(winners.size, 1);
    assert.equal((await ids(`/${collection}/${id}/${agentsPath}`)).length, 1);
    await api.expect('admin', 'DELETE', `/${collection}/${id}`);
  });
}

test('a DHCP port keeps its address while its network goes from host to host', async () => {
  const network = await api.create('alice', '/networks', 'network', {});
  await api.create('alice', '/subnets', 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.3.0.0/24' });
  const port = async () => (await api.expect('admin', 'GET', `/ports?network_id=${network.id}`))[0];
  const made = await port();
  const host = made['binding:host_id'];
  const other = host === 'a' ? 'b' : 'a';
  await api.send('admin', 'DELETE', `/agents/${agents[`${host} dhcp`]}/dhcp-networks/${network.id}`);
  const reserved = await port();
  assert.deepEqual([reserved.device_id, reserved['binding:host_id']], ['reserved_dhcp_port', '']);
  const moved = await told(() =>
    api.send('admin', 'POST', `/agents/${agents[`${other} dhcp`]}/dhcp-networks`, { network_id: network.id }),
  );
  const now = await port();
  assert.deepEqual([now.id, now.fixed_ips, now['binding:host_id']], [made.id, made.fixed_ips, other]);
  assert.match(now.device_id, /^dhcp[0-9a-f-]{36}-/);
  assert.notEqual(now.device_id, made.device_id);
  assert.ok(moved.includes(`port ${made.id}`));
  await api.expect('alice', 'DELETE', `/networks/${network.id}`);
});

test('a router that nobody carries has floating IPs that are down, and no word of a host', async () => {
  const [{ id: agent, host }] = await api.expect('admin', 'GET', `/routers/${cloud.router.id}/l3-agents`);
  const floatingIp = await api.create('alice', '/floatingips', 'floatingip', {
    floating_network_id: cloud.external.id,
    port_id: cloud.vm1.id,
  });
  await enterReport(api.store, host, {
    started_at: '2026-11-25T00:00:00Z',
    applied_seq: 0,
    configurations: { nat_backend: 'nftables', bridge_mappings: {}, machines: false },
    statuses: [
      { kind: 'floatingip', id: floatingIp.id, revision_number: 1, status: 'ACTIVE' },
      { kind: 'router', id: cloud.router.id, revision_number: 1, status: 'ACTIVE' },
    ],
  });
  const status = async () => (await api.expect('alice', 'GET', `/floatingips/${floatingIp.id}`)).status;
  assert.equal(await status(), 'ACTIVE');
  await api.send('admin', 'DELETE', `/agents/${agent}/l3-routers/${cloud.router.id}`);
  assert.equal(await status(), 'DOWN');
  const words = await api.store.read((db) =>
    db.selectFrom('applied').select('resource_id').where('kind', 'in', ['router', 'floatingip']).execute(),
  );
  assert.deepEqual(words, []);
  await api.send('admin', 'POST', `/agents/${agent}/l3-routers`, { router_id: cloud.router.id });
  await api.expect('alice', 'DELETE', `/floatingips/${floatingIp.id}`);
});

test('a port for DHCP counts, and is made where the quota leaves no room', async () => {
  const limited = await TestApi.start({ quotas: { ...parseConfig({}).networking.quotas, port: 0 } });
  try {
    await enterReport(limited.store, 'a', {
      started_at: '2026-11-25T00:00:00Z',
      applied_seq: 0,
      configurations: { nat_backend: 'nftables', bridge_mappings: {}, machines: false },
      statuses: [],
    });
    const network = await limited.create('alice', '/networks', 'network', {});
    await limited.create('alice', '/subnets', 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.3.0.0/24' });
    const { port } = await limited.expect('alice', 'GET', '/quotas/p-alice/details');
    assert.deepEqual(port, { limit: 0, used: 1, reserved: 0 });
  } finally {
    await limited.stop();
  }
});

test('agents: filters, and nothing for who is no admin', async () => {
  const hosts = async (query: string) => (await ids(`/agents?${query}`)).length;
  assert.deepEqual(
    [
      await hosts('agent_type=L3 agent'),
      await hosts('host=a'),
      await hosts('host=a&agent_type=DHCP agent&alive=True'),
      await hosts('alive=false'),
      await hosts('binary=ovn-controller'),
      await hosts('topic=l3_agent&availability_zone=nova&admin_state_up=True&description='),
    ],
    [2, 3, 1, 0, 0, 2],
  );
  const answer = await api.send('admin', 'GET', '/agents?alive=perhaps');
  assert.deepEqual(asError(answer), [
    400,
    'InvalidInput',
    "Invalid input for operation: 'perhaps' cannot be converted to boolean.",
  ]);
  assert.deepEqual((await api.send('alice', 'GET', '/agents')).body, { agents: [] });
  for (const method of ['GET', 'DELETE']) {
    const id = agents['a l3'] as string;
    const hidden = await api.send('alice', method, `/agents/${id}`);
    assert.deepEqual(asError(hidden), [404, 'AgentNotFound', `Agent ${id} could not be found.`]);
  }
  const [agent] = await api.expect('admin', 'GET', '/agents?agent_type=L3 agent&host=a');
  assert.deepEqual(Object.keys(agent).sort(), [
    ...['admin_state_up', 'agent_type', 'alive', 'availability_zone', 'binary', 'configurations', 'created_at'],
    ...['description', 'heartbeat_timestamp', 'host', 'id', 'resource_versions', 'resources_synced', 'started_at'],
    'topic',
  ]);
});

test('what a deleted agent carried goes to another one', async () => {
  const other = await TestApi.start();
  try {
    const enter = (host: string) =>
      enterReport(other.store, host, {
        started_at: '2026-11-25T00:00:00Z',
        applied_seq: 0,
        configurations: { nat_backend: 'nftables', bridge_mappings: {}, machines: false },
        statuses: [],
      });
    await enter('a');
    const { router, network } = await aliceCloud(other);
    await enter('b');
    for (const { id, host } of await other.expect('admin', 'GET', '/agents'))
      if (host === 'a') await other.expect('admin', 'DELETE', `/agents/${id}`);
    const hostOf = async (path: string) => (await other.expect('admin', 'GET', path))[0]?.host;
    assert.equal(await hostOf(`/routers/${router.id}/l3-agents`), 'b');
    assert.equal(await hostOf(`/networks/${network.id}/dhcp-agents`), 'b');
    for (const { id } of await other.expect('admin', 'GET', '/agents'))
      await other.expect('admin', 'DELETE', `/agents/${id}`);
    assert.equal(await hostOf(`/routers/${router.id}/l3-agents`), undefined);
    await enter('a');
    assert.equal(await hostOf(`/routers/${router.id}/l3-agents`), 'a', 'the first that comes has what nobody carries');
  } finally {
    await other.stop();
  }
});
