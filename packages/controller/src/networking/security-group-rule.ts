import { addressGroup } from '@portward/model/address-group.ts';
import { pythonText } from '@portward/model/attribute.ts';
import { formatCidr, ipVersion, parseCidr } from '@portward/model/ip-address.ts';
import { type SecurityGroupRule, securityGroupRule } from '@portward/model/security-group-rule.ts';
import type { Database } from '../store/schema.ts';
import type { Reader } from '../store/store.ts';
import { insertObject, type NewValues } from './collection.ts';
import { badRule, ruleExists, rulesOfSeveralGroups, ruleTwice } from './errors.ts';
import { type Context, forbidden, type Rules } from './rules.ts';
import { requireGroups, touchGroup } from './security-group-access.ts';
import { requireVisible } from './shared-access.ts';

type RuleRow = Database['security_group_rules'];
/** What makes a rule the same as another, ways of writing folded. */
type RuleValues = Pick<
  RuleRow,
  | 'security_group_id'
  | 'direction'
  | 'ethertype'
  | 'protocol'
  | 'port_range_min'
  | 'port_range_max'
  | 'remote_ip_prefix'
  | 'remote_group_id'
  | 'remote_address_group_id'
>;

/** IP protocol numbers by the names that the API takes (IANA). */
export const IP_PROTOCOLS: Readonly<Record<string, number>> = {
  hopopt: 0,
  icmp: 1,
  igmp: 2,
  ip: 0,
  ipip: 4,
  tcp: 6,
  egp: 8,
  udp: 17,
  dccp: 33,
  'ipv6-encap': 41,
  'ipv6-route': 43,
  'ipv6-frag': 44,
  rsvp: 46,
  gre: 47,
  esp: 50,
  ah: 51,
  'ipv6-icmp': 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  ospf: 89,
  vrrp: 112,
  pgm: 113,
  sctp: 132,
  udplite: 136,
};
const IPV6_NUMBERS: ReadonlySet<number> = new Set(
  Object.entries(IP_PROTOCOLS).flatMap(([name, number]) => (name.startsWith('ipv6-') ? [number] : [])),
);
/** Of these, a range of all ports is the same as none. */
const TCP_AND_UDP: readonly string[] = ['tcp', 'udp', '6', '17'];
const WITH_PORTS: readonly string[] = ['tcp', 'udp', 'sctp', 'dccp', 'udplite', '6', '17', '132', '33', '136'];
const ICMP: readonly string[] = ['icmp', 'ipv6-icmp', '1', '58'];

/** Rules of security group rules: made and deleted, never changed. */
export const securityGroupRuleRules: Rules<typeof securityGroupRule> = {
  definition: securityGroupRule,
  load: async (_db, rows) => loadRules(rows),

  checkBulk(values) {
    if (new Set(values.map((item) => item.security_group_id)).size > 1) throw rulesOfSeveralGroups();
    const seen = new Set<string>();
    for (const item of values) {
      const key = identity(normalize(item));
      if (seen.has(key)) throw ruleTwice();
      seen.add(key);
    }
  },

  async create(tx, values, context) {
    const rule = normalize(values);
    const owner = await requireOwnGroup(tx.db, rule.security_group_id, context);
    if (rule.remote_group_id !== null) await requireGroups(tx.db, [rule.remote_group_id], context);
    if (rule.remote_address_group_id !== null) {
      await requireVisible(tx.db, addressGroup, [rule.remote_address_group_id], context.caller);
    }
    const same = await findSame(tx.db, rule);
    if (same !== undefined) throw ruleExists(same);
    const id = await insertObject(tx, securityGroupRule, {
      ...rule,
      description: values.description === undefined ? '' : values.description,
      project_id: owner,
    });
    await touchGroup(tx, rule.security_group_id);
    tx.changed('security_group_rule', id);
    return id;
  },

  async remove(tx, current) {
    await tx.db.deleteFrom('security_group_rules').where('id', '=', current.id).execute();
    await touchGroup(tx, current.security_group_id);
    tx.deleted('security_group_rule', current.id);
  },
};

