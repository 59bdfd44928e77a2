import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;
let group: { id: string };
let pool: { id: string };

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
  group = await api.create('alice', '/security-groups', 'security_group', { name: 'g' });
  pool = await api.create('alice', '/subnetpools', 'subnetpool', { name: 'p', prefixes: ['10.0.0.0/8'] });
});
after(() => api.stop());

/** Resources that have tags, by collection. */
const TAGGED: [string, () => string][] = [
  ['networks', () => cloud.network.id],
  ['subnets', () => cloud.subnet.id],
  ['ports', () => cloud.vm1.id],
  ['routers', () => cloud.router.id],
  ['floatingips', () => cloud.floatingIp.id],
  ['security-groups', () => group.id],
  ['subnetpools', () => pool.id],
];

for (const [collection, id] of TAGGED) {
  test(`${collection}: every request of the table`, async () => {
    const path = `/${collection}/${id()}`;
    const send = (method: string, rest: string, body?: object, who = 'alice') =>
      api.send(who, method, `${path}/tags${rest}`, body as Record<string, unknown>);
    const shown = async () => (await api.expect('alice', 'GET', path)).tags;
    const revision = async () => (await api.expect('alice', 'GET', path)).revision_number;
    const before = await revision();
    assert.deepEqual((await send('GET', '')).body, { tags: [] });
    const replaced = await send('PUT', '', { tags: ['red', 'blue'] });
    assert.deepEqual([replaced.status, replaced.body], [200, { tags: ['blue', 'red'] }]);
    assert.deepEqual(await shown(), ['blue', 'red']);
    assert.ok((await revision()) > before);
    const added = await send('POST', '', { tags: ['red', 'green'] });
    assert.deepEqual([added.status, added.body], [201, { tags: ['blue', 'green', 'red'] }]);
    for (let times = 0; times < 2; times++) {
      const one = await send('PUT', '/grey');
      assert.deepEqual([one.status, one.body], [201, null]);
    }
    assert.equal((await send('GET', '/grey')).status, 204);
    assert.equal((await send('DELETE', '/grey')).status, 204);
    for (const method of ['GET', 'DELETE']) {
      const absent = await send(method, '/grey');
      assert.deepEqual(
        [absent.status, absent.body.NeutronError.type, absent.body.NeutronError.message],
        [404, 'TagNotFound', 'Tag grey could not be found.'],
      );
    }
    const invisible = await send('GET', '', undefined, 'bob');
    assert.deepEqual(
      [invisible.status, invisible.body.NeutronError.type, invisible.body.NeutronError.message],
      [404, 'TagResourceNotFound', `Resource ${collection} ${id()} could not be found.`],
    );
    for (const [method, rest, body] of [
      ['PUT', '', { tags: [] }],
      ['POST', '', { tags: ['x'] }],
      ['PUT', '/x', undefined],
      ['DELETE', '/red', undefined],
      ['DELETE', '', undefined],
    ] as const) {
      assert.equal((await send(method, rest, body, 'bob')).status, 404, `${method} ${rest}`);
      assert.equal((await send(method, rest, body, 'reader')).status, 403, `${method} ${rest}`);
    }
    assert.equal((await send('GET', '', undefined, 'reader')).status, 200);
    assert.equal((await send('DELETE', '')).status, 204);
    assert.deepEqual(await shown(), []);
    const singular = { 'security-groups': 'security_group' }[collection] ?? collection.slice(0, -1);
    const put = await api.send('alice', 'PUT', path, { [singular]: { tags: ['a'] } });
    assert.deepEqual([put.status, put.body.NeutronError.message], [400, 'Cannot update read-only attribute tags']);
  });
}

