import { network } from '@portward/model/network.ts';
import { EVERY_PROJECT, type RbacPolicy, rbacPolicy, SHAREABLE } from '@portward/model/rbac-policy.ts';
import type { Resource, ShareAction } from '@portward/model/resource.ts';
import { subnetPool } from '@portward/model/subnet-pool.ts';
import type { Caller } from '../caller.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { insertObject, updateObject, updateRow } from './collection.ts';
import {
  duplicatePolicy,
  invalidAction,
  invalidArgument,
  policyInUse,
  policyNotPossible,
  wildcardForbidden,
} from './errors.ts';
import { hasExternalPorts } from './network.ts';
import { dependents, type Opening } from './rbac-policy-record.ts';
import type { Rules } from './rules.ts';
import { openings } from './shared-access.ts';

type Owned = { id: string; project_id: string };

/** Rules of RBAC policies: who owns an object, or is an admin, opens it to others; not away from who uses it. */
export const rbacPolicyRules: Rules<typeof rbacPolicy> = {
  definition: rbacPolicy,

  load: async (_db, rows) => rows,

  async create(tx, values, { caller }) {
    const policy = {
      object_type: values.object_type as string,
      object_id: values.object_id as string,
      action: values.action as string,
      target_tenant: values.target_tenant as string,
    };
    if (policy.target_tenant === EVERY_PROJECT && !caller.isAdmin) throw wildcardForbidden('create');
    const definition = SHAREABLE.get(policy.object_type) as Resource;
    const object = await requireObject(tx.db, definition, policy.object_id, caller);
    if (!definition.shareActions.includes(policy.action as ShareAction)) {
      throw invalidAction(policy.action, definition.name, pythonTuple(definition.shareActions));
    }
    await refuseTwice(tx.db, policy);
    if (definition.name === subnetPool.name) await requireScope(tx.db, object.id, policy.target_tenant);
    const id = await insertObject(tx, rbacPolicy, { ...policy, project_id: values.project_id });
    await followNetwork(tx, policy);
    return id;
  },

  async update(tx, current, values, { caller }) {
    const target = values.target_tenant;
    if (target === undefined || target === current.target_tenant) return;
    if (target === EVERY_PROJECT && !caller.isAdmin) throw wildcardForbidden('update');
    await requireObject(tx.db, SHAREABLE.get(current.object_type) as Resource, current.object_id, caller);
    await refuseTwice(tx.db, { ...current, target_tenant: target });
    await refuseNeeded(tx.db, current, target);
    await updateRow(tx, rbacPolicy, current.id, { target_tenant: target });
    await followNetwork(tx, current);
  },

  async remove(tx, current) {
    await refuseNeeded(tx.db, current);
    await tx.db.deleteFrom('rbac_policies').where('id', '=', current.id).execute();
    await followNetwork(tx, current);
  },
};

/** Python's text of a tuple of texts. */
const pythonTuple = (items: readonly string[]): string =>
  `(${items.map((item) => `'${item}'`).join(', ')}${items.length === 1 ? ',' : ''})`;

/** The object, if the caller may open it to others: 404 when it may not see it, 400 when it is another's. */
async function requireObject(db: Reader, definition: Resource, id: string, caller: Caller): Promise<Owned> {
  const object = await db
    .selectFrom(definition.table as 'networks')
    .select(['id', 'project_id'])
    .where('id', '=', id)
    .limit(1)
    .executeTakeFirst();
  if (object === undefined) throw definition.notFound(id);
  if (caller.isAdmin || object.project_id === caller.projectId) return object;
  if ((await openings(db, id, caller)).size === 0) throw definition.notFound(id);
  const what = definition.name === network.name ? 'networks' : 'objects';
  throw invalidArgument(`Only admins can manipulate policies on ${what} they do not own`);
}

async function refuseTwice(db: Reader, policy: Opening & { target_tenant: string }): Promise<void> {
  const same = await db
    .selectFrom('rbac_policies')
    .select('id')
    .where('object_id', '=', policy.object_id)
    .where('action', '=', policy.action)
    .where('target_tenant', '=', policy.target_tenant)
    .limit(1)
    .executeTakeFirst();
  if (same !== undefined) throw duplicatePolicy();
}

/** A pool is of use only to who sees its address scope, too. */
async function requireScope(db: Reader, poolId: string, target: string): Promise<void> {
  const pool = await db
    .selectFrom('subnetpools')
    .leftJoin('address_scopes', 'address_scopes.id', 'subnetpools.address_scope_id')
    .select(['subnetpools.address_scope_id', 'address_scopes.project_id'])
    .where('subnetpools.id', '=', poolId)
    .executeTakeFirst();
  if (pool === undefined || pool.address_scope_id === null || pool.project_id === target) return;
  const policy = await db
    .selectFrom('rbac_policies')
    .select('id')
    .where('object_id', '=', pool.address_scope_id)
    .where('target_tenant', 'in', [target, EVERY_PROJECT])
    .limit(1)
    .executeTakeFirst();
  if (policy !== undefined) return;
  throw policyNotPossible(poolId, "target project doesn't have access to associated address scope.");
}

/** Throws 409 when the policy, or its target, cannot go without taking from a project what it uses. */
async function refuseNeeded(db: Reader, policy: RbacPolicy, nextTarget?: string): Promise<void> {
  const users = await dependents(db, policy, nextTarget);
  const { object_id: id } = policy;
  if (policy.action !== 'access_as_external') {
    if (users.length === 0) return;
    throw policyInUse(
      id,
      policy.object_type === network.name
        ? `Unable to reconfigure sharing settings for network ${id}. Multiple tenants are using it.`
        : `project_id=${policy.target_tenant}`,
    );
  }
  if (policy.target_tenant === EVERY_PROJECT) {
    const row = await db.selectFrom('networks').select('is_default').where('id', '=', id).executeTakeFirst();
    if (row?.is_default === true) throw policyInUse(id, 'Default external networks must be shared to everyone.');
  }
  const isLast = nextTarget === undefined && (await countExternal(db, id)) === 1;
  if (users.length > 0 || (isLast && (await hasExternalPorts(db, id)))) {
    throw policyInUse(id, 'There are routers attached to this network that depend on this policy for access.');
  }
}

async function countExternal(db: Reader, networkId: string): Promise<number> {
  const rows = await db
    .selectFrom('rbac_policies')
    .select('id')
    .where('object_id', '=', networkId)
    .where('action', '=', 'access_as_external' satisfies ShareAction)
    .limit(2)
    .execute();
  return rows.length;
}

/** A policy of a network came, changed or went: its revision grows, and it is external as long as one says so. */
async function followNetwork(tx: Transaction, policy: Opening): Promise<void> {
  if (policy.object_type !== network.name) return;
  const external = (await countExternal(tx.db, policy.object_id)) > 0;
  await updateObject(tx, network, policy.object_id, { 'router:external': external });
  tx.changed('network', policy.object_id);
}