/** The owner of a group. Throws 404 for one that the caller may not see, 403 for one that is only shared with it. */
async function requireOwnGroup(db: Reader, id: string, context: Context): Promise<string> {
  await requireGroups(db, [id], context);
  const { caller } = context;
  const { project_id: owner } = await db
    .selectFrom('security_groups')
    .select('project_id')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  if (!caller.isAdmin && owner !== caller.projectId) throw forbidden('create', securityGroupRule);
  return owner;
}

/** Completes rows of rules. */
export const loadRules = (rows: RuleRow[]): SecurityGroupRule[] =>
  rows.map((row) => {
    const parsed = row.remote_ip_prefix === null ? undefined : parseCidr(row.remote_ip_prefix);
    return { ...row, normalized_cidr: parsed ? formatCidr(parsed) : null };
  });

async function findSame(db: Reader, rule: RuleValues): Promise<string | undefined> {
  const others = await db
    .selectFrom('security_group_rules')
    .selectAll()
    .where('security_group_id', '=', rule.security_group_id)
    .where('direction', '=', rule.direction)
    .where('ethertype', '=', rule.ethertype)
    .execute();
  const key = identity(rule);
  return others.find((other) => identity(other) === key)?.id;
}

/** 0.0.0.0/0 is the same as no prefix, and protocol 6 the same as tcp. */
function identity(rule: RuleValues): string {
  const number = rule.protocol === null ? 'any' : (IP_PROTOCOLS[rule.protocol] ?? Number(rule.protocol));
  const parsed = rule.remote_ip_prefix === null ? undefined : parseCidr(rule.remote_ip_prefix);
  const peer = parsed === undefined || parsed.prefix === 0 ? 'any' : formatCidr(parsed);
  return [
    rule.security_group_id,
    rule.direction,
    rule.ethertype,
    number,
    rule.port_range_min,
    rule.port_range_max,
    peer,
    rule.remote_group_id,
    rule.remote_address_group_id,
  ].join('|');
}

/** Checks a rule's values against each other and folds ways of writing; throws Neutron's 400s. */
function normalize(values: NewValues<typeof securityGroupRule>): RuleValues {
  const ethertype = normalEthertype(values.ethertype);
  const protocol = normalProtocol(values.protocol ?? null, ethertype);
  const [min, max] = normalPorts(protocol, values.port_range_min ?? null, values.port_range_max ?? null);
  const remotes = [values.remote_ip_prefix || null, values.remote_group_id, values.remote_address_group_id].filter(
    (remote) => remote !== null && remote !== undefined,
  );
  if (remotes.length > 1) {
    throw badRule(
      'SecurityGroupMultipleRemoteEntites',
      'Only one remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.',
    );
  }
  return {
    security_group_id: values.security_group_id as string,
    direction: values.direction as 'ingress' | 'egress',
    ethertype,
    protocol,
    port_range_min: min,
    port_range_max: max,
    remote_ip_prefix: normalPrefix(values.remote_ip_prefix ?? null, ethertype),
    remote_group_id: values.remote_group_id ?? null,
    remote_address_group_id: values.remote_address_group_id ?? null,
  };
}

function normalEthertype(value: unknown): 'IPv4' | 'IPv6' {
  const folded = typeof value === 'string' ? value.toLowerCase() : '';
  if (folded === 'ipv4') return 'IPv4';
  if (folded === 'ipv6') return 'IPv6';
  throw badRule(
    'SecurityGroupRuleInvalidEtherType',
    `Security group rule for ethertype '${pythonText(value)}' not supported. Allowed values are ['IPv4', 'IPv6'].`,
  );
}

