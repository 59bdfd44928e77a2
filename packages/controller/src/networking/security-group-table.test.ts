import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;
let group: { id: string };
let foreign: { id: string };

const UNKNOWN = '9b68c54c-2d19-4ad4-a2a1-30574c83647c';

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
  group = await api.create('alice', '/security-groups', 'security_group', { name: 'web' });
  foreign = await api.create('bob', '/security-groups', 'security_group', {});
});
after(() => api.stop());

const rule = (values: object, who = 'alice') =>
  api.send(who, 'POST', '/security-group-rules', {
    security_group_rule: { security_group_id: group.id, direction: 'ingress', ...values },
  });
const put = (id: string, values: object, who = 'alice') =>
  api.send(who, 'PUT', `/security-groups/${id}`, { security_group: values });

/** What a project asks for first, and whether its default group is there afterwards. */
const MOMENTS: [string, string, Record<string, unknown> | undefined, boolean][] = [
  ['GET', '/security-groups', undefined, true],
  ['POST', '/security-groups', { security_group: {} }, true],
  ['POST', '/networks', { network: {} }, true],
  ['GET', '/networks', undefined, false],
  ['POST', '/routers', { router: {} }, false],
];

for (const [method, path, body, there] of MOMENTS) {
  test(`${method} ${path} ${there ? 'brings' : 'does not bring'} the project’s default group`, async () => {
    const fresh = await TestApi.start();
    try {
      assert.ok((await fresh.send('bob', method, path, body)).status < 300);
      const groups = await fresh.expect('admin', 'GET', '/security-groups?project_id=p-bob&name=default');
      assert.equal(groups.length, there ? 1 : 0);
    } finally {
      await fresh.stop();
    }
  });
}

test('a port of a fresh project brings its default group, also when it is changed only', async () => {
  const shared = await api.create('admin', '/networks', 'network', { shared: true });
  const made = await api.create('admin', '/ports', 'port', { network_id: shared.id, project_id: 'p-fresh' });
  const [first] = await api.expect('admin', 'GET', '/security-groups?project_id=p-fresh&name=default');
  assert.ok(first);
  await api.expect('admin', 'PUT', `/ports/${made.id}`, { port: { security_groups: [] } });
  assert.equal((await api.send('admin', 'DELETE', `/security-groups/${first.id}`)).status, 204);
  await api.expect('admin', 'PUT', `/ports/${made.id}`, { port: { name: 'x' } });
  const again = await api.expect('admin', 'GET', '/security-groups?project_id=p-fresh&name=default');
  assert.equal(again.length, 1);
});

test('the default group: its rules, whole, and what may not be done with it', async () => {
  const [made] = await api.expect('alice', 'GET', '/security-groups?name=default');
  assert.deepEqual(
    { ...made, security_group_rules: undefined, created_at: '', updated_at: '', revision_number: 0 },
    {
      id: made.id,
      project_id: 'p-alice',
      tenant_id: 'p-alice',
      created_at: '',
      updated_at: '',
      revision_number: 0,
      name: 'default',
      description: 'Default security group',
      stateful: true,
      shared: false,
      security_group_rules: undefined,
      tags: [],
    },
  );
  const rules = made.security_group_rules.map((item: Record<string, unknown>) => [
    item.direction,
    item.ethertype,
    item.remote_group_id === made.id,
    item.description,
    item.protocol,
    item.tags,
  ]);
  assert.deepEqual(rules.sort(), [
    ['egress', 'IPv4', false, null, null, []],
    ['egress', 'IPv6', false, null, null, []],
    ['ingress', 'IPv4', true, null, null, []],
    ['ingress', 'IPv6', true, null, null, []],
  ]);
  for (const [answer, status, type] of [
    [await put(made.id, { name: 'x' }), 409, 'SecurityGroupCannotUpdateDefault'],
    [await put(group.id, { name: 'default' }), 409, 'SecurityGroupDefaultAlreadyExists'],
    [await api.send('alice', 'DELETE', `/security-groups/${made.id}`), 409, 'SecurityGroupInUse'],
    [
      await api.send('alice', 'POST', '/security-groups', { security_group: { name: 'default' } }),
      409,
      'SecurityGroupDefaultAlreadyExists',
    ],
  ] as const) {
    assert.deepEqual([answer.status, answer.body.NeutronError.type], [status, type]);
  }
  assert.equal((await put(made.id, { name: 'default', description: 'd' })).status, 200);
  const fresh = await api.create('alice', '/security-groups', 'security_group', { name: 'web' });
  assert.deepEqual(
    fresh.security_group_rules
      .map((item: Record<string, unknown>) => [item.direction, item.ethertype, item.remote_group_id, item.description])
      .sort(),
    [
      ['egress', 'IPv4', null, null],
      ['egress', 'IPv6', null, null],
    ],
  );
  await api.expect('alice', 'DELETE', `/security-groups/${fresh.id}`);
});

