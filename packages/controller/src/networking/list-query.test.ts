import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Resource } from '@portward/model/resource.ts';
import { NETWORKING_RESOURCES } from '@portward/model/resources.ts';
import { type Answer, aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;

type Item = Record<string, unknown>;
type Link = { rel: string; href: string };

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
  for (const [name, mtu] of [
    ['c', 1400],
    ['a', 1500],
    ['b', 1400],
    ['', 1300],
  ] as const) {
    await api.create('bob', '/networks', 'network', { name, mtu, admin_state_up: name !== 'a', description: 'page' });
  }
});
after(() => api.stop());

const names = async (query: string, who = 'bob') =>
  (await api.expect(who, 'GET', `/networks?${query}`)).map((item: Item) => item.name);

/** Filters on Bob's four networks, and the names found, in order. */
const FILTERS: [string, string[]][] = [
  ['name=a', ['a']],
  ['name=a&name=b', ['a', 'b']],
  ['name=a&mtu=1400', []],
  ['name=a&name=b&mtu=1400', ['b']],
  ['name=', ['']],
  ['name=A', []],
  ['mtu=1400', ['b', 'c']],
  ['mtu=1400&mtu=1300', ['', 'b', 'c']],
  ['mtu=99999999999999999999', []],
  ['mtu=-1', []],
  ...['true', 'True', 'TRUE', '1'].map((value): [string, string[]] => [`admin_state_up=${value}`, ['', 'b', 'c']]),
  ...['false', 'False', 'FALSE', '0'].map((value): [string, string[]] => [`admin_state_up=${value}`, ['a']]),
  ['admin_state_up=true&admin_state_up=false', ['', 'a', 'b', 'c']],
  ['project_id=p-bob', ['', 'a', 'b', 'c']],
  ['tenant_id=p-bob', ['', 'a', 'b', 'c']],
  ['tenant_id=p-alice', []],
  ['router:external=True', []],
  ['router%3Aexternal=0&status=ACTIVE', ['', 'a', 'b', 'c']],
  ['revision_number=7777', []],
  ["name=a' or '1'='1", []],
  ['name=%25', []],
];

for (const [query, expected] of FILTERS) {
  test(`filter ${query}`, async () => {
    assert.deepEqual(await names(`${query}&description=page&sort_key=name&sort_dir=asc`), expected);
  });
}

/** Queries that are refused: query, status, type, message. */
const REFUSED: [string, number, string, RegExp][] = [
  ['foo=1', 400, 'HTTPBadRequest', /^\['foo'\] is invalid attribute for filtering$/],
  ['all_tenants=1', 400, 'HTTPBadRequest', /^\['all_tenants'\] is invalid attribute for filtering$/],
  ['foo=1&bar=2', 400, 'HTTPBadRequest', /^\['bar', 'foo'\] is invalid attribute for filtering$/],
  ['created_at=x', 400, 'HTTPBadRequest', /^\['created_at'\]/],
  ['updated_at=x', 400, 'HTTPBadRequest', /^\['updated_at'\]/],
  ['subnets=x', 400, 'HTTPBadRequest', /^\['subnets'\]/],
  ['availability_zone_hints=x', 400, 'HTTPBadRequest', /^\['availability_zone_hints'\]/],
  ['agent_host=x', 400, 'HTTPBadRequest', /^\['agent_host'\]/],
  ['admin_state_up=zz', 400, 'InvalidInput', /'zz' cannot be converted to boolean\.$/],
  ['admin_state_up=', 400, 'InvalidInput', /'' cannot be converted to boolean/],
  ['mtu=x', 400, 'InvalidInput', /'x' is not an integer\.$/],
  ['mtu=', 400, 'InvalidInput', /'' is not an integer/],
  ['mtu=1.5', 400, 'InvalidInput', /'1\.5' is not an integer/],
  ['sort_key=name', 400, 'HTTPBadRequest', /^The number of sort_keys and sort_dirs must be same$/],
  ['sort_dir=asc', 400, 'HTTPBadRequest', /^The number of sort_keys and sort_dirs must be same$/],
  ['sort_key=zz&sort_dir=asc', 400, 'HTTPBadRequest', /^\['zz'\] is invalid attribute for sort_keys$/],
  ['sort_key=subnets&sort_dir=asc', 400, 'HTTPBadRequest', /^\['subnets'\] is invalid attribute for sort_keys$/],
  ['sort_key=agent_host&sort_dir=asc', 400, 'HTTPBadRequest', /is invalid attribute for sort_keys$/],
  [
    'sort_key=name&sort_dir=foo',
    400,
    'HTTPBadRequest',
    /^\['foo'\] is invalid value for sort_dirs, valid value is 'asc' and 'desc'$/,
  ],
  ['limit=-1', 400, 'BadRequest', /^Bad limit request: Limit must be an integer 0 or greater and not '-1'\.$/],
  ['limit=x', 400, 'BadRequest', /not 'x'\.$/],
  ['limit=', 400, 'BadRequest', /not ''\.$/],
  ['limit=1.5', 400, 'BadRequest', /not '1\.5'\.$/],
  ['limit=1&marker=nope', 404, 'NetworkNotFound', /^Network nope could not be found\.$/],
  ['changed_since=', 400, 'InvalidInput', /must be in the following format/],
  ['changed_since=yesterday', 400, 'InvalidInput', /must be in the following format: YYYY-MM-DDTHH:MM:SS\[Z\]/],
  ['changed_since=2026-13-45T00:00:00Z', 400, 'InvalidInput', /must be in the following format/],
];

