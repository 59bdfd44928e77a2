import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from './test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
});
after(() => api.stop());

const REQUEST_ID = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const json = { 'content-type': 'application/json' };

/** Requests that find something: by path, whether with a token, and what the body then holds. */
// biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
const FOUND: [string, boolean, (body: any) => unknown, unknown][] = [
  ['/networking', false, ({ versions }) => versions[0].id, 'v2.0'],
  ['/networking/', false, ({ versions }) => versions[0].status, 'CURRENT'],
  ['/networking/v2.0', true, (body) => Object.keys(body), ['resources']],
  ['/networking/v2.0/', true, (body) => Object.keys(body), ['resources']],
  ['/networking/v2.0.json', true, (body) => Object.keys(body), ['resources']],
  ['/networking/v2.0/networks', true, (body) => Object.keys(body), ['networks']],
  ['/networking/v2.0/networks/', true, (body) => Object.keys(body), ['networks']],
  ['/networking/v2.0/networks.json', true, (body) => Object.keys(body), ['networks']],
  ['/networking/v2.0/networks.json?name=a', true, (body) => Object.keys(body), ['networks']],
  ['/networking//v2.0//networks', true, (body) => Object.keys(body), ['networks']],
  ['//networking/v2.0/networks', true, (body) => Object.keys(body), ['networks']],
  ['/networking/v2.0/extensions', true, (body) => Object.keys(body), ['extensions']],
  ['/networking/v2.0/extensions/router', true, ({ extension }) => extension.name, 'Neutron L3 Router'],
  ['/networking/v2.0/security-groups', true, (body) => Object.keys(body), ['security_groups']],
  ['/networking/v2.0/security-group-rules', true, (body) => Object.keys(body), ['security_group_rules']],
];

for (const [url, token, look, expected] of FOUND) {
  test(`GET ${url} is found${token ? ', with a token' : ' by anyone'}`, async () => {
    const headers = token ? { 'x-auth-token': 'alice' } : {};
    const answer = await api.request({ method: 'GET', url, headers });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.match(String(answer.headers['content-type']), /^application\/json/);
    assert.match(String(answer.headers['x-openstack-request-id']), REQUEST_ID);
    assert.deepEqual(look(answer.body), expected);
    if (!token) return;
    for (const wrong of [{}, { 'x-auth-token': 'nobody' }, { 'x-auth-token': '' }]) {
      const refused = await api.request({ method: 'GET', url, headers: wrong });
      assert.equal(refused.status, 401);
      assert.equal(refused.body.error.title, 'Unauthorized');
      assert.match(String(refused.headers['www-authenticate']), /^Keystone uri="http:\/\/[^"]+\/identity"$/);
      assert.match(String(refused.headers['x-openstack-request-id']), REQUEST_ID);
    }
  });
}

test('the version document leads to itself, the resources to their collections', async () => {
  const { body } = await api.request({ method: 'GET', url: '/networking/', headers: { host: 'cloud.example:9696' } });
  assert.deepEqual(body.versions, [
    {
      id: 'v2.0',
      status: 'CURRENT',
      links: [{ rel: 'self', href: 'http://cloud.example:9696/networking/v2.0/' }],
    },
  ]);
  const { body: root } = await api.request({
    method: 'GET',
    url: '/networking/v2.0/',
    headers: { 'x-auth-token': 'alice' },
  });
  for (const { name, collection, links } of root.resources) {
    const path = new URL(links[0].href).pathname;
    const answer = await api.request({ method: 'GET', url: path, headers: { 'x-auth-token': 'admin' } });
    assert.equal(answer.status, 200, name);
    assert.ok(path.endsWith(`/v2.0/${collection}`));
  }
});

/** What leads nowhere: method, path, status, type, message. */
const NOWHERE: [string, string, number, string, RegExp][] = [
  ['GET', '/nothing', 404, 'HTTPNotFound', /^The resource could not be found\.$/],
  ['POST', '/nothing', 404, 'HTTPNotFound', /^The resource could not be found\.$/],
  ['GET', '/networks/a/b/c', 404, 'HTTPNotFound', /^The resource could not be found\.$/],
  ['GET', '/security_groups', 404, 'HTTPNotFound', /^The resource could not be found\.$/],
  ['DELETE', '/networks', 404, 'NetworkNotFound', /^Network None could not be found\.$/],
  ['DELETE', '/floatingips', 404, 'FloatingIPNotFound', /^Floating IP None could not be found$/],
  ['PATCH', '/networks', 405, 'HTTPMethodNotAllowed', /malformed or otherwise incorrect/],
  ['PUT', '/networks', 405, 'HTTPMethodNotAllowed', /malformed or otherwise incorrect/],
  ['POST', '/networks/x', 405, 'HTTPMethodNotAllowed', /malformed or otherwise incorrect/],
  ['PATCH', '/networks/x', 405, 'HTTPMethodNotAllowed', /malformed or otherwise incorrect/],
];

