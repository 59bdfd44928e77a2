import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Entries } from './browser.ts';
import { HorizonCloud } from './horizon-cloud.ts';

let cloud: HorizonCloud;
before(async () => {
  cloud = await HorizonCloud.start();
});
after(() => cloud?.stop('POST /networking/v2.0/security-group-rules 409'));

const network = (method: string, path: string, body?: object) => cloud.network('demo', method, path, body);

/** What is compared of a rule. */
interface Rule {
  direction: string;
  ethertype: string;
  protocol: string | null;
  port_range_min: number | null;
  port_range_max: number | null;
  remote_ip_prefix: string | null;
  remote_group_id: string | null;
  description: string;
}

const ANYWHERE = { remote_ip_prefix: '0.0.0.0/0' };
const ports = (min: number | null, max: number | null) => ({ port_range_min: min, port_range_max: max });

/** Each way to fill in the form for a rule: what is entered, the rule that comes of it, how the list shows its ports. */
const VARIANTS: { what: string; enter: Entries; rule: Partial<Rule>; shown: string }[] = [
  {
    what: 'one TCP port',
    enter: { rule_menu: 'tcp', port_or_range: 'port', port: '22', cidr: '203.0.113.0/24', description: 'SSH from us' },
    rule: { protocol: 'tcp', ...ports(22, 22), remote_ip_prefix: '203.0.113.0/24', description: 'SSH from us' },
    shown: '22',
  },
  {
    what: 'a range of UDP ports, outwards',
    enter: { rule_menu: 'udp', direction: 'egress', port_or_range: 'range', from_port: '5000', to_port: '5010' },
    rule: { protocol: 'udp', direction: 'egress', ...ports(5000, 5010), ...ANYWHERE },
    shown: '5000 - 5010',
  },
  {
    what: 'all TCP ports of the form',
    enter: { rule_menu: 'tcp', port_or_range: 'all', cidr: '10.0.0.0/8' },
    rule: { protocol: 'tcp', ...ports(null, null), remote_ip_prefix: '10.0.0.0/8' },
    shown: 'Any',
  },
  {
    what: 'all TCP of the menu, which is sent as 1 to 65535',
    enter: { rule_menu: 'all_tcp' },
    rule: { protocol: 'tcp', ...ports(null, null), ...ANYWHERE },
    shown: 'Any',
  },
  {
    what: 'all ICMP of the menu',
    enter: { rule_menu: 'all_icmp' },
    rule: { protocol: 'icmp', ...ports(null, null), ...ANYWHERE },
    shown: 'Any',
  },
  {
    what: 'ICMP type and code',
    enter: { rule_menu: 'icmp', icmp_type: '8', icmp_code: '0' },
    rule: { protocol: 'icmp', ...ports(8, 0), ...ANYWHERE },
    shown: '8 - 0',
  },
  {
    what: 'ICMPv6, which the form takes from the prefix',
    enter: { rule_menu: 'icmp', icmp_type: '128', icmp_code: '0', cidr: 'fd00::/8' },
    rule: { ethertype: 'IPv6', protocol: 'ipv6-icmp', ...ports(128, 0), remote_ip_prefix: 'fd00::/8' },
    shown: '128 - 0',
  },
  {
    what: 'another protocol by number',
    enter: { rule_menu: 'custom', ip_protocol: '47' },
    rule: { protocol: '47', ...ports(null, null), ...ANYWHERE },
    shown: 'Any',
  },
  {
    what: 'every protocol',
    enter: { rule_menu: 'custom', ip_protocol: '-1', cidr: '198.51.100.7/32' },
    rule: { protocol: null, ...ports(null, null), remote_ip_prefix: '198.51.100.7/32' },
    shown: 'Any',
  },
  {
    what: 'a well-known service',
    enter: { rule_menu: 'https' },
    rule: { protocol: 'tcp', ...ports(443, 443), ...ANYWHERE },
    shown: '443 (HTTPS)',
  },
];

