import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cidrsOverlap, parseCidr } from '@portward/model/ip-address.ts';
import { type Answer, TestApi } from '../http/test-api.ts';

let api: TestApi;

before(async () => {
  api = await TestApi.start();
});
after(() => api.stop());

const ABSENT = '00000000-0000-4000-8000-000000000000';
const refusal = ({ status, body }: Answer) => [status, body.NeutronError?.type, body.NeutronError?.message];
const pool = (values: object = {}, who = 'alice') =>
  api.create(who, '/subnetpools', 'subnetpool', { name: 'pool', prefixes: ['10.0.0.0/16'], ...values });
const scope = (values: object = {}, who = 'alice') =>
  api.create(who, '/address-scopes', 'address_scope', { name: 'scope', ip_version: 4, ...values });
const network = (who = 'alice') => api.create(who, '/networks', 'network', {});
const subnet = (who: string, network_id: string, values: object) =>
  api.send(who, 'POST', '/subnets', { subnet: { network_id, ip_version: 4, ...values } });
const put = (who: string, id: string, values: object, path = '') =>
  api.send(who, 'PUT', `/subnetpools/${id}${path}`, path === '' ? { subnetpool: values } : { ...values });

test('subnet pools: made, listed, changed, tagged, deleted', async () => {
  const made = await pool({ prefixes: ['10.1.0.0/16', '10.0.0.0/16', '192.168.1.0/24'], description: 'd' });
  const { id, created_at, updated_at, revision_number, ...rest } = made;
  assert.match(created_at, /Z$/);
  assert.equal(updated_at, created_at);
  assert.equal(revision_number, 0);
  assert.deepEqual(rest, {
    project_id: 'p-alice',
    tenant_id: 'p-alice',
    name: 'pool',
    description: 'd',
    prefixes: ['10.0.0.0/15', '192.168.1.0/24'],
    ip_version: 4,
    min_prefixlen: '8',
    default_prefixlen: '8',
    max_prefixlen: '32',
    default_quota: null,
    address_scope_id: null,
    is_default: false,
    shared: false,
    tags: [],
  });
  assert.deepEqual(await api.expect('alice', 'GET', `/subnetpools/${id}`), made);
  assert.deepEqual(await api.expect('alice', 'GET', '/subnetpools?ip_version=4&min_prefixlen=8&name=pool'), [made]);
  const six = await pool({ name: 'six', prefixes: ['fd00::/48'], default_prefixlen: 72, default_quota: 5 });
  assert.deepEqual(
    [six.ip_version, six.min_prefixlen, six.default_prefixlen, six.max_prefixlen, six.default_quota],
    [6, '64', '72', '128', 5],
  );
  const changed = await put('alice', id, {
    name: 'new',
    min_prefixlen: '16',
    default_prefixlen: 24,
    max_prefixlen: 28,
  });
  assert.equal(changed.status, 200);
  assert.deepEqual(
    ['name', 'min_prefixlen', 'default_prefixlen', 'max_prefixlen', 'revision_number'].map(
      (key) => changed.body.subnetpool[key],
    ),
    ['new', '16', '24', '28', 1],
  );
  const wider = await put('alice', id, { prefixes: ['10.0.0.0/14', '192.168.1.0/24'] });
  assert.deepEqual(wider.body.subnetpool.prefixes, ['10.0.0.0/14', '192.168.1.0/24']);
  assert.equal((await api.send('alice', 'PUT', `/subnetpools/${id}/tags`, { tags: ['red'] })).status, 200);
  assert.deepEqual(
    (await api.expect('alice', 'GET', '/subnetpools?tags=red')).map((item: { id: string }) => item.id),
    [id],
  );
  assert.equal((await api.send('bob', 'GET', `/subnetpools/${id}/tags`)).status, 404);
  for (const made of [id, six.id])
    assert.equal((await api.send('alice', 'DELETE', `/subnetpools/${made}`)).status, 204);
  assert.deepEqual(await api.expect('alice', 'GET', '/subnetpools'), []);
});