for (const [method, path, status, type, message] of NOWHERE) {
  test(`${method} ${path}: ${status} ${type}, and 401 without a token`, async () => {
    const answer = await api.send('alice', method, path, method === 'GET' || method === 'DELETE' ? undefined : {});
    assert.equal(answer.status, status);
    assert.equal(answer.body.NeutronError.type, type);
    assert.match(answer.body.NeutronError.message, message);
    assert.match(String(answer.headers['x-openstack-request-id']), REQUEST_ID);
    assert.equal((await api.send('nobody', method, path)).status, 401);
  });
}

test('an extension that there is not is answered by the web framework, with a token', async () => {
  const answer = await api.send('alice', 'GET', '/extensions/nope');
  assert.deepEqual(
    [answer.status, answer.body],
    [
      404,
      {
        message: 'The resource could not be found.<br /><br />\nExtension with alias nope does not exist\n\n',
        code: '404 Not Found',
        title: 'Not Found',
      },
    ],
  );
  assert.equal((await api.send('nobody', 'GET', '/extensions/nope')).status, 401);
});

/** Bodies that are none: what is sent, with which content type, and the message. */
const BODIES: [string, string | undefined, Record<string, string>, RegExp][] = [
  ['none', undefined, {}, /^Resource body required$/],
  ['an empty one', '', json, /^Resource body required$/],
  ['{}', '{}', json, /^Resource body required$/],
  ['null', 'null', json, /^Resource body required$/],
  ['a list', '[{"network":{}}]', json, /^Body contains invalid data$/],
  ['a text', '"network"', json, /^Body contains invalid data$/],
  ['a number', '7', json, /^Body contains invalid data$/],
  ['half of one', '{"network":', json, /^Body contains invalid data$/],
  ['bytes that are no text', '{"network":{"name":"\xff"}', json, /^Body contains invalid data$/],
  ['a form', 'network=x', { 'content-type': 'application/x-www-form-urlencoded' }, /^Body contains invalid data$/],
  ['JSON said to be text', '{"network":{}}', { 'content-type': 'text/plain' }, /^Body contains invalid data$/],
  ['JSON of no type', '{"network":{}}', { 'content-type': '' }, /^Body contains invalid data$/],
  ['another key', '{"net":{}}', json, /^Unable to find 'network' in request body$/],
  ['no object inside', '{"network":[]}', json, /^Object 'network' contains invalid data$/],
  ['null inside', '{"network":null}', json, /^Object 'network' contains invalid data$/],
  ['no list', '{"networks":{}}', json, /^Resources required$/],
  ['an empty list', '{"networks":[]}', json, /^Resources required$/],
  ['a list of no objects', '{"networks":[1]}', json, /^Object 'network' contains invalid data$/],
];

for (const [what, payload, headers, message] of BODIES) {
  test(`a body that is ${what} is refused`, async () => {
    const before = await api.expect('alice', 'GET', '/networks?fields=id');
    const answer = await api.request({
      method: 'POST',
      url: '/networking/v2.0/networks',
      headers: { 'x-auth-token': 'alice', ...headers },
      ...(payload !== undefined && { payload }),
    });
    assert.equal(answer.status, 400, JSON.stringify(answer.body));
    assert.equal(answer.body.NeutronError.type, 'HTTPBadRequest');
    assert.match(answer.body.NeutronError.message, message);
    assert.equal(answer.body.NeutronError.detail, '');
    assert.match(String(answer.headers['x-openstack-request-id']), REQUEST_ID);
    assert.deepEqual(await api.expect('alice', 'GET', '/networks?fields=id'), before);
  });
}

test('a content type with a character set is JSON, too', async () => {
  const answer = await api.request({
    method: 'POST',
    url: '/networking/v2.0/networks',
    headers: { 'x-auth-token': 'alice', 'content-type': 'application/json; charset=UTF-8' },
    payload: '{"network":{"name":"ünïcode"}}',
  });
  assert.deepEqual([answer.status, answer.body.network.name], [201, 'ünïcode']);
});

test('a path that cannot be read, and a body that is too large, are answered like any other mistake', async () => {
  for (const [options, status] of [
    [{ method: 'GET', url: '/networking/v2.0/networks/%zz' }, 400],
    [{ method: 'POST', url: '/networking/v2.0/networks', payload: `"${'x'.repeat(2 ** 20)}"`, headers: json }, 413],
  ] as const) {
    const answer = await api.request({
      ...options,
      headers: { 'x-auth-token': 'alice', ...('headers' in options && options.headers) },
    });
    assert.equal(answer.status, status);
    assert.match(answer.body.NeutronError.message, /URL|body/);
    assert.match(String(answer.headers['x-openstack-request-id']), REQUEST_ID);
  }
});

