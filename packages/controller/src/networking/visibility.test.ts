import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;
let group: { id: string };
let forwarding: { id: string };

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
  group = await api.create('alice', '/security-groups', 'security_group', {});
  forwarding = await api.create('alice', `/floatingips/${cloud.floatingIp.id}/port_forwardings`, 'port_forwarding', {
    internal_port_id: cloud.vm1.id,
    internal_port: 22,
    external_port: 2222,
    protocol: 'tcp',
  });
});
after(() => api.stop());

/** Objects of Alice's: collection, key of a body, id, the 404 of who may not see it, whether PUT changes it. */
const OBJECTS: [string, string, () => string, string, boolean][] = [
  ['/networks', 'network', () => cloud.network.id, 'NetworkNotFound', true],
  ['/subnets', 'subnet', () => cloud.subnet.id, 'SubnetNotFound', true],
  ['/ports', 'port', () => cloud.vm1.id, 'PortNotFound', true],
  ['/routers', 'router', () => cloud.router.id, 'RouterNotFound', true],
  ['/floatingips', 'floatingip', () => cloud.floatingIp.id, 'FloatingIPNotFound', true],
  ['/security-groups', 'security_group', () => group.id, 'SecurityGroupNotFound', true],
  [
    '/security-group-rules',
    'security_group_rule',
    () => (group as unknown as { security_group_rules: [{ id: string }] }).security_group_rules[0].id,
    'SecurityGroupRuleNotFound',
    false,
  ],
];

for (const [collection, name, id, type, changeable] of OBJECTS) {
  test(`${collection}: for another project it is not there; for a reader it is there to read; for an admin, all`, async () => {
    const path = `${collection}/${id()}`;
    const before = await api.expect('alice', 'GET', path);
    const writes: [string, Record<string, unknown> | undefined][] = [['DELETE', undefined]];
    if (changeable) writes.push(['PUT', { [name]: { description: 'x' } }]);
    for (const [method, body] of [['GET', undefined] as const, ...writes]) {
      const answer = await api.send('bob', method, path, body);
      assert.deepEqual([answer.status, answer.body.NeutronError.type], [404, type], method);
      const nobody = await api.send('unscoped', method, path, body);
      assert.equal(nobody.status, 404, method);
    }
    assert.deepEqual(await api.expect('reader', 'GET', path), before);
    for (const [method, body] of writes) {
      const answer = await api.send('reader', method, path, body);
      const verb = method === 'PUT' ? 'update' : 'delete';
      assert.deepEqual(
        [answer.status, answer.body.NeutronError.type, answer.body.NeutronError.message],
        [403, 'PolicyNotAuthorized', `rule:${verb}_${name} is disallowed by policy`],
      );
    }
    assert.deepEqual(await api.expect('alice', 'GET', path), before, 'nothing changed');
    assert.equal((await api.send('admin', 'GET', path)).status, 200);
    if (changeable) {
      const changed = await api.send('admin', 'PUT', path, { [name]: { description: 'by an admin' } });
      assert.equal(changed.body[name].description, 'by an admin');
      assert.equal(changed.body[name].project_id, before.project_id);
    }
    const listed = (who: string) => api.expect(who, 'GET', `${collection}?id=${id()}`);
    assert.equal((await listed('bob')).length, 0);
    assert.equal((await listed('admin')).length, 1);
  });
}

/** Actions and parts of Alice's objects, as Bob may try them: method, path, body, the 404. */
const PARTS: [string, () => string, () => object | undefined, string][] = [
  [
    'PUT',
    () => `/routers/${cloud.router.id}/add_router_interface`,
    () => ({ subnet_id: cloud.subnet.id }),
    'RouterNotFound',
  ],
  [
    'PUT',
    () => `/routers/${cloud.router.id}/remove_router_interface`,
    () => ({ subnet_id: cloud.subnet.id }),
    'RouterNotFound',
  ],
  ['PUT', () => `/routers/${cloud.router.id}/add_extraroutes`, () => ({ router: { routes: [] } }), 'RouterNotFound'],
  ['PUT', () => `/routers/${cloud.router.id}/remove_extraroutes`, () => ({ router: { routes: [] } }), 'RouterNotFound'],
  ['GET', () => `/networks/${cloud.network.id}/tags`, () => undefined, 'TagResourceNotFound'],
  ['PUT', () => `/ports/${cloud.vm1.id}/tags/x`, () => undefined, 'TagResourceNotFound'],
  ['GET', () => `/floatingips/${cloud.floatingIp.id}/port_forwardings`, () => undefined, 'FloatingIPNotFound'],
  [
    'GET',
    () => `/floatingips/${cloud.floatingIp.id}/port_forwardings/${forwarding.id}`,
    () => undefined,
    'FloatingIPNotFound',
  ],
  [
    'DELETE',
    () => `/floatingips/${cloud.floatingIp.id}/port_forwardings/${forwarding.id}`,
    () => undefined,
    'FloatingIPNotFound',
  ],
  [
    'PUT',
    () => `/floatingips/${cloud.floatingIp.id}/port_forwardings/${forwarding.id}`,
    () => ({ port_forwarding: { description: 'x' } }),
    'FloatingIPNotFound',
  ],
];