/** Bodies of PUT …/tags that are refused: body, type, message. */
const REFUSED: [string, unknown, string, RegExp][] = [
  [
    'a tag twice',
    { tags: ['red', 'red'] },
    'InvalidInput',
    /^Invalid input for operation: Duplicate items in the list: 'red'\.$/,
  ],
  ['no list', { tags: 'x' }, 'InvalidInput', /^Invalid input for operation: 'x' is not a list\.$/],
  ['null', { tags: null }, 'InvalidInput', /None is not a list/],
  ['another key', { tag: [] }, 'InvalidInput', /^Invalid input for operation: Invalid tags body\.$/],
  ['one key more', { tags: [], x: 1 }, 'InvalidInput', /Invalid tags body/],
  ['a list', ['red'], 'InvalidInput', /Invalid tags body/],
  ['a number', { tags: [1] }, 'InvalidInput', /'1' is not a valid string/],
  ['a tag too long', { tags: ['x'.repeat(256)] }, 'InvalidInput', /exceeds maximum length of 255/],
  ['an empty tag', { tags: [''] }, 'InvalidInput', /is empty/],
  [
    'too many',
    { tags: Array.from({ length: 51 }, (_, i) => `t${i}`) },
    'BadRequest',
    /The number of tags exceed the per-resource limit of 50$/,
  ],
];

for (const [what, body, type, message] of REFUSED) {
  test(`tags refused: ${what}`, async () => {
    for (const method of ['PUT', 'POST']) {
      const answer = await api.send('alice', method, `/networks/${cloud.network.id}/tags`, body as never);
      assert.deepEqual([answer.status, answer.body.NeutronError?.type], [400, type], JSON.stringify(answer.body));
      assert.match(answer.body.NeutronError.message, message);
    }
    assert.deepEqual(await api.expect('alice', 'GET', `/networks/${cloud.network.id}/tags`), []);
  });
}

test('the fiftieth tag is taken, the next is not; a long one with every kind of character is', async () => {
  const path = `/networks/${cloud.network.id}/tags`;
  await api.expect('alice', 'PUT', path, { tags: Array.from({ length: 50 }, (_, i) => `t${i}`) });
  for (const answer of [
    await api.send('alice', 'PUT', `${path}/more`),
    await api.send('alice', 'POST', path, { tags: ['more'] }),
  ]) {
    assert.deepEqual([answer.status, answer.body.NeutronError.type], [400, 'BadRequest']);
  }
  assert.equal((await api.send('alice', 'PUT', `${path}/t7`)).status, 201, 'one that is there');
  await api.send('alice', 'DELETE', path);
  for (const tag of ['é'.repeat(255), '𝄞'.repeat(255), 'a b', '100%', 'a/b', '?', '#']) {
    const one = `${path}/${encodeURIComponent(tag)}`;
    assert.equal((await api.send('alice', 'PUT', one)).status, 201, tag);
    assert.equal((await api.send('alice', 'GET', one)).status, 204, tag);
    assert.equal((await api.send('alice', 'DELETE', one)).status, 204, tag);
  }
  assert.equal((await api.send('alice', 'PUT', `${path}/${'x'.repeat(256)}`)).status, 400);
});

test('rules and forwardings have no tags', async () => {
  const [rule] = await api.expect('alice', 'GET', '/security-group-rules');
  for (const path of [
    `/security-group-rules/${rule.id}`,
    `/floatingips/${cloud.floatingIp.id}/port_forwardings/${rule.id}`,
  ]) {
    const answer = await api.send('alice', 'GET', `${path}/tags`);
    assert.deepEqual([answer.status, answer.body.NeutronError.type], [404, 'HTTPNotFound'], path);
  }
  assert.equal((await api.send('alice', 'GET', '/security-group-rules?tags=a')).status, 400);
});

test('filters: all, any, not all, not any; comma separated and repeated; on every resource with tags', async () => {
  for (const [collection, id] of TAGGED) {
    const path = `/${collection}/${id()}/tags`;
    await api.expect('alice', 'PUT', path, { tags: ['red', 'blue'] });
    const found = async (query: string) =>
      (await api.expect('alice', 'GET', `/${collection}?id=${id()}&${query}`)).length;
    for (const [query, expected] of [
      ['tags=red', 1],
      ['tags=red,blue', 1],
      ['tags=red,grey', 0],
      ['tags=red&tags=blue', 1],
      ['tags=red&tags=grey', 0],
      ['tags-any=red,grey', 1],
      ['tags-any=grey,black', 0],
      ['not-tags=red,blue', 0],
      ['not-tags=red,grey', 1],
      ['not-tags-any=red,grey', 0],
      ['not-tags-any=grey,black', 1],
      ['tags=red&not-tags=grey', 1],
    ] as const) {
      assert.equal(await found(query), expected, `${collection}?${query}`);
    }
    await api.send('alice', 'DELETE', path);
  }
});
