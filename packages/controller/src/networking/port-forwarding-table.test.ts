import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;
let path: string;

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
  path = `/floatingips/${cloud.floatingIp.id}/port_forwardings`;
});
after(() => api.stop());

const valid = () => ({
  internal_port_id: cloud.vm1.id,
  internal_ip_address: '192.168.2.79',
  internal_port: 22,
  external_port: 2222,
  protocol: 'tcp',
});
const make = (values: object) => api.send('alice', 'POST', path, { port_forwarding: { ...valid(), ...values } });
const none = { external_port: undefined, internal_port: undefined };

/** Values of a POST that are taken, and what is then shown in their place. */
const TAKEN: [string, object, object][] = [
  ...['tcp', 'udp', 'icmp', 'sctp', 'dccp', 'ipv6-icmp'].map((protocol): [string, object, object] => [
    `protocol ${protocol}`,
    { protocol },
    { protocol },
  ]),
  ['the first port', { external_port: 1 }, { external_port: 1, external_port_range: '1:1' }],
  ['the last port', { external_port: 65_535 }, { external_port_range: '65535:65535' }],
  ['a range of one', { ...none, external_port_range: '7', internal_port_range: '8' }, { external_port: 7 }],
  [
    'a range of one, written out',
    { ...none, external_port_range: '7:7', internal_port_range: '8:8' },
    { external_port: 7, internal_port: 8, external_port_range: '7:7', internal_port_range: '8:8' },
  ],
  [
    'N to N',
    { ...none, external_port_range: '10:12', internal_port_range: '20:22' },
    { external_port: null, internal_port: null, external_port_range: '10:12', internal_port_range: '20:22' },
  ],
  [
    'N to one',
    { ...none, external_port_range: '10:12', internal_port_range: '20' },
    { external_port: null, internal_port: 20, external_port_range: '10:12', internal_port_range: '20:20' },
  ],
  ['N to one, by port', { ...none, external_port_range: '10:12', internal_port: 20 }, { internal_port_range: '20:20' }],
  ['all ports', { ...none, external_port_range: '1:65535', internal_port_range: '1:65535' }, { external_port: null }],
  ['no address: the port’s first', { internal_ip_address: undefined }, { internal_ip_address: '192.168.2.79' }],
  ['a description', { description: 'x'.repeat(1024) }, { description: 'x'.repeat(1024) }],
  ['an owner, never shown', { project_id: 'p-alice' }, { project_id: undefined, tenant_id: undefined }],
  ['a null beside a range', { external_port: null, external_port_range: '9' }, { external_port: 9 }],
];

for (const [what, values, shown] of TAKEN) {
  test(`taken: ${what}`, async () => {
    const answer = await make(values);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    const made = answer.body.port_forwarding;
    for (const [key, value] of Object.entries(shown)) assert.deepEqual(made[key], value, key);
    assert.deepEqual(Object.keys(made).sort(), [
      'description',
      'external_port',
      'external_port_range',
      'id',
      'internal_ip_address',
      'internal_port',
      'internal_port_id',
      'internal_port_range',
      'protocol',
    ]);
    assert.deepEqual(await api.expect('alice', 'GET', `${path}/${made.id}?floatingip_id=x`), made);
    assert.deepEqual(await api.expect('alice', 'GET', path), [made]);
    assert.equal((await api.send('alice', 'DELETE', `${path}/${made.id}`)).status, 204);
    const gone = await api.send('alice', 'DELETE', `${path}/${made.id}`);
    assert.deepEqual(
      [gone.status, gone.body.NeutronError.type, gone.body.NeutronError.message],
      [404, 'PortForwardingNotFound', `Port Forwarding ${made.id} could not be found.`],
    );
  });
}