test('security groups in Horizon: created, changed, deleted', async () => {
  const session = await cloud.signIn('demo');
  const listed = await session.open('/project/security_groups/');
  assert.equal(listed.row('security_groups', 'default').cells.Description, 'Default security group');
  const created = await session.fillIn('/project/security_groups/create/', { name: 'web', description: 'for the web' });
  // Horizon goes on to the new group's rules: the two that let everything out.
  const [id] = /[0-9a-f-]{36}/.exec(created.url) ?? [];
  assert.deepEqual(
    created
      .table('rules')
      .map(({ cells }) => [cells.Direction, cells['Ether Type'], cells['IP Protocol']])
      .sort(),
    [
      ['Egress', 'IPv4', 'Any'],
      ['Egress', 'IPv6', 'Any'],
    ],
  );
  await session.fillIn(`/project/security_groups/${id}/update/`, { name: 'web2', description: 'changed' });
  const { security_group: group } = await network('GET', `security-groups/${id}`);
  assert.deepEqual([group.name, group.description, group.security_group_rules.length], ['web2', 'changed', 2]);
  await session.press('/project/security_groups/', `security_groups__delete__${id}`);
  assert.deepEqual((await network('GET', 'security-groups?name=web2')).security_groups, []);
});

test('rules of security groups in Horizon: each variant of the form', async () => {
  const session = await cloud.signIn('demo');
  const newGroup = async (name: string): Promise<string> =>
    (await network('POST', 'security-groups', { security_group: { name } })).security_group.id;
  const [id, remote] = [await newGroup('ruled'), await newGroup('remote')];
  const path = `/project/security_groups/${id}/`;
  const variants = [
    ...VARIANTS,
    {
      what: 'TCP from another group',
      enter: { rule_menu: 'tcp', port: '3306', remote: 'sg', security_group: remote, ethertype: 'IPv4' },
      rule: { protocol: 'tcp', ...ports(3306, 3306), remote_group_id: remote },
      shown: '3306',
    },
    {
      what: 'the group itself, over IPv6',
      enter: { rule_menu: 'all_udp', remote: 'sg', security_group: id, ethertype: 'IPv6' },
      rule: { protocol: 'udp', ethertype: 'IPv6', ...ports(null, null), remote_group_id: id },
      shown: 'Any',
    },
  ];
  const rules = async (): Promise<(Rule & { id: string })[]> =>
    (await network('GET', `security-group-rules?security_group_id=${id}`)).security_group_rules;
  const none = { remote_ip_prefix: null, remote_group_id: null, description: '' };
  for (const { what, enter, rule, shown } of variants) {
    const before = new Set((await rules()).map((one) => one.id));
    const page = await session.fillIn(`${path}add_rule/`, enter);
    const made = (await rules()).filter((one) => !before.has(one.id));
    assert.equal(made.length, 1, what);
    const expected: Record<string, unknown> = { direction: 'ingress', ethertype: 'IPv4', ...none, ...rule };
    const got = Object.fromEntries(Object.keys(expected).map((key) => [key, made[0]?.[key as keyof Rule]]));
    assert.deepEqual(got, expected, what);
    const row = page.table('rules').find((one) => one.id === made[0]?.id);
    assert.equal(row?.cells['Port Range'], shown, what);
    if (rule.remote_group_id !== undefined) {
      assert.equal(row?.cells['Remote Security Group'], rule.remote_group_id === id ? 'ruled' : 'remote', what);
    }
  }
  // The same rule again is a conflict, which Horizon tells.
  const again = await session.browser.submit(
    (await session.open(`${path}add_rule/`)).form(`${path}add_rule/`),
    VARIANTS[0]?.enter,
  );
  assert.match(again.complaints.join(), /Security group rule already exists/);
  for (const one of (await rules()).slice(0, 2)) await session.press(path, `rules__delete__${one.id}`);
  assert.equal((await rules()).length, variants.length);
});
