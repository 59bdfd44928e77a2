import type { Json, JsonObject } from '../cell.ts';
import { pythonText } from '../cell.ts';
import type { Call, Column, Command, Option } from '../command.ts';
import { ClientError, UsageError } from '../errors.ts';
import { listOutput } from '../execute.ts';
import { addressGroup, securityGroup, securityGroupRule } from '../network-resources.ts';
import { projectOptions } from '../other-resources.ts';
import { findId, listAll } from '../resolve.ts';

const RULE = { name: 'rule', help: 'ID of the rule' };
const ICMP = ['icmp', 'icmpv6', 'ipv6-icmp', '1', '58'];
const IPV6_PROTOCOLS = ['icmpv6', '41', '43', '44', '58', '59', '60'];

const lowerCase = (text: string): string => text.toLowerCase();

const DIRECTION: readonly Option[] = [
  { flag: '--ingress', help: 'What comes in (default)', attr: 'direction', value: 'ingress', group: 'direction' },
  { flag: '--egress', help: 'What goes out', attr: 'direction', value: 'egress', group: 'direction' },
];

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'IP Protocol', attr: 'protocol' },
  { title: 'Ethertype', attr: 'ethertype' },
  { title: 'IP Range', attr: 'remote_ip_prefix', from: remotePrefix },
  { title: 'Port Range', attr: 'port_range', from: portRange },
  { title: 'Direction', attr: 'direction' },
  { title: 'Remote Security Group', attr: 'remote_group_id' },
  { title: 'Remote Address Group', attr: 'remote_address_group_id' },
];

/** Who is not limited may come from anywhere: shown as the whole of the address family. */
function remotePrefix(rule: JsonObject): Json {
  const prefix = rule.remote_ip_prefix ?? null;
  if (prefix !== null) return prefix;
  if (rule.ethertype === 'IPv4') return '0.0.0.0/0';
  return rule.ethertype === 'IPv6' ? '::/0' : null;
}

function portRange(rule: JsonObject): string {
  const first = rule.port_range_min ?? null;
  const last = rule.port_range_max ?? null;
  if (ICMP.includes(pythonText(rule.protocol ?? null))) {
    return `${first ? `type=${pythonText(first)}` : ''}${last ? `:code=${pythonText(last)}` : ''}`;
  }
  if (!first && !last) return '';
  return `${pythonText(first ?? last)}:${pythonText(last ?? first)}`;
}

function isIpv6(protocol: Json): boolean {
  return typeof protocol === 'string' && (protocol.startsWith('ipv6-') || IPV6_PROTOCOLS.includes(protocol));
}

/** Defaults and relations of a new rule, as the openstack client settles them before it asks. */
function completeRule(attrs: JsonObject, { values }: Call): void {
  if (attrs.protocol === 'any') attrs.protocol = null;
  const protocol = attrs.protocol ?? null;
  attrs.direction ??= 'ingress';
  attrs.ethertype ??= isIpv6(protocol) ? 'IPv6' : 'IPv4';
  const type = integer(values.text('--icmp-type'));
  const code = integer(values.text('--icmp-code'));
  const ports = values.text('--dst-port');
  const isIcmp = typeof protocol === 'string' && ICMP.includes(protocol);
  if (ports !== undefined && (type || code)) {
    throw new ClientError('Argument --dst-port not allowed with arguments --icmp-type and --icmp-code');
  }
  if (type === undefined && code !== undefined) {
    throw new ClientError('Argument --icmp-type required with argument --icmp-code');
  }
  if (!isIcmp && (type || code)) {
    throw new ClientError('ICMP IP protocol required with arguments --icmp-type and --icmp-code');
  }
  if (ports !== undefined && !isIcmp) Object.assign(attrs, portsOf(ports));
  if (type !== undefined && type >= 0) attrs.port_range_min = type;
  if (code !== undefined && code >= 0) attrs.port_range_max = code;
  const remote = ['--remote-group', '--remote-address-group', '--remote-ip'].some((flag) => values.has(flag));
  if (!remote) attrs.remote_ip_prefix = attrs.ethertype === 'IPv6' ? '::/0' : '0.0.0.0/0';
}