test('subnet pools: what is refused', async () => {
  const made = await pool({ name: 'kept' });
  const bounds = (text: string) => [400, 'IllegalSubnetPoolPrefixBounds', `Illegal prefix bounds: ${text}.`];
  const bad = (text: string) => [400, 'HTTPBadRequest', text];
  const refused: [object, unknown[]][] = [
    [{ name: '' }, bad("Invalid input for name. Reason: '' Blank strings are not permitted.")],
    [{ name: undefined }, bad("Failed to parse request. Required attribute 'name' not specified")],
    [{ prefixes: undefined }, bad("Failed to parse request. Required attribute 'prefixes' not specified")],
    [{ prefixes: [] }, [400, 'EmptySubnetPoolPrefixList', 'Empty subnet pool prefix list.']],
    [{ prefixes: ['x'] }, bad("Invalid input for prefixes. Reason: 'x' is not a valid IP subnet.")],
    [
      { prefixes: ['10.0.0.0/8', 'fd00::/8'] },
      [400, 'PrefixVersionMismatch', 'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.'],
    ],
    [{ min_prefixlen: 25, max_prefixlen: 24 }, bounds('min_prefixlen=25, max_prefixlen=24')],
    [{ max_prefixlen: 33 }, bounds('max_prefixlen=33, ip_version_max=32')],
    [{ default_prefixlen: 7 }, bounds('default_prefixlen=7, min_prefixlen=8')],
    [{ default_prefixlen: 25, max_prefixlen: 24 }, bounds('default_prefixlen=25, max_prefixlen=24')],
    [{ min_prefixlen: -1 }, bad("Invalid input for min_prefixlen. Reason: '-1' should be non-negative.")],
    [{ min_prefixlen: 'a' }, bad("Invalid input for min_prefixlen. Reason: 'a' is not an integer.")],
    [{ default_quota: -1 }, bad("Invalid input for default_quota. Reason: '-1' should be non-negative.")],
    [{ ip_version: 4 }, bad("Attribute 'ip_version' not allowed in POST")],
    [{ address_scope_id: ABSENT }, [404, 'AddressScopeNotFound', `Address scope ${ABSENT} could not be found.`]],
    [
      { shared: true },
      [
        403,
        'PolicyNotAuthorized',
        '(rule:create_subnetpool and rule:create_subnetpool:shared) is disallowed by policy',
      ],
    ],
    [
      { is_default: true },
      [
        403,
        'PolicyNotAuthorized',
        '(rule:create_subnetpool and rule:create_subnetpool:is_default) is disallowed by policy',
      ],
    ],
  ];
  for (const [values, wanted] of refused) {
    const answer = await api.send('alice', 'POST', '/subnetpools', {
      subnetpool: { name: 'p', prefixes: ['10.0.0.0/8'], ...values },
    });
    assert.deepEqual(refusal(answer), wanted, JSON.stringify(values));
  }
  const updates: [string, object, unknown[]][] = [
    [
      'alice',
      { prefixes: ['10.0.0.0/17'] },
      [
        400,
        'IllegalSubnetPoolPrefixUpdate',
        'Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.',
      ],
    ],
    ['alice', { prefixes: ['fd00::/8'] }, [400, 'PrefixVersionMismatch', /./]],
    ['alice', { shared: true }, bad('Cannot update read-only attribute shared')],
    ['alice', { project_id: 'p-alice' }, bad('Cannot update read-only attribute project_id')],
    ['alice', { min_prefixlen: 33 }, bounds('min_prefixlen=33, max_prefixlen=32')],
    ['alice', { is_default: true }, [403, 'PolicyNotAuthorized', /./]],
    ['reader', { name: 'x' }, [403, 'PolicyNotAuthorized', 'rule:update_subnetpool is disallowed by policy']],
    ['bob', { name: 'x' }, [404, 'SubnetPoolNotFound', `Subnet pool ${made.id} could not be found.`]],
  ];
  for (const [who, values, [status, type, message]] of updates) {
    const answer = refusal(await put(who, made.id, values));
    assert.deepEqual(answer.slice(0, 2), [status, type], JSON.stringify(values));
    if (typeof message === 'string') assert.equal(answer[2], message);
  }
  assert.deepEqual(await api.expect('alice', 'GET', '/subnetpools?name=kept'), [made]);
  await api.send('alice', 'DELETE', `/subnetpools/${made.id}`);
});