test('a group in use stays as it is; one that rules name takes them along', async () => {
  const own = await api.create('alice', '/security-groups', 'security_group', { stateful: 'False' });
  assert.equal(own.stateful, false);
  const port = await api.create('alice', '/ports', 'port', { network_id: cloud.network.id, security_groups: [own.id] });
  for (const answer of [
    await put(own.id, { stateful: true }),
    await api.send('alice', 'DELETE', `/security-groups/${own.id}`),
  ]) {
    assert.deepEqual(
      [answer.status, answer.body.NeutronError.type, answer.body.NeutronError.message],
      [409, 'SecurityGroupInUse', `Security Group ${own.id} in use.`],
    );
  }
  assert.equal((await put(own.id, { stateful: false, name: 'n' })).status, 200, 'no change');
  await api.expect('alice', 'DELETE', `/ports/${port.id}`);
  const named = (await rule({ remote_group_id: own.id })).body.security_group_rule;
  const before = (await api.expect('alice', 'GET', `/security-groups/${group.id}`)).revision_number;
  assert.equal((await api.send('alice', 'DELETE', `/security-groups/${own.id}`)).status, 204);
  assert.equal((await api.send('alice', 'GET', `/security-group-rules/${named.id}`)).status, 404);
  assert.ok((await api.expect('alice', 'GET', `/security-groups/${group.id}`)).revision_number > before);
  const gone = await api.send('alice', 'GET', `/security-groups/${own.id}`);
  assert.deepEqual(
    [gone.body.NeutronError.type, gone.body.NeutronError.message],
    ['SecurityGroupNotFound', `Security group ${own.id} does not exist`],
  );
});