test('statuses: 201 for what is made, 200 for what is changed, 204 without a body for what is gone', async () => {
  const made = await api.send('alice', 'POST', '/networks', { network: {} });
  assert.equal(made.status, 201);
  const { id } = made.body.network;
  assert.equal((await api.send('alice', 'PUT', `/networks/${id}`, { network: { name: 'x' } })).status, 200);
  const gone = await api.send('alice', 'DELETE', `/networks/${id}`);
  assert.deepEqual([gone.status, gone.body], [204, undefined]);
  assert.equal((await api.send('alice', 'DELETE', `/networks/${id}`)).status, 404);
});

test('If-Match: on PUT and DELETE the revision must be the one seen; on GET, and in other words, it means nothing', async () => {
  const { id, revision_number: seen } = await api.create('alice', '/networks', 'network', {});
  const path = `/networks/${id}`;
  const send = (method: string, match: string) =>
    api.send('alice', method, path, method === 'PUT' ? { network: { name: 'x' } } : undefined, { 'if-match': match });
  for (const method of ['PUT', 'DELETE']) {
    const stale = await send(method, `revision_number=${seen + 7}`);
    assert.deepEqual(
      [stale.status, stale.body.NeutronError.type, stale.body.NeutronError.message],
      [412, 'RevisionNumberConstraintFailed', `Constrained to ${seen + 7}, but current revision is ${seen}`],
    );
  }
  assert.equal((await send('GET', `revision_number=${seen + 7}`)).status, 200);
  assert.equal((await send('PUT', '"an-etag"')).status, 200);
  const { revision_number: now } = await api.expect('alice', 'GET', path);
  assert.ok(now > seen);
  assert.equal((await send('DELETE', `revision_number=${now}`)).status, 204);
});

test('of many that change the same revision at once, one does', async () => {
  const { id, revision_number: seen } = await api.create('alice', '/networks', 'network', {});
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      api.send(
        'alice',
        'PUT',
        `/networks/${id}`,
        { network: { name: `n${i}` } },
        { 'if-match': `revision_number=${seen}` },
      ),
    ),
  );
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, ...Array(11).fill(412)]);
});

test('bulk: all of a list or none, for each resource that takes lists', async () => {
  const { network, floatingIp, vm1 } = cloud;
  const group = await api.create('alice', '/security-groups', 'security_group', {});
  const lists: [string, string, object, object, object][] = [
    ['/networks', 'networks', { name: 'bulk' }, { name: 'bulk' }, { name: 7 }],
    [
      '/subnets',
      'subnets',
      { network_id: network.id, ip_version: 4, cidr: '10.20.0.0/24' },
      { network_id: network.id, ip_version: 4, cidr: '10.21.0.0/24' },
      { network_id: network.id, ip_version: 4, cidr: '10.20.0.0/16' },
    ],
    [
      '/ports',
      'ports',
      { network_id: network.id, tags: ['red', 'blue'] },
      { network_id: network.id },
      { network_id: network.id, fixed_ips: [{ ip_address: '192.168.2.79' }] },
    ],
    [
      '/security-group-rules',
      'security_group_rules',
      { security_group_id: group.id, direction: 'ingress', protocol: 'tcp' },
      { security_group_id: group.id, direction: 'ingress', protocol: 'udp' },
      { security_group_id: group.id, direction: 'ingress', protocol: '6' },
    ],
    [
      `/floatingips/${floatingIp.id}/port_forwardings`,
      'port_forwardings',
      { internal_port_id: vm1.id, internal_port: 1, external_port: 1, protocol: 'tcp' },
      { internal_port_id: vm1.id, internal_port: 2, external_port: 2, protocol: 'tcp' },
      { internal_port_id: vm1.id, internal_port: 3, external_port: 2, protocol: 'tcp' },
    ],
  ];
  for (const [path, key, first, second, wrong] of lists) {
    const before = (await api.expect('alice', 'GET', path)).length;
    const refused = await api.send('alice', 'POST', path, { [key]: [first, second, wrong] });
    assert.ok(refused.status === 400 || refused.status === 409, `${path}: ${refused.status}`);
    assert.ok(refused.body.NeutronError.type);
    assert.equal((await api.expect('alice', 'GET', path)).length, before, path);
    const made = await api.send('alice', 'POST', path, { [key]: [first, second] });
    assert.deepEqual([made.status, Object.keys(made.body), made.body[key].length], [201, [key], 2], path);
    assert.equal((await api.expect('alice', 'GET', path)).length, before + 2, path);
    if (key === 'ports') assert.deepEqual(made.body.ports[0].tags, ['blue', 'red']);
  }
  assert.equal((await api.send('alice', 'POST', '/routers', { routers: [{}] })).status, 400);
});