test('prefixes of a pool come and go one by one, but for those in use', async () => {
  const made = await pool({ prefixes: ['10.0.0.0/24'], min_prefixlen: 24 });
  const act = (action: string, prefixes: unknown, who = 'alice') => put(who, made.id, { prefixes }, `/${action}`);
  const added = await act('add_prefixes', ['10.0.1.0/24', '10.9.0.0/24']);
  assert.deepEqual([added.status, added.body], [200, { prefixes: ['10.0.0.0/23', '10.9.0.0/24'] }]);
  const net = await network();
  assert.equal((await subnet('alice', net.id, { subnetpool_id: made.id })).status, 201);
  const inUse = await act('remove_prefixes', ['10.0.0.0/23', '10.9.0.0/24']);
  const used = await api.expect('alice', 'GET', `/subnets?network_id=${net.id}`);
  assert.equal(used[0].cidr, '10.9.0.0/24', 'the smallest block that is large enough');
  assert.deepEqual(refusal(inUse), [
    400,
    'IllegalSubnetPoolPrefixUpdate',
    'Illegal update to prefixes: One or more the prefixes to be removed is in use by a subnet..',
  ]);
  assert.deepEqual((await act('remove_prefixes', ['10.0.0.0/24'])).body, { prefixes: ['10.0.1.0/24', '10.9.0.0/24'] });
  assert.deepEqual((await act('remove_prefixes', ['172.16.0.0/12'])).body, {
    prefixes: ['10.0.1.0/24', '10.9.0.0/24'],
  });
  const invalid = [400, 'HTTPBadRequest', 'Request body contains invalid data'];
  for (const prefixes of [[], 'x', undefined, {}]) {
    for (const action of ['add_prefixes', 'remove_prefixes']) {
      const answer = refusal(await act(action, prefixes));
      if (prefixes !== undefined) assert.deepEqual(answer, invalid);
      else assert.equal(answer[0], 400);
    }
  }
  assert.equal(refusal(await act('add_prefixes', ['fd00::/64']))[1], 'PrefixVersionMismatch');
  assert.equal(refusal(await act('remove_prefixes', ['fd00::/64']))[1], 'PrefixVersionMismatch');
  assert.equal(refusal(await act('add_prefixes', ['10.0.0.0']))[0], 400);
  assert.equal(refusal(await act('add_prefixes', ['10.2.0.0/16'], 'bob'))[1], 'SubnetPoolNotFound');
  assert.deepEqual(refusal(await api.send('alice', 'DELETE', `/subnetpools/${made.id}`)), [
    400,
    'SubnetPoolDeleteError',
    'Unable to delete subnet pool: Subnet pool has existing allocations.',
  ]);
  await api.send('alice', 'DELETE', `/networks/${net.id}`);
  assert.equal((await api.send('alice', 'DELETE', `/subnetpools/${made.id}`)).status, 204, 'the block went back');
});