function integer(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

/** `80` or `80:90`. */
function portsOf(text: string): JsonObject {
  const match = /^(\d+)(?::(\d+))?$/.exec(text);
  if (match === null)
    throw new UsageError(`argument --dst-port: Invalid range, ${text} is neither a port nor first:last`);
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (last < first) throw new UsageError(`argument --dst-port: Invalid range, ${first} is not less than ${last}`);
  return { port_range_min: first, port_range_max: last };
}

async function listRules({ values, session, remark }: Call): Promise<ReturnType<typeof listOutput>> {
  if (values.has('--long')) remark('The --long option has been deprecated and is no longer needed');
  const group = values.text('group');
  const query = {
    security_group_id: group === undefined ? undefined : await findId(session, securityGroup, group),
    direction: values.has('--ingress') ? 'ingress' : values.has('--egress') ? 'egress' : undefined,
    protocol: values.text('--protocol'),
    ethertype: values.text('--ethertype'),
  };
  const rules = await listAll(session, securityGroupRule, query);
  const groupColumn: Column = { title: 'Security Group', attr: 'security_group_id' };
  return listOutput(group === undefined ? [...columns, groupColumn] : columns, rules);
}

/** `security group rule …` */
export const commands: readonly Command[] = [
  {
    words: 'security group rule create',
    help: 'Add a rule to a security group',
    wordsRefusals: true,
    example: 'security group rule create --protocol tcp --dst-port 22 default',
    arguments: [{ name: 'group', help: 'Security group (name or ID)', attr: 'security_group_id', find: securityGroup }],
    options: [
      { flag: '--remote-ip', metavar: '<cidr>', help: 'From (or to) here', attr: 'remote_ip_prefix', group: 'remote' },
      {
        flag: '--remote-group',
        metavar: '<group>',
        help: 'From (or to) the members of this group',
        attr: 'remote_group_id',
        find: securityGroup,
        group: 'remote',
      },
      {
        flag: '--remote-address-group',
        metavar: '<group>',
        help: 'From (or to) this address group',
        attr: 'remote_address_group_id',
        find: addressGroup,
        group: 'remote',
      },
      { flag: '--dst-port', metavar: '<port-range>', help: 'Port, or range first:last' },
      {
        flag: '--protocol',
        metavar: '<protocol>',
        help: 'Protocol: tcp, udp, icmp, a number, any (default)',
        attr: 'protocol',
        normalise: lowerCase,
        group: 'protocol',
      },
      {
        flag: '--proto',
        metavar: '<protocol>',
        help: 'The same as --protocol',
        attr: 'protocol',
        normalise: lowerCase,
        group: 'protocol',
      },
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      { flag: '--icmp-type', metavar: '<type>', help: 'ICMP type', integer: true },
      { flag: '--icmp-code', metavar: '<code>', help: 'ICMP code', integer: true },
      ...DIRECTION,
      {
        flag: '--ethertype',
        metavar: '<ethertype>',
        help: 'IPv4 or IPv6',
        choices: ['IPv4', 'IPv6'],
        normalise: (text) => text.replace(/^ipv(?=[46]$)/i, 'IPv'),
        attr: 'ethertype',
      },
      ...projectOptions('Whose it is (name or ID)'),
    ],
    action: { do: 'create', resource: securityGroupRule, start: { protocol: null }, finish: completeRule },
  },
  {
    words: 'security group rule list',
    help: 'List rules, of one group or of all',
    example: 'security group rule list default',
    arguments: [{ name: 'group', help: 'Security group (name or ID)', optional: true }],
    options: [
      { flag: '--all-projects', help: 'Of all projects (administrators see them anyway)' },
      { flag: '--protocol', metavar: '<protocol>', help: 'Of this protocol', normalise: lowerCase },
      { flag: '--ethertype', metavar: '<ethertype>', help: 'Of this kind: IPv4 or IPv6', normalise: lowerCase },
      ...DIRECTION,
      { flag: '--long', help: 'Accepted for old scripts' },
    ],
    action: { do: 'call', output: 'list', run: listRules },
  },
  {
    words: 'security group rule show',
    help: 'Show a rule',
    wordsRefusals: true,
    example: 'security group rule show 1d8ae7ac-e8d8-4b36-aa20-ab1bbd1f07a1',
    arguments: [RULE],
    action: {
      do: 'show',
      resource: securityGroupRule,
      finish: (rule) => {
        rule.remote_ip_prefix = remotePrefix(rule);
      },
    },
  },
  {
    words: 'security group rule delete',
    help: 'Delete rules',
    example: 'security group rule delete 1d8ae7ac-e8d8-4b36-aa20-ab1bbd1f07a1',
    arguments: [{ ...RULE, many: true }],
    action: { do: 'delete', resource: securityGroupRule },
  },
];