/** Values that are refused with 400, where Neutron breaks or guesses. */
const REFUSED: [string, object][] = [
  ['neither port nor range', none],
  ['one side alone', { external_port: undefined }],
  ['the other side alone', { internal_port: undefined }],
  ['null ports', { external_port: null, internal_port: null }],
  ['null ranges', { ...none, external_port_range: null, internal_port_range: null }],
  ['text as port', { external_port: '7000' }],
  ['text as internal port', { internal_port: '22' }],
  ['a number as range', { ...none, external_port_range: 7000, internal_port_range: 22 }],
  ['a list as range', { ...none, external_port_range: [1, 2], internal_port_range: '1:2' }],
  ['an empty range', { ...none, external_port_range: '', internal_port_range: '1' }],
  ['half a range', { ...none, external_port_range: '1:', internal_port_range: '1' }],
  ['a range with a sign', { ...none, external_port_range: '-1:5', internal_port_range: '1' }],
  ['a fraction', { external_port: 1.5 }],
  ['a port out of bounds', { internal_port: 65_536 }],
  ['internal ranges wider than external ones', { ...none, external_port_range: '1:2', internal_port_range: '1:3' }],
  ['an internal range for one port', { internal_port: undefined, internal_port_range: '1:3' }],
  ['an IPv6 address', { internal_ip_address: 'fd00::1' }],
  ['an address of no port', { internal_ip_address: null }],
  ['a protocol by number', { protocol: '17' }],
  ['a protocol that is null', { protocol: null }],
  ['a list as protocol', { protocol: ['tcp'] }],
  ['tags', { tags: ['a'] }],
  ['a floating IP inside', { floatingip_id: 'x' }],
];

for (const [what, values] of REFUSED) {
  test(`refused with 400: ${what}`, async () => {
    const answer = await make(values);
    assert.equal(answer.status, 400, JSON.stringify(answer.body));
    assert.ok(answer.body.NeutronError.message.length > 10);
    assert.deepEqual(await api.expect('alice', 'GET', path), []);
  });
}

test('filters and sorting: what the table allows, and nothing else', async () => {
  const { id } = await api.create('alice', '/floatingips', 'floatingip', { floating_network_id: cloud.external.id });
  const own = `/floatingips/${id}/port_forwardings`;
  const bodies = [
    { ...valid(), external_port: 300, internal_port: 30, description: 'c' },
    { ...valid(), external_port: 100, internal_port: 31, description: 'a', protocol: 'udp' },
    { ...valid(), ...none, external_port_range: '200:210', internal_port_range: '32', description: 'b' },
  ];
  const made = [];
  for (const port_forwarding of bodies) made.push(await api.expect('alice', 'POST', own, { port_forwarding }));
  const found = async (query: string) =>
    (await api.expect('alice', 'GET', `${own}?${query}`)).map((item: { description: string }) => item.description);
  for (const [query, expected] of [
    [`id=${made[0].id}`, ['c']],
    [`internal_port_id=${cloud.vm1.id}&description=b`, ['b']],
    [`internal_port_id=${cloud.vm2.id}`, []],
    ['protocol=udp', ['a']],
    ['protocol=udp&protocol=tcp&sort_key=external_port&sort_dir=asc', ['a', 'b', 'c']],
    ['external_port=300', ['c']],
    ['external_port=200', []],
    ['external_port=300&external_port=100&sort_key=external_port&sort_dir=desc', ['c', 'a']],
    ['external_port_range=200:210', ['b']],
    ['external_port_range=100', ['a']],
    ['external_port_range=100:100', ['a']],
    ['external_port_range=200:209', []],
    ['description=', []],
    ['floatingip_id=anything&description=a', ['a']],
    ['sort_key=external_port_range&sort_dir=desc', ['c', 'b', 'a']],
    ['sort_key=protocol&sort_key=external_port&sort_dir=desc&sort_dir=asc', ['a', 'b', 'c']],
    ['sort_key=external_port&sort_dir=asc&limit=2', ['a', 'b']],
    [`sort_key=external_port&sort_dir=asc&limit=2&marker=${made[2].id}`, ['c']],
    [`sort_key=external_port&sort_dir=asc&limit=1&marker=${made[2].id}&page_reverse=True`, ['a']],
  ] as const) {
    assert.deepEqual(await found(query), expected, query);
  }
  for (const key of ['id', 'internal_port_id', 'protocol', 'external_port']) {
    assert.equal((await found(`sort_key=${key}&sort_dir=asc`)).length, 3, key);
  }
  for (const key of ['internal_port', 'internal_ip_address', 'internal_port_range', 'project_id', 'revision_number']) {
    const answer = await api.send('alice', 'GET', `${own}?${key}=1`);
    assert.deepEqual(
      [answer.status, answer.body.NeutronError.message],
      [400, `['${key}'] is invalid attribute for filtering`],
    );
  }
  for (const key of ['internal_port', 'internal_ip_address', 'description', 'created_at']) {
    assert.equal((await api.send('alice', 'GET', `${own}?sort_key=${key}&sort_dir=asc`)).status, 400, key);
  }
  for (const query of ['external_port=x', 'external_port=0', 'external_port=', 'external_port_range=5:1']) {
    assert.equal((await api.send('alice', 'GET', `${own}?${query}`)).status, 400, query);
  }
  assert.deepEqual(
    Object.keys((await api.expect('alice', 'GET', `${own}/${made[0].id}?fields=external_port&fields=x`)) as object),
    ['external_port'],
  );
  const page = await api.send('alice', 'GET', `${own}?limit=1`);
  assert.deepEqual(
    page.body.port_forwardings_links.map((link: { rel: string }) => link.rel),
    ['next', 'previous'],
  );
  await api.expect('alice', 'DELETE', `/floatingips/${id}`);
});