test('subnets from a pool: by its default, by a length, by a block; what is refused', async () => {
  const made = await pool({ prefixes: ['10.0.0.0/20'], min_prefixlen: 22, default_prefixlen: 24, max_prefixlen: 26 });
  const from = async (values: object, who = 'alice') =>
    subnet(who, (await network(who)).id, { subnetpool_id: made.id, ...values });
  const cidrs: string[] = [];
  for (const values of [{}, { prefixlen: 26 }, { prefixlen: '22' }, { cidr: '10.0.2.0/24' }, { prefixlen: 26 }]) {
    const answer = await from(values);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    assert.equal(answer.body.subnet.subnetpool_id, made.id);
    assert.ok(!('prefixlen' in answer.body.subnet) && !('use_default_subnetpool' in answer.body.subnet));
    cidrs.push(answer.body.subnet.cidr);
  }
  assert.deepEqual(cidrs, ['10.0.0.0/24', '10.0.1.0/26', '10.0.4.0/22', '10.0.2.0/24', '10.0.1.64/26']);
  const [first] = await api.expect('alice', 'GET', `/subnets?subnetpool_id=${made.id}&cidr=10.0.0.0/24`);
  assert.deepEqual(
    [first.gateway_ip, first.allocation_pools],
    ['10.0.0.1', [{ start: '10.0.0.2', end: '10.0.0.254' }]],
  );

  const badSubnets = (text: string) => [400, 'BadRequest', `Bad subnets request: ${text}`];
  const noBlock = (text: string) => [409, 'SubnetAllocationError', `Failed to allocate subnet: ${text}.`];
  const unavailable = 'Cannot allocate requested subnet from the available set of prefixes';
  const refused: [object, unknown[]][] = [
    [{ cidr: '10.0.0.0/24' }, noBlock(unavailable)],
    [{ cidr: '10.0.0.128/25' }, noBlock(unavailable)],
    [{ cidr: '172.16.0.0/24' }, noBlock(unavailable)],
    [{ cidr: '10.0.8.0/24', prefixlen: 24 }, badSubnets('cidr and prefixlen must not be supplied together.')],
    [
      { prefixlen: 27 },
      [
        400,
        'MaxPrefixSubnetAllocationError',
        'Unable to allocate subnet with prefix length 27, maximum allowed prefix is 26.',
      ],
    ],
    [
      { cidr: '10.0.8.0/21' },
      [
        400,
        'MinPrefixSubnetAllocationError',
        'Unable to allocate subnet with prefix length 21, minimum allowed prefix is 22.',
      ],
    ],
    [{ ip_version: 6 }, badSubnets('Cannot allocate IPv6 subnet from IPv4 subnet pool.')],
    [
      { allocation_pools: [{ start: '10.0.8.2', end: '10.0.8.9' }] },
      badSubnets('allocation_pools allowed only for specific subnet requests..'),
    ],
    [
      { use_default_subnetpool: true },
      badSubnets('subnetpool_id and use_default_subnetpool cannot both be specified.'),
    ],
    [{ subnetpool_id: ABSENT }, [404, 'SubnetPoolNotFound', `Subnet pool ${ABSENT} could not be found.`]],
    [{ subnetpool_id: null, prefixlen: 24 }, badSubnets('a subnetpool must be specified in the absence of a cidr.')],
    [{ prefixlen: 'x' }, [400, 'HTTPBadRequest', "Invalid input for prefixlen. Reason: 'x' is not an integer."]],
    [{ subnetpool_id: undefined, use_default_subnetpool: true }, badSubnets('No default subnetpool found for IPv4.')],
    [
      { use_default_subnetpool: 'maybe' },
      [400, 'InvalidInput', "Invalid input for operation: 'maybe' cannot be converted to boolean."],
    ],
  ];
  for (const [values, wanted] of refused) assert.deepEqual(refusal(await from(values)), wanted, JSON.stringify(values));
  const hidden = [404, 'SubnetPoolNotFound', `Subnet pool ${made.id} could not be found.`];
  assert.deepEqual(refusal(await from({}, 'bob')), hidden);

  assert.equal((await from({ prefixlen: 22 })).status, 201);
  assert.equal((await from({ prefixlen: 22 })).status, 201);
  assert.deepEqual(
    refusal(await from({ prefixlen: 22 })),
    noBlock('Insufficient prefix space to allocate subnet size /22'),
  );
});