for (const [query, status, type, message] of REFUSED) {
  test(`refused: ${query}: ${status}`, async () => {
    const answer = await api.send('bob', 'GET', `/networks?${query}`);
    assert.deepEqual([answer.status, answer.body.NeutronError?.type], [status, type], JSON.stringify(answer.body));
    assert.match(answer.body.NeutronError.message, message);
  });
}

test('attributes that are lists or computed are no filters', async () => {
  for (const [path, attributes] of [
    ['subnets', ['allocation_pools', 'host_routes', 'dns_nameservers', 'service_types']],
    ['floatingips', ['port_details', 'port_forwardings', 'subnet_id', 'name', 'floating_port_id']],
    ['routers', ['external_gateway_info', 'routes', 'gateway_port_id']],
    ['ports', ['dns_assignment', 'allowed_address_pairs', 'ip_address']],
    ['security-groups', ['security_group_rules']],
    ['security-group-rules', ['normalized_cidr', 'name']],
  ] as const) {
    for (const attribute of attributes) {
      const answer = await api.send('alice', 'GET', `/${path}?${attribute}=1`);
      assert.deepEqual(
        [answer.status, answer.body.NeutronError?.message],
        [400, `['${attribute}'] is invalid attribute for filtering`],
      );
    }
  }
});

test('changed_since: what changed at that moment or later, in every form of ISO 8601', async () => {
  const { updated_at: then } = (await api.expect('bob', 'GET', '/networks?name=a'))[0];
  const moment = new Date(then);
  const shifted = (hours: number) => new Date(moment.getTime() + hours * 3_600_000).toISOString().slice(0, 19);
  const later = new Date(moment.getTime() + 3_600_000).toISOString().slice(0, 19);
  for (const [since, found] of [
    [then, 1],
    [then.slice(0, 19), 1],
    [then.replace('Z', '%2B00:00'), 1],
    [`${shifted(2)}%2B02:00`, 1],
    [`${shifted(2)}+02:00`, 1],
    [`${shifted(-3)}-0300`, 1],
    [`${shifted(2)}%2B01:00`, 0],
    [then.slice(0, 10), 1],
    [`${later}Z`, 0],
    ['2000-01-01T00:00', 1],
  ] as const) {
    assert.equal((await names(`name=a&changed_since=${since}`)).length, found, since);
  }
});

test('fields: those that are known, each in a list and of one, with what clients call them', async () => {
  const [one] = await api.expect('bob', 'GET', '/networks?name=a');
  const show = (query: string) => api.expect('bob', 'GET', `/networks/${one.id}?${query}`);
  assert.deepEqual(await show('fields=name'), { name: 'a' });
  assert.deepEqual(await show('fields=name&fields=mtu&fields=nope'), { name: 'a', mtu: 1500 });
  assert.deepEqual(await show('fields=tenant_id'), { tenant_id: 'p-bob' });
  assert.deepEqual(await show('fields=nope'), {});
  assert.deepEqual(await show('fields='), one);
  assert.deepEqual(await show('fields=provider:network_type'), {}, 'hidden stays hidden');
  assert.deepEqual(await api.expect('bob', 'GET', '/networks?name=a&fields=mtu'), [{ mtu: 1500 }]);
  assert.deepEqual(await api.expect('admin', 'GET', `/networks/${one.id}?fields=provider:network_type`), {
    'provider:network_type': 'local',
  });
});

const value = (item: Item, key: string) => item[key] ?? '';

for (const definition of NETWORKING_RESOURCES as readonly Resource[]) {
  const keys = Object.entries(definition.attributes)
    .filter(([, declared]) => declared.sort && !declared.internal && !declared.writeOnly)
    .map(([key]) => key);
  test(`${definition.collection}: sorted by ${keys.join(', ')}; page by page, both ways, nothing lost or twice`, async () => {
    const forwarding = definition.name === 'port_forwarding';
    const path = forwarding ? `/floatingips/${cloud.floatingIp.id}/port_forwardings` : `/${definition.collection}`;
    if (forwarding) {
      for (const port of [5, 3, 9]) {
        await api.create('alice', path, 'port_forwarding', {
          internal_port_id: cloud.vm1.id,
          internal_port: port,
          external_port: port,
          protocol: port === 3 ? 'udp' : 'tcp',
        });
      }
    }
    for (const key of keys) {
      for (const direction of ['asc', 'desc']) {
        const query = `sort_key=${key}&sort_dir=${direction}`;
        const all: Item[] = await api.expect('admin', 'GET', `${path}?${query}`);
        const order = (a: Item, b: Item) => {
          const [x, y] = [value(a, key), value(b, key)] as [string, string];
          return x === y ? 0 : x < y === (direction === 'asc') ? -1 : 1;
        };
        for (const [i, item] of all.entries()) {
          const next = all[i + 1];
          if (next !== undefined && key !== 'external_port_range')
            assert.ok(order(item, next) <= 0, `${key} ${direction}`);
        }
        const ids = all.map((item) => item.id);
        assert.deepEqual(await walk(`${path}?limit=2&${query}`, 'next'), ids, `${key} ${direction}`);
        assert.deepEqual(
          await walk(`${path}?limit=2&page_reverse=True&${query}`, 'previous'),
          ids,
          `${key} ${direction} backwards`,
        );
      }
    }
  });
}

