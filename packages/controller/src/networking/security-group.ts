import { securityGroup } from '@portward/model/security-group.ts';
import { type SecurityGroupRule, securityGroupRule } from '@portward/model/security-group-rule.ts';
import { among } from '../store/among.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { insertObject, updateObject } from './collection.ts';
import { defaultGroupExists, defaultGroupFixed, groupInUse } from './errors.ts';
import { hasRoom, requireRoom } from './quota.ts';
import type { Context, Rules } from './rules.ts';
import { touchGroup } from './security-group-access.ts';
import { loadRules } from './security-group-rule.ts';
import { loadTags, removeTags } from './tags.ts';

const DEFAULT_GROUP = 'default';
const ETHERTYPES = ['IPv4', 'IPv6'] as const;
/** Rules that a group is made with: for each family one of what may leave. */
const FIRST_RULES = ETHERTYPES.length;
/** Those of a default group: also one of what may come in. */
const DEFAULT_RULES = ETHERTYPES.length * 2;

/** Rules of security groups. Every project has one named `default`, made when it is first needed. */
export const securityGroupRules: Rules<typeof securityGroup> = {
  definition: securityGroup,

  brings: { security_group_rule: FIRST_RULES },

  // A list is answered even where the quota leaves no room for a default group's rules.
  needsPrepare: async (db, { caller, settings }) =>
    caller.projectId !== '' &&
    (await defaultGroupId(db, caller.projectId)) === undefined &&
    (await hasRoom(db, settings, caller.projectId, { security_group_rule: DEFAULT_RULES })),
  async prepare(tx, context) {
    if (context.caller.projectId !== '') await ensureDefaultGroup(tx, context.caller.projectId, context);
  },

  async load(db, rows) {
    const ids = rows.map((row) => row.id);
    const tags = await loadTags(db, ids);
    const rules = new Map<string, SecurityGroupRule[]>(ids.map((id) => [id, []]));
    if (ids.length > 0) {
      const found = await db
        .selectFrom('security_group_rules')
        .selectAll()
        .where(among('security_group_id', ids))
        .orderBy('id')
        .execute();
      for (const rule of loadRules(found)) rules.get(rule.security_group_id)?.push(rule);
    }
    return rows.map((row) => ({
      ...row,
      shared: false,
      security_group_rules: (rules.get(row.id) ?? []).map((rule) => ({
        ...rule,
        tenant_id: rule.project_id,
        tags: [],
      })),
      tags: tags.get(row.id) ?? [],
    }));
  },

  async create(tx, values, context) {
    if (values.name === DEFAULT_GROUP) throw defaultGroupExists();
    await ensureDefaultGroup(tx, values.project_id, context, FIRST_RULES);
    const id = await insertGroup(
      tx,
      values.project_id,
      values.name ?? '',
      values.description ?? '',
      values.stateful ?? true,
    );
    for (const ethertype of ETHERTYPES) await insertRule(tx, values.project_id, id, 'egress', ethertype, null);
    return id;
  },

  async update(tx, current, values) {
    if (values.name !== undefined && values.name !== current.name) {
      if (current.name === DEFAULT_GROUP) throw defaultGroupFixed();
      if (values.name === DEFAULT_GROUP) throw defaultGroupExists();
    }
    if (values.stateful !== undefined && values.stateful !== current.stateful && (await isUsed(tx.db, current.id))) {
      throw groupInUse(current.id);
    }
    await updateObject(tx, securityGroup, current.id, values);
    tx.changed('security_group', current.id);
  },

  async remove(tx, current, { caller }) {
    if (current.name === DEFAULT_GROUP && !caller.isAdmin) throw groupInUse(current.id);
    if (await isUsed(tx.db, current.id)) throw groupInUse(current.id);
    const rules = await tx.db
      .selectFrom('security_group_rules')
      .select(['id', 'security_group_id'])
      .where((where) =>
        where.or([where('security_group_id', '=', current.id), where('remote_group_id', '=', current.id)]),
      )
      .execute();
    for (const { id } of rules) {
      await tx.db.deleteFrom('security_group_rules').where('id', '=', id).execute();
      tx.deleted('security_group_rule', id);
    }
    for (const id of new Set(rules.map((rule) => rule.security_group_id))) {
      if (id !== current.id) await touchGroup(tx, id);
    }
    await removeTags(tx, current.id);
    await tx.db.deleteFrom('security_groups').where('id', '=', current.id).execute();
    tx.deleted('security_group', current.id);
  },
};

async function isUsed(db: Reader, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('port_security_groups')
    .select('port_id')
    .where('security_group_id', '=', id)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

async function defaultGroupId(db: Reader, projectId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('security_groups')
    .select('id')
    .where('project_id', '=', projectId)
    .where('name', '=', DEFAULT_GROUP)
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}

/**
 * The project's default group, made when it has none yet: all may leave, only its own members may come in. The group
 * counts in its quota and is made even where that is used up; its rules need room, and `more` rules with them (as with
 * Neutron).
 */
export async function ensureDefaultGroup(
  tx: Transaction,
  projectId: string,
  { settings }: Pick<Context, 'settings'>,
  more = 0,
): Promise<string> {
  const present = await defaultGroupId(tx.db, projectId);
  if (present !== undefined) return present;
  await requireRoom(tx, settings, projectId, { security_group_rule: DEFAULT_RULES + more });
  const id = await insertGroup(tx, projectId, DEFAULT_GROUP, 'Default security group', true);
  for (const ethertype of ETHERTYPES) {
    await insertRule(tx, projectId, id, 'egress', ethertype, null);
    await insertRule(tx, projectId, id, 'ingress', ethertype, id);
  }
  return id;
}

async function insertGroup(
  tx: Transaction,
  projectId: string,
  name: string,
  description: string,
  stateful: boolean,
): Promise<string> {
  const id = await insertObject(tx, securityGroup, { project_id: projectId, name, description, stateful });
  tx.changed('security_group', id);
  return id;
}

async function insertRule(
  tx: Transaction,
  projectId: string,
  groupId: string,
  direction: 'ingress' | 'egress',
  ethertype: 'IPv4' | 'IPv6',
  remoteGroupId: string | null,
): Promise<void> {
  const id = await insertObject(tx, securityGroupRule, {
    project_id: projectId,
    security_group_id: groupId,
    direction,
    ethertype,
    remote_group_id: remoteGroupId,
    description: null,
  });
  tx.changed('security_group_rule', id);
}