/** Rules that are taken, and what is then shown. */
const TAKEN: [object, object][] = [
  [{}, { ethertype: 'IPv4', protocol: null, port_range_min: null, remote_ip_prefix: null, description: '' }],
  [
    { direction: 'egress', ethertype: 'ipv6', protocol: 'tcp' },
    { direction: 'egress', ethertype: 'IPv6' },
  ],
  [{ protocol: 'TCP' }, { protocol: 'tcp' }],
  [{ protocol: 6 }, { protocol: '6' }],
  [{ protocol: '006' }, { protocol: '6' }],
  [{ protocol: 0 }, { protocol: '0' }],
  [{ protocol: '255' }, { protocol: '255' }],
  [{ protocol: '' }, { protocol: null }],
  ...['ah', 'dccp', 'egp', 'esp', 'gre', 'hopopt', 'icmp', 'igmp', 'ip', 'ipip', 'ospf', 'pgm', 'rsvp', 'sctp', 'udp']
    .concat(['udplite', 'vrrp'])
    .map((protocol): [object, object] => [{ protocol }, { protocol }]),
  ...['ipv6-encap', 'ipv6-frag', 'ipv6-icmp', 'ipv6-nonxt', 'ipv6-opts', 'ipv6-route'].map(
    (protocol): [object, object] => [{ protocol, ethertype: 'IPv6' }, { protocol }],
  ),
  [{ protocol: 'icmpv6', ethertype: 'IPv6' }, { protocol: 'ipv6-icmp' }],
  [{ protocol: 'icmp', ethertype: 'IPv6' }, { protocol: 'ipv6-icmp' }],
  [
    { protocol: 'tcp', port_range_min: 22, port_range_max: 22 },
    { port_range_min: 22, port_range_max: 22 },
  ],
  [
    { protocol: 'udp', port_range_min: '1', port_range_max: '65534' },
    { port_range_min: 1, port_range_max: 65_534 },
  ],
  [
    { protocol: 'tcp', port_range_min: 1, port_range_max: 65_535 },
    { port_range_min: null, port_range_max: null },
  ],
  [
    { protocol: 'sctp', port_range_min: 1, port_range_max: 65_535 },
    { port_range_min: 1, port_range_max: 65_535 },
  ],
  [
    { protocol: '132', port_range_min: 7, port_range_max: 8 },
    { protocol: '132', port_range_min: 7 },
  ],
  [
    { protocol: 'icmp', port_range_min: 0 },
    { port_range_min: 0, port_range_max: null },
  ],
  [
    { protocol: 'icmp', port_range_min: 255, port_range_max: 255 },
    { port_range_min: 255, port_range_max: 255 },
  ],
  [{ remote_ip_prefix: '10.1.2.3/8' }, { remote_ip_prefix: '10.1.2.3/8', normalized_cidr: '10.0.0.0/8' }],
  [{ remote_ip_prefix: '10.1.2.3' }, { remote_ip_prefix: '10.1.2.3/32', normalized_cidr: '10.1.2.3/32' }],
  [{ remote_ip_prefix: '' }, { remote_ip_prefix: null, normalized_cidr: null }],
  [
    { ethertype: 'IPv6', remote_ip_prefix: 'FD00::1/8' },
    { remote_ip_prefix: 'FD00::1/8', normalized_cidr: 'fd00::/8' },
  ],
  [
    { description: 'ssh', project_id: 'p-alice' },
    { description: 'ssh', tenant_id: 'p-alice' },
  ],
  [{ description: null }, { description: null }],
];

for (const [values, shown] of TAKEN) {
  test(`rule taken: ${JSON.stringify(values)}`, async () => {
    const { status, body } = await rule(values);
    assert.equal(status, 201, JSON.stringify(body));
    const made = body.security_group_rule;
    for (const [key, value] of Object.entries(shown)) assert.deepEqual(made[key], value, key);
    assert.ok(!('tags' in made));
    assert.deepEqual(await api.expect('alice', 'GET', `/security-group-rules/${made.id}`), made);
    assert.equal((await api.send('alice', 'DELETE', `/security-group-rules/${made.id}`)).status, 204);
  });
}