test('the floating IP: its router comes with the first forwarding and goes with the last, its revision grows', async () => {
  const show = () => api.expect('alice', 'GET', `/floatingips/${cloud.floatingIp.id}`);
  let revision = (await show()).revision_number;
  const expectGrown = async (router: string | null, count: number) => {
    const shown = await show();
    assert.ok(shown.revision_number > revision);
    revision = shown.revision_number;
    assert.deepEqual(
      [shown.router_id, shown.port_id, shown.status, shown.port_forwardings.length],
      [router, null, 'DOWN', count],
    );
  };
  const first = (await make({})).body.port_forwarding;
  await expectGrown(cloud.router.id, 1);
  const second = (await make({ external_port: 2223, internal_port: 23 })).body.port_forwarding;
  await expectGrown(cloud.router.id, 2);
  await api.expect('alice', 'PUT', `${path}/${first.id}`, { port_forwarding: { description: 'x' } });
  await expectGrown(cloud.router.id, 2);
  await api.expect('alice', 'DELETE', `${path}/${first.id}`);
  await expectGrown(cloud.router.id, 1);
  const kept = await api.send('alice', 'PUT', `/floatingips/${cloud.floatingIp.id}`, { floatingip: { port_id: null } });
  assert.deepEqual([kept.status, kept.body.floatingip.router_id], [200, cloud.router.id]);
  await api.expect('alice', 'DELETE', `${path}/${second.id}`);
  await expectGrown(null, 0);
});

test('another floating IP for a port with forwardings: through a centralised router, not through a distributed one', async () => {
  const made = (await make({})).body.port_forwarding;
  const other = await api.create('alice', '/floatingips', 'floatingip', {
    floating_network_id: cloud.external.id,
    port_id: cloud.vm1.id,
  });
  assert.equal(other.port_id, cloud.vm1.id);
  await api.expect('alice', 'DELETE', `/floatingips/${other.id}`);
  const distribute = (distributed: boolean) =>
    api.expect('admin', 'PUT', `/routers/${cloud.router.id}`, { router: { distributed, admin_state_up: false } });
  await distribute(true);
  const refused = await api.send('alice', 'POST', '/floatingips', {
    floatingip: { floating_network_id: cloud.external.id, port_id: cloud.vm1.id },
  });
  assert.deepEqual([refused.status, refused.body.NeutronError.type], [400, 'PortHasPortForwarding']);
  await distribute(false);
  await api.expect('alice', 'DELETE', `${path}/${made.id}`);
});