test('a pool shared with a project gives it subnets, within its quota', async () => {
  const made = await pool({ prefixes: ['10.64.0.0/16'], default_prefixlen: 24, default_quota: 600 });
  const share = () =>
    api.create('alice', '/rbac-policies', 'rbac_policy', {
      object_type: 'subnetpool',
      object_id: made.id,
      action: 'access_as_shared',
      target_tenant: 'p-bob',
    });
  const policy = await share();
  const [one, two] = [await network('bob'), await network('bob')];
  const from = (values: object, id = one.id) => subnet('bob', id, { subnetpool_id: made.id, ...values });
  assert.equal((await from({})).status, 201);
  assert.equal((await from({ prefixlen: 25 }, two.id)).status, 201);
  assert.deepEqual(refusal(await from({})), [
    409,
    'SubnetPoolQuotaExceeded',
    'Per-project subnet pool prefix quota exceeded.',
  ]);
  assert.equal((await from({ prefixlen: 26 })).status, 201, 'what is left of the quota');
  assert.equal(
    (await subnet('alice', (await network()).id, { subnetpool_id: made.id })).status,
    201,
    'each has its own',
  );
  assert.equal((await put('bob', made.id, { prefixes: ['10.0.0.0/8'] }, '/add_prefixes')).status, 403);
  const needed = await api.send('alice', 'DELETE', `/rbac-policies/${policy.id}`);
  assert.deepEqual(refusal(needed).slice(0, 2), [409, 'RbacPolicyInUse']);
  for (const { id } of [one, two]) await api.send('bob', 'DELETE', `/networks/${id}`);
  assert.equal((await api.send('alice', 'DELETE', `/rbac-policies/${policy.id}`)).status, 204);
});

test('subnets of one network and family are of one pool, or one address scope', async () => {
  const [a, b] = [await scope(), await scope()];
  const inA = await pool({ prefixes: ['10.128.0.0/16'], default_prefixlen: 24, address_scope_id: a.id });
  const alsoInA = await pool({ prefixes: ['10.129.0.0/16'], default_prefixlen: 24, address_scope_id: a.id });
  const inB = await pool({ prefixes: ['10.128.0.0/16'], default_prefixlen: 24, address_scope_id: b.id });
  const free = await pool({ prefixes: ['10.130.0.0/16'], default_prefixlen: 24 });
  const six = await pool({ prefixes: ['fd00::/48'] });
  const poolsDiffer = [
    400,
    'NetworkSubnetPoolAffinityError',
    'Subnets hosted on the same network must be allocated from the same subnet pool.',
  ];
  const scopesDiffer = [
    400,
    'NetworkAddressScopeAffinityError',
    'Subnets of the same address family hosted on the same network must all participate in the same address scope.',
  ];
  const net = await network();
  assert.equal((await subnet('alice', net.id, { subnetpool_id: inA.id })).status, 201);
  assert.equal((await subnet('alice', net.id, { subnetpool_id: alsoInA.id })).status, 201);
  assert.equal((await subnet('alice', net.id, { subnetpool_id: six.id, ip_version: 6 })).status, 201);
  assert.deepEqual(refusal(await subnet('alice', net.id, { subnetpool_id: inB.id })), scopesDiffer);
  assert.deepEqual(refusal(await subnet('alice', net.id, { subnetpool_id: free.id })), scopesDiffer);
  assert.deepEqual(refusal(await subnet('alice', net.id, { cidr: '172.16.0.0/24' })), poolsDiffer);
  const shown = await api.expect('alice', 'GET', `/networks/${net.id}`);
  assert.deepEqual([shown.ipv4_address_scope, shown.ipv6_address_scope], [a.id, null]);
  assert.deepEqual(refusal(await put('alice', inA.id, { address_scope_id: null })), scopesDiffer);

  const plain = await network();
  assert.equal((await subnet('alice', plain.id, { cidr: '172.16.0.0/24' })).status, 201);
  assert.deepEqual(refusal(await subnet('alice', plain.id, { subnetpool_id: free.id })), poolsDiffer);
  const pooled = await network();
  assert.equal((await subnet('alice', pooled.id, { subnetpool_id: free.id })).status, 201);
  const intoScope = await put('alice', free.id, { address_scope_id: b.id });
  assert.equal(intoScope.status, 200);
  assert.equal((await api.expect('alice', 'GET', `/networks/${pooled.id}`)).ipv4_address_scope, b.id);
});

