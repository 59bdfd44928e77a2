import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { CompiledQuery } from 'kysely';
import { aliceCloud, TestApi } from '../http/test-api.ts';
import { statementsOf } from '../store/statement-count.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;
let forwarding: { id: string };

const forwardings = () => `/floatingips/${cloud.floatingIp.id}/port_forwardings`;
const ID = '0e8fa8a5-0000-4000-8000-000000000000';

/** How SQLite would go about a statement, a line for each step. */
async function planOf({ sql, parameters }: CompiledQuery): Promise<string[]> {
  const explain = { sql: `explain query plan ${sql}`, parameters } as unknown as CompiledQuery<{ detail: string }>;
  const { rows } = await api.store.read((db) => db.executeQuery(explain));
  return rows.map((row) => row.detail);
}

/** The plans of all statements of a GET. */
async function plansOf(who: string, path: string): Promise<string[][]> {
  const seen = await statementsOf(() => api.expect(who, 'GET', path));
  return Promise.all(seen.map(planOf));
}

/** Steps that read a whole table or a whole index of it; lists of values that came with the statement are no table. */
const scans = (plans: string[][]): string[] =>
  plans.flat().filter((step) => /^SCAN (?!json_each|CONSTANT|\()/.test(step));

// What PostgreSQL makes of a statement depends on what is in the tables at the moment, and so says nothing here; the
// statements and the indexes are the same.
const onSqlite = process.env.PORTWARD_TEST_POSTGRESQL === undefined;

/** What projects ask for of lists, however many objects others have. */
const ASKED: [name: string, path: () => string, queries: () => string[]][] = [
  [
    'ports',
    () => '/ports',
    () => [
      'name=a&name=b',
      `id=${ID}`,
      `network_id=${cloud.network.id}`,
      'device_id=x&device_owner=compute:nova',
      'mac_address=fa:16:3e:00:00:01',
      'status=ACTIVE&admin_state_up=true',
      'fixed_ips=ip_address%3D192.168.2.79',
      `fixed_ips=subnet_id%3D${cloud.subnet.id}`,
      'fixed_ips=ip_address_substr%3D168.2',
      `security_groups=${ID}`,
      'binding:host_id=h1',
    ],
  ],
  [
    'networks',
    () => '/networks',
    () => ['name=a', `id=${ID}`, 'router:external=true', 'shared=true', 'shared=false', 'status=ACTIVE'],
  ],
  [
    'subnets',
    () => '/subnets',
    () => ['name=a', `network_id=${cloud.network.id}`, 'cidr=10.0.0.0/8', 'ip_version=4', `subnetpool_id=${ID}`],
  ],
  ['routers', () => '/routers', () => ['name=a', `id=${ID}`, 'status=ACTIVE']],
  [
    'floatingips',
    () => '/floatingips',
    () => [
      'floating_ip_address=10.11.7.4',
      `port_id=${ID}`,
      `router_id=${ID}`,
      `floating_network_id=${ID}`,
      'fixed_ip_address=192.168.2.79',
      'status=DOWN',
    ],
  ],
  [
    'port forwardings',
    forwardings,
    () => ['external_port=2222', 'external_port_range=1:2', 'protocol=tcp', `internal_port_id=${cloud.vm1.id}`],
  ],
  ['security-groups', () => '/security-groups', () => ['name=default', `id=${ID}`, 'stateful=true', 'shared=true']],
  [
    'security-group-rules',
    () => '/security-group-rules',
    () => [`security_group_id=${ID}`, 'direction=ingress', `remote_group_id=${ID}`],
  ],
  ['address-groups', () => '/address-groups', () => ['name=a']],
  ['address-scopes', () => '/address-scopes', () => ['name=a', 'ip_version=4']],
  ['subnetpools', () => '/subnetpools', () => ['name=a', 'is_default=true', `address_scope_id=${ID}`]],
  ['rbac-policies', () => '/rbac-policies', () => [`object_id=${ID}`, 'object_type=network']],
];
const TAGGED = new Set(['/ports', '/networks', '/subnets', '/routers', '/floatingips', '/security-groups']);
/** What shows no times. */
const UNDATED = new Set(['/address-scopes', '/rbac-policies']);
const TAGS = ['tags=a,b', 'tags-any=a,b', 'not-tags=a', 'not-tags-any=a,b'];

if (onSqlite) {
  before(async () => {
    api = await TestApi.start();
    cloud = await aliceCloud(api);
    forwarding = await api.create('alice', forwardings(), 'port_forwarding', {
      internal_port_id: cloud.vm1.id,
      internal_port: 22,
      external_port: 2222,
      protocol: 'tcp',
    });
  });
  after(() => api.stop());

  for (const [name, path, queries] of ASKED) {
    test(`a project's list of ${name} reads no table from end to end`, async () => {
      const dated = UNDATED.has(path()) || path() === forwardings() ? [] : ['changed_since=2026-01-01T00:00:00Z'];
      const tags = TAGGED.has(path()) ? TAGS : [];
      const paged = ['', 'limit=10', 'limit=10&page_reverse=true', 'sort_key=id&sort_dir=desc'];
      for (const query of [...paged, ...queries(), ...tags, ...dated]) {
        for (const more of ['', '&limit=10']) {
          const asked = `${path()}?${query}${more}`;
          const plans = await plansOf('alice', asked);
          assert.ok(plans.flat().length > 0, asked);
          assert.deepEqual(scans(plans), [], `${asked}\n${plans.map((plan) => plan.join('\n')).join('\n\n')}`);
        }
      }
    });
  }

  /** Steps of the list's own statement, the one that names the limit. */
  const pageSteps = async (who: string, path: string): Promise<string[]> => {
    const seen = await statementsOf(() => api.expect(who, 'GET', path));
    const page = seen.findLast(({ sql }) => / order by .* limit /.test(sql));
    assert.ok(page !== undefined, path);
    return planOf(page);
  };

  for (const [path, table, marker] of [
    ['/ports', 'ports', () => cloud.vm1.id],
    ['/networks', 'networks', () => cloud.network.id],
    ['/subnets', 'subnets', () => cloud.subnet.id],
    ['/routers', 'routers', () => cloud.router.id],
    ['/floatingips', 'floatingips', () => cloud.floatingIp.id],
  ] as const) {
    test(`a page of ${table} is read from where it begins, in order, whatever the project has`, async () => {
      for (const query of [
        'limit=10',
        `limit=10&marker=${marker()}`,
        `limit=10&marker=${marker()}&page_reverse=true`,
      ]) {
        const steps = await pageSteps('alice', `${path}?${query}`);
        const own = steps.findIndex((step) => step.includes(`INDEX ${table}_project (project_id=?`));
        assert.ok(own >= 0, `${query}\n${steps.join('\n')}`);
        if (query.includes('marker')) assert.match(steps[own] as string, /AND id[<>]\?/, query);
        assert.doesNotMatch(steps[own + 1] ?? '', /TEMP B-TREE/, `sorted first: ${query}\n${steps.join('\n')}`);
      }
    });
  }

  test('a page of forwardings is read from where it begins, in order', async () => {
    for (const query of ['limit=10', `limit=10&marker=${forwarding.id}`]) {
      const steps = await pageSteps('alice', `${forwardings()}?${query}`);
      assert.match(steps.join('\n'), /INDEX port_forwardings_floatingip \(floatingip_id=\?/, query);
      assert.doesNotMatch(steps.join('\n'), /TEMP B-TREE/, query);
    }
  });

  test('an administrator finds by name, address, device and owner without reading whole tables', async () => {
    for (const path of [
      '/ports?name=a',
      '/ports?device_id=x',
      `/ports?network_id=${ID}`,
      '/ports?project_id=p-alice&limit=10',
      '/ports?fixed_ips=ip_address%3D192.168.2.79',
      '/networks?name=a',
      '/floatingips?floating_ip_address=10.11.7.4',
      `/floatingips?router_id=${ID}`,
      '/routers?project_id=p-alice',
      '/security-groups?name=default',
    ]) {
      const plans = await plansOf('admin', path);
      assert.deepEqual(scans(plans), [], `${path}\n${plans.map((plan) => plan.join('\n')).join('\n\n')}`);
    }
  });

  test('what no index answers is seen to read the table', async () => {
    assert.notDeepEqual(scans(await plansOf('admin', '/ports?status=ACTIVE')), []);
  });

  test('an administrator pages through everything in the order of the key', async () => {
    for (const path of ['/ports', '/networks', '/floatingips', '/routers']) {
      const steps = await pageSteps('admin', `${path}?limit=10`);
      assert.doesNotMatch(steps.join('\n'), /TEMP B-TREE/, path);
    }
  });
}