const TCP = { protocol: 'tcp' };
/** Rules that are refused: values, status, type, message. */
const REFUSED: [() => object, number, string, RegExp][] = [
  [
    () => ({ security_group_id: undefined }),
    400,
    'HTTPBadRequest',
    /Required attribute 'security_group_id' not specified$/,
  ],
  [() => ({ security_group_id: 'x' }), 400, 'HTTPBadRequest', /'x' is not a valid UUID/],
  [() => ({ security_group_id: UNKNOWN }), 404, 'SecurityGroupNotFound', /^Security group \S+ does not exist$/],
  [() => ({ security_group_id: foreign.id }), 404, 'SecurityGroupNotFound', /does not exist$/],
  [() => ({ direction: undefined }), 400, 'HTTPBadRequest', /Required attribute 'direction' not specified$/],
  [() => ({ direction: 'INGRESS' }), 400, 'HTTPBadRequest', /INGRESS is not in valid_values/],
  [() => ({ ethertype: 'IPv5' }), 400, 'SecurityGroupRuleInvalidEtherType', /'IPv5' not supported/],
  [() => ({ ethertype: 4 }), 400, 'SecurityGroupRuleInvalidEtherType', /./],
  [() => ({ protocol: 'any' }), 400, 'SecurityGroupRuleInvalidProtocol', /protocol any not supported/],
  [() => ({ protocol: 256 }), 400, 'SecurityGroupRuleInvalidProtocol', /./],
  [() => ({ protocol: -1 }), 400, 'SecurityGroupRuleInvalidProtocol', /./],
  [() => ({ protocol: ['tcp'] }), 400, 'SecurityGroupRuleInvalidProtocol', /./],
  [() => ({ protocol: 'icmpv6' }), 400, 'SecurityGroupEthertypeConflictWithProtocol', /Invalid ethertype IPv4/],
  [() => ({ protocol: 'ipv6-frag' }), 400, 'SecurityGroupEthertypeConflictWithProtocol', /./],
  [() => ({ protocol: '58' }), 400, 'SecurityGroupEthertypeConflictWithProtocol', /./],
  [
    () => ({ ...TCP, port_range_min: 80, port_range_max: 22 }),
    400,
    'SecurityGroupInvalidPortRange',
    /^For TCP\/UDP protocols, port_range_min must be <= port_range_max$/,
  ],
  [() => ({ ...TCP, port_range_min: 80 }), 400, 'SecurityGroupInvalidPortRange', /./],
  [() => ({ ...TCP, port_range_max: 80 }), 400, 'SecurityGroupInvalidPortRange', /./],
  [
    () => ({ ...TCP, port_range_min: 0, port_range_max: 1 }),
    400,
    'SecurityGroupInvalidPortValue',
    /^Invalid value for port 0$/,
  ],
  [
    () => ({ ...TCP, port_range_min: -1, port_range_max: 1 }),
    400,
    'SecurityGroupInvalidPortValue',
    /^Invalid value for port -1$/,
  ],
  [() => ({ ...TCP, port_range_min: 1, port_range_max: 65_536 }), 400, 'SecurityGroupInvalidPortValue', /65536$/],
  [() => ({ ...TCP, port_range_min: 'a', port_range_max: 1 }), 400, 'SecurityGroupInvalidPortValue', /port a$/],
  [() => ({ ...TCP, port_range_min: 1.5, port_range_max: 2 }), 400, 'SecurityGroupInvalidPortValue', /./],
  [() => ({ port_range_min: 1, port_range_max: 2 }), 400, 'SecurityGroupProtocolRequiredWithPorts', /./],
  [() => ({ protocol: 'vrrp', port_range_min: 1, port_range_max: 2 }), 400, 'SecurityGroupInvalidProtocolForPort', /./],
  [() => ({ protocol: 'icmp', port_range_min: 256 }), 400, 'SecurityGroupInvalidIcmpValue', /256/],
  [() => ({ protocol: 'icmp', port_range_min: 8, port_range_max: 256 }), 400, 'SecurityGroupInvalidIcmpValue', /256/],
  [() => ({ protocol: 'icmp', port_range_max: 0 }), 400, 'SecurityGroupMissingIcmpType', /./],
  [() => ({ remote_ip_prefix: 'x' }), 400, 'InvalidCIDR', /x/],
  [() => ({ remote_ip_prefix: 7 }), 400, 'InvalidCIDR', /./],
  [() => ({ remote_ip_prefix: 'fd00::/8' }), 400, 'SecurityGroupRuleParameterConflict', /./],
  [() => ({ remote_group_id: UNKNOWN }), 404, 'SecurityGroupNotFound', /does not exist$/],
  [() => ({ remote_group_id: foreign.id }), 404, 'SecurityGroupNotFound', /does not exist$/],
  [
    () => ({ remote_group_id: group.id, remote_ip_prefix: '10.0.0.0/8' }),
    400,
    'SecurityGroupMultipleRemoteEntites',
    /^Only one/,
  ],
  [() => ({ description: 'x'.repeat(256) }), 400, 'HTTPBadRequest', /exceeds maximum length of 255/],
  [() => ({ tenant_id: 'p-bob' }), 400, 'HTTPBadRequest', /requires admin/],
  [() => ({ normalized_cidr: '10.0.0.0/8' }), 400, 'HTTPBadRequest', /not allowed in POST$/],
];

for (const [values, status, type, message] of REFUSED) {
  test(`rule refused: ${values.toString().slice(6, 100).replaceAll(/\s+/g, ' ')}: ${status} ${type}`, async () => {
    const { status: answered, body } = await rule(values());
    assert.deepEqual([answered, body.NeutronError?.type], [status, type], JSON.stringify(body));
    assert.match(body.NeutronError.message, message);
  });
}