for (const [method, path, body, type] of PARTS) {
  test(`${method} ${path.toString().slice(7, -1)} by another project: 404 ${type}`, async () => {
    const answer = await api.send('bob', method, path(), body() as never);
    assert.deepEqual([answer.status, answer.body.NeutronError.type], [404, type]);
  });
}

test('a reader reads forwardings, and writes none', async () => {
  const path = `/floatingips/${cloud.floatingIp.id}/port_forwardings`;
  assert.equal((await api.expect('reader', 'GET', path)).length, 1);
  assert.equal((await api.send('reader', 'GET', `${path}/${forwarding.id}`)).status, 200);
  for (const [method, rest, body] of [
    [
      'POST',
      '',
      { port_forwarding: { internal_port_id: cloud.vm1.id, internal_port: 1, external_port: 1, protocol: 'tcp' } },
    ],
    ['PUT', `/${forwarding.id}`, { port_forwarding: { description: 'x' } }],
    ['DELETE', `/${forwarding.id}`, undefined],
  ] as const) {
    const answer = await api.send('reader', method, path + rest, body);
    assert.deepEqual([answer.status, answer.body.NeutronError.type], [403, 'PolicyNotAuthorized'], method);
  }
  assert.equal((await api.send('reader', 'POST', path, { port_forwarding: {} })).status, 400, 'the body comes first');
  const foreign = await api.create('bob', '/floatingips', 'floatingip', { floating_network_id: cloud.external.id });
  const hidden = await api.send('reader', 'POST', `/floatingips/${foreign.id}/port_forwardings`, {
    port_forwarding: { internal_port_id: cloud.vm1.id, internal_port: 1, external_port: 1, protocol: 'tcp' },
  });
  assert.equal(hidden.status, 404, 'what it may not see is not there, whatever it may do');
});

/** What only admins see, by path. */
const HIDDEN: [() => string, string[]][] = [
  [
    () => `/networks/${cloud.network.id}`,
    ['provider:network_type', 'provider:physical_network', 'provider:segmentation_id'],
  ],
  [() => `/subnets/${cloud.subnet.id}`, ['segment_id']],
  [() => `/ports/${cloud.vm1.id}`, ['binding:host_id', 'binding:profile', 'binding:vif_details', 'binding:vif_type']],
  [() => `/routers/${cloud.router.id}`, ['distributed', 'ha']],
  [() => `/floatingips/${cloud.floatingIp.id}`, []],
  [() => `/security-groups/${group.id}`, []],
];

for (const [path, hidden] of HIDDEN) {
  test(`hidden from who is no admin: ${hidden.join(', ') || 'nothing'}`, async () => {
    const [seen, all] = [
      Object.keys(await api.expect('alice', 'GET', path())),
      Object.keys(await api.expect('admin', 'GET', path())),
    ];
    assert.deepEqual(all.filter((key) => !seen.includes(key)).sort(), hidden);
    assert.ok(seen.includes('project_id') && seen.includes('tenant_id'));
    const [collection, id] = path().split('/').slice(1);
    const [listed] = await api.expect('alice', 'GET', `/${collection}?id=${id}`);
    assert.deepEqual(Object.keys(listed), seen, 'a list hides the same');
  });
}

test('book-keeping: times, a revision that grows with each change', async () => {
  for (const [collection, name, id, , changeable] of OBJECTS) {
    if (!changeable) continue;
    const path = `${collection}/${id()}`;
    const before = await api.expect('alice', 'GET', path);
    assert.match(before.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.match(before.updated_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.ok(Number.isInteger(before.revision_number) && before.revision_number >= 0);
    const changed = (await api.send('alice', 'PUT', path, { [name]: { description: 'changed' } })).body[name];
    assert.ok(changed.revision_number > before.revision_number, collection);
    assert.ok(changed.updated_at >= before.updated_at);
    assert.equal(changed.created_at, before.created_at);
    const missing = await api.send('alice', 'PUT', `${collection}/nope`, { [name]: { description: 'x' } });
    assert.equal(missing.status, 404);
  }
});