/** Follows links of a list until there are none; answers all ids in the list's order. */
async function walk(path: string, rel: 'next' | 'previous'): Promise<unknown[]> {
  let found: unknown[] = [];
  let next: string | undefined = path;
  for (let pages = 0; next !== undefined && pages < 50; pages++) {
    const { status, body }: Answer = await api.send('admin', 'GET', next);
    assert.equal(status, 200, JSON.stringify(body));
    const [key = ''] = Object.keys(body);
    const ids = (body[key] as Item[]).map((item) => item.id);
    found = rel === 'next' ? [...found, ...ids] : [...ids, ...found];
    const links = (body[`${key}_links`] ?? []) as Link[];
    if (ids.length === 0) assert.deepEqual(links, [], 'an empty page has no links');
    next = links.find((link) => link.rel === rel)?.href.replace(/^.*\/v2\.0/, '');
  }
  return found;
}

test('links: which there are, and what they say', async () => {
  const rels = async (query: string) => {
    const { body } = await api.send('bob', 'GET', `/networks?description=page&sort_key=name&sort_dir=asc&${query}`);
    return [
      body.networks.map((item: Item) => item.name).join(','),
      ((body.networks_links ?? []) as Link[]).map((link) => link.rel).join(','),
    ];
  };
  const ids = Object.fromEntries(
    (await api.expect('bob', 'GET', '/networks?description=page')).map((item: Item) => [item.name, item.id]),
  );
  for (const [query, expected] of [
    ['', [',a,b,c', '']],
    ['limit=0', [',a,b,c', '']],
    ['limit=2', [',a', 'next,previous']],
    ['limit=4', [',a,b,c', 'next,previous']],
    ['limit=5', [',a,b,c', 'previous']],
    [`limit=2&marker=${ids.a}`, ['b,c', 'next,previous']],
    [`limit=3&marker=${ids.a}`, ['b,c', 'previous']],
    [`limit=2&marker=${ids.c}`, ['', '']],
    ['limit=2&page_reverse=True', ['b,c', 'next,previous']],
    [`limit=2&page_reverse=true&marker=${ids.b}`, [',a', 'next,previous']],
    [`limit=3&page_reverse=1&marker=${ids.b}`, [',a', 'next']],
    [`limit=2&page_reverse=False&marker=${ids.a}`, ['b,c', 'next,previous']],
  ] as const) {
    assert.deepEqual(await rels(query), expected, query);
  }
  const { body } = await api.request({
    method: 'GET',
    url: `/networking/v2.0/networks?limit=1&sort_key=name&sort_dir=asc&router:external=False&name=a&name=b&fields=id&fields=name`,
    headers: { 'x-auth-token': 'bob', host: 'cloud.example:9696' },
  });
  const [next, previous] = body.networks_links as [Link, Link];
  const rest = 'limit=1&sort_key=name&sort_dir=asc&router%3Aexternal=False&name=a&name=b&fields=id&fields=name';
  const base = 'http://cloud.example:9696/networking/v2.0/networks';
  assert.equal(next.href, `${base}?${rest}&marker=${ids.a}`);
  assert.equal(previous.href, `${base}?${rest}&marker=${ids.a}&page_reverse=True`);
  const noFields = await api.send('bob', 'GET', '/networks?limit=1&fields=name');
  assert.equal(noFields.body.networks_links.length, 2, 'the marker is known though the id is not shown');
});

test('without a wish, pages come by id', async () => {
  const ids = (await api.expect('bob', 'GET', '/networks?limit=100&fields=id')).map((item: Item) => item.id);
  assert.deepEqual(ids, ids.toSorted());
});

test('lists leave out what one may not see; an admin sees all, whatever the project', async () => {
  for (const path of ['subnets', 'ports', 'routers', 'floatingips', 'security-groups', 'security-group-rules']) {
    const owners = new Set((await api.expect('bob', 'GET', `/${path}`)).map((item: Item) => item.project_id));
    assert.deepEqual(
      [...owners].filter((owner) => owner !== 'p-bob'),
      [],
      path,
    );
    const all = (await api.expect('admin', 'GET', `/${path}?fields=project_id`)).map((item: Item) => item.project_id);
    assert.ok(all.includes('p-alice'), path);
    assert.deepEqual(await api.expect('reader', 'GET', `/${path}`), await api.expect('alice', 'GET', `/${path}`), path);
  }
});