function normalProtocol(value: unknown, ethertype: 'IPv4' | 'IPv6'): string | null {
  if (value === null || value === '') return null;
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.toLowerCase() : '';
  const isNumber = /^\d{1,3}$/.test(text) && Number(text) <= 255;
  const name = text === 'icmpv6' || (text === 'icmp' && ethertype === 'IPv6') ? 'ipv6-icmp' : text;
  if (!isNumber && !Object.hasOwn(IP_PROTOCOLS, name)) {
    throw badRule(
      'SecurityGroupRuleInvalidProtocol',
      `Security group rule protocol ${pythonText(value)} not supported. Only protocol values [None, ${Object.keys(
        IP_PROTOCOLS,
      )
        .map((known) => `'${known}'`)
        .join(', ')}] and integer representations [0 to 255] are supported.`,
    );
  }
  if (ethertype === 'IPv4' && (name.startsWith('ipv6-') || (isNumber && IPV6_NUMBERS.has(Number(text))))) {
    throw badRule('SecurityGroupEthertypeConflictWithProtocol', `Invalid ethertype ${ethertype} for protocol ${name}.`);
  }
  return isNumber ? String(Number(name)) : name;
}

function portValue(value: unknown): number | null {
  if (value === null) return null;
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    throw badRule('SecurityGroupInvalidPortValue', `Invalid value for port ${pythonText(value)}`);
  }
  return number;
}

function normalPorts(protocol: string | null, rawMin: unknown, rawMax: unknown): [number | null, number | null] {
  const [min, max] = [portValue(rawMin), portValue(rawMax)];
  if (min === null && max === null) return [null, null];
  if (protocol === null) {
    throw badRule('SecurityGroupProtocolRequiredWithPorts', 'Must also specify protocol if port range is given.');
  }
  if (ICMP.includes(protocol)) {
    for (const [field, value] of [
      ['ICMP type', min],
      ['ICMP code', max],
    ] as const) {
      if (value !== null && (value < 0 || value > 255)) {
        throw badRule(
          'SecurityGroupInvalidIcmpValue',
          `Invalid value for ICMP ${field === 'ICMP type' ? 'type' : 'code'} (${field === 'ICMP type' ? 'port_range_min' : 'port_range_max'}) ${value}. It must be 0 to 255.`,
        );
      }
    }
    if (min === null) {
      throw badRule(
        'SecurityGroupMissingIcmpType',
        `ICMP code (port-range-max) ${max} is provided but ICMP type (port-range-min) is missing.`,
      );
    }
    return [min, max];
  }
  if (!WITH_PORTS.includes(protocol)) {
    throw badRule(
      'SecurityGroupInvalidProtocolForPort',
      `Invalid protocol ${protocol} for port range, only supported for TCP, UDP, UDPLITE, SCTP and DCCP.`,
    );
  }
  for (const value of [min, max]) {
    if (value !== null && (value < 1 || value > 65_535))
      throw badRule('SecurityGroupInvalidPortValue', `Invalid value for port ${value}`);
  }
  if (min === null || max === null || min > max) {
    throw badRule('SecurityGroupInvalidPortRange', 'For TCP/UDP protocols, port_range_min must be <= port_range_max');
  }
  return TCP_AND_UDP.includes(protocol) && min === 1 && max === 65_535 ? [null, null] : [min, max];
}

function normalPrefix(value: unknown, ethertype: 'IPv4' | 'IPv6'): string | null {
  if (value === null || value === '') return null;
  const parsed = typeof value === 'string' ? parseCidr(value) : undefined;
  if (typeof value !== 'string' || parsed === undefined) {
    throw badRule('InvalidCIDR', `Invalid CIDR ${pythonText(value)} given as IP prefix.`);
  }
  if (parsed.version !== (ethertype === 'IPv4' ? 4 : 6)) {
    throw badRule('SecurityGroupRuleParameterConflict', `Conflicting value ethertype ${ethertype} for CIDR ${value}`);
  }
  return value.includes('/') ? value : `${value}/${ipVersion(value) === 4 ? 32 : 128}`;
}