test('the default pool: one a version, for whoever asks for it', async () => {
  const made = await pool(
    { prefixes: ['22.0.0.0/16'], default_prefixlen: 24, is_default: true, shared: true },
    'admin',
  );
  const second = await api.send('admin', 'POST', '/subnetpools', {
    subnetpool: { name: 'second', prefixes: ['23.0.0.0/16'], is_default: true },
  });
  const one = [
    400,
    'InvalidInput',
    'Invalid input for operation: A default subnetpool for this IP family has already been set. Only one default may exist per IP family.',
  ];
  assert.deepEqual(refusal(second), one);
  const other = await pool({ prefixes: ['23.0.0.0/16'] }, 'admin');
  assert.deepEqual(refusal(await put('admin', other.id, { is_default: true })), one);
  const net = await network();
  const taken = await subnet('alice', net.id, { use_default_subnetpool: true, prefixlen: 28 });
  assert.deepEqual([taken.status, taken.body.subnet.cidr], [201, '22.0.0.0/28']);
  assert.equal(taken.body.subnet.subnetpool_id, made.id);
  assert.equal((await subnet('alice', net.id, { use_default_subnetpool: true, ip_version: 6 })).status, 400);
  assert.equal((await put('admin', made.id, { is_default: false })).status, 200);
  assert.equal((await put('admin', other.id, { is_default: true })).status, 200);
});

test('blocks that are taken at once never overlap, and none is lost', async () => {
  const made = await pool({ prefixes: ['24.0.0.0/20', '25.0.0.0/22'], min_prefixlen: 22, default_prefixlen: 26 });
  const networks = await Promise.all(Array.from({ length: 40 }, () => network()));
  const wishes = [{ prefixlen: 24 }, { prefixlen: 26 }, { cidr: '24.0.5.0/24' }, { prefixlen: 23 }, {}];
  const answers = await Promise.all(
    networks.map(({ id }, index) => subnet('alice', id, { subnetpool_id: made.id, ...wishes[index % wishes.length] })),
  );
  assert.ok(answers.every(({ status }) => status === 201 || status === 409));
  const named = answers.filter(({ body }) => body.subnet?.cidr === '24.0.5.0/24');
  assert.ok(named.length <= 1);
  const blocks = (await api.expect('alice', 'GET', `/subnets?subnetpool_id=${made.id}`)).map((item: { cidr: string }) =>
    parseCidr(item.cidr),
  );
  assert.equal(blocks.length, answers.filter(({ status }) => status === 201).length);
  for (const [index, block] of blocks.entries()) {
    for (const other of blocks.slice(index + 1)) assert.ok(!cidrsOverlap(block, other));
  }
  // The rest is there still: one address after the other until the pool says that it is empty.
  const size = (list: { first: bigint; last: bigint }[]) =>
    list.reduce((sum, { first, last }) => sum + Number(last - first) + 1, 0);
  const free = 4096 + 1024 - size(blocks);
  const more = await Promise.all(
    Array.from({ length: free / 64 + 3 }, async () =>
      subnet('alice', (await network()).id, { subnetpool_id: made.id, prefixlen: 26 }),
    ),
  );
  assert.equal(more.filter(({ status }) => status === 201).length, free / 64);
  await Promise.all(
    (await api.expect('alice', 'GET', `/subnets?subnetpool_id=${made.id}`)).map(({ id }: { id: string }) =>
      api.send('alice', 'DELETE', `/subnets/${id}`),
    ),
  );
  const whole = await subnet('alice', (await network()).id, { subnetpool_id: made.id, prefixlen: 22 });
  assert.deepEqual([whole.status, whole.body.subnet.cidr], [201, '25.0.0.0/22'], 'what was given back is whole again');
});

test('extensions of sharing and pools are advertised', async () => {
  const aliases = (await api.expect('alice', 'GET', '/extensions')).map(({ alias }: { alias: string }) => alias);
  for (const alias of [
    'address-group',
    'address-scope',
    'default-subnetpools',
    'rbac-address-group',
    'rbac-address-scope',
    'rbac-policies',
    'rbac-security-groups',
    'rbac-subnetpool',
    'security-groups-remote-address-group',
    'subnet_allocation',
    'subnetpool-prefix-ops',
  ]) {
    assert.equal(aliases.filter((found: string) => found === alias).length, 1, alias);
  }
});