/** Ways to say the same rule. */
const SAME: [object, object][] = [
  [{}, { remote_ip_prefix: '0.0.0.0/0' }],
  [{ protocol: 'tcp' }, { protocol: '6', description: 'again' }],
  [{ protocol: 'tcp' }, { protocol: 'tcp', port_range_min: 1, port_range_max: 65_535 }],
  [{ ethertype: 'IPv6' }, { ethertype: 'ipv6', remote_ip_prefix: '::/0' }],
  [
    { ethertype: 'IPv6', protocol: 'icmp' },
    { ethertype: 'IPv6', protocol: '58' },
  ],
  [{ remote_ip_prefix: '10.1.2.3/8' }, { remote_ip_prefix: '10.0.0.0/8' }],
  [{ remote_ip_prefix: '10.1.2.3' }, { remote_ip_prefix: '10.1.2.3/32' }],
  [
    { ethertype: 'IPv6', remote_ip_prefix: 'fd00::/8' },
    { ethertype: 'IPv6', remote_ip_prefix: 'FD00:0::/8' },
  ],
];

for (const [first, second] of SAME) {
  test(`the same rule twice: ${JSON.stringify(first)} and ${JSON.stringify(second)}`, async () => {
    const made = (await rule(first)).body.security_group_rule;
    const again = await rule(second);
    assert.deepEqual(
      [again.status, again.body.NeutronError.type, again.body.NeutronError.message],
      [409, 'SecurityGroupRuleExists', `Security group rule already exists. Rule id is ${made.id}.`],
    );
    assert.equal(
      (
        await rule({
          ...second,
          direction: 'egress',
          protocol: 'igmp',
          ethertype: 'IPv4',
          remote_ip_prefix: null,
          port_range_min: null,
          port_range_max: null,
        })
      ).status,
      201,
    );
    for (const { id } of await api.expect('alice', 'GET', `/security-group-rules?security_group_id=${group.id}`)) {
      await api.expect('alice', 'DELETE', `/security-group-rules/${id}`);
    }
    const item = (values: object) => ({ security_group_id: group.id, direction: 'ingress', ...values });
    const bulk = await api.send('alice', 'POST', '/security-group-rules', {
      security_group_rules: [item(first), item(second)],
    });
    assert.deepEqual([bulk.status, bulk.body.NeutronError.type], [409, 'DuplicateSecurityGroupRuleInPost']);
  });
}

test('rules: one group at a time, no PUT, their group’s revision, whose they are, who sees them', async () => {
  const other = await api.create('alice', '/security-groups', 'security_group', {});
  const several = await api.send('alice', 'POST', '/security-group-rules', {
    security_group_rules: [group, other].map(({ id }) => ({ security_group_id: id, direction: 'ingress' })),
  });
  assert.deepEqual([several.status, several.body.NeutronError.type], [400, 'SecurityGroupNotSingleGroupRules']);
  const revision = async () => (await api.expect('alice', 'GET', `/security-groups/${group.id}`)).revision_number;
  const before = await revision();
  const made = (await rule({ protocol: 'esp' }, 'admin')).body.security_group_rule;
  assert.equal(made.project_id, 'p-alice', 'an admin’s rule is the group’s');
  const between = await revision();
  assert.ok(between > before);
  const path = `/security-group-rules/${made.id}`;
  const change = await api.send('alice', 'PUT', path, { security_group_rule: { description: 'x' } });
  assert.equal(change.status, 405);
  for (const method of ['GET', 'DELETE']) assert.equal((await api.send('bob', method, path)).status, 404);
  assert.equal((await api.send('reader', 'DELETE', path)).status, 403);
  assert.equal((await api.send('alice', 'DELETE', path)).status, 204);
  assert.ok((await revision()) > between);
  const gone = await api.send('alice', 'GET', path);
  assert.deepEqual(
    [gone.status, gone.body.NeutronError.type, gone.body.NeutronError.message],
    [404, 'SecurityGroupRuleNotFound', `Security group rule ${made.id} does not exist`],
  );
});
