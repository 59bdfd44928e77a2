import { EVERY_PROJECT, type RbacPolicy, rbacPolicy, SHAREABLE } from '@portward/model/rbac-policy.ts';
import type { Resource, ShareAction } from '@portward/model/resource.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { insertObject } from './collection.ts';

/** What a policy opens, and how. */
export type Opening = Pick<RbacPolicy, 'object_type' | 'object_id' | 'action'>;

/** The policy that opens an object to every project. */
export async function wildcardPolicy(db: Reader, { object_id: id, action }: Opening): Promise<string | undefined> {
  const row = await db
    .selectFrom('rbac_policies')
    .select('id')
    .where('object_id', '=', id)
    .where('action', '=', action)
    .where('target_tenant', '=', EVERY_PROJECT)
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}

/** Opens an object to every project, if it is not yet; the policy is the object's owner's. */
export async function openToAll(
  tx: Transaction,
  definition: Resource,
  object: { id: string; project_id: string },
  action: ShareAction,
): Promise<void> {
  const opening = { object_type: definition.name, object_id: object.id, action };
  if ((await wildcardPolicy(tx.db, opening)) !== undefined) return;
  await insertObject(tx, rbacPolicy, { ...opening, project_id: object.project_id, target_tenant: EVERY_PROJECT });
}

/**
 * Projects that use the object by way of a policy which shall go, or get another target, and by no other: those that
 * would be left with what they may no longer see. The owner never is one.
 */
export async function dependents(
  db: Reader,
  policy: Opening & { target_tenant: string },
  nextTarget?: string,
): Promise<string[]> {
  const targets = await db
    .selectFrom('rbac_policies')
    .select('target_tenant')
    .where('object_id', '=', policy.object_id)
    .where('action', '=', policy.action)
    .where('target_tenant', '!=', policy.target_tenant)
    .execute();
  const left = new Set(targets.map((row) => row.target_tenant));
  if (nextTarget !== undefined) left.add(nextTarget);
  if (left.has(EVERY_PROJECT)) return [];
  const lost = (project: string) => policy.target_tenant === EVERY_PROJECT || policy.target_tenant === project;
  const users = await usersOf(db, policy);
  return users.filter((project) => project !== '' && lost(project) && !left.has(project));
}

type Users = (db: Reader, id: string) => Promise<{ project_id: string }[]>;

/** Projects with something that needs the object to be shared with them, by kind of object. */
const USERS: Readonly<Record<string, Users>> = {
  network: (db, id) => db.selectFrom('ports').select('project_id').distinct().where('network_id', '=', id).execute(),
  security_group: (db, id) =>
    db
      .selectFrom('port_security_groups')
      .innerJoin('ports', 'ports.id', 'port_security_groups.port_id')
      .select('ports.project_id')
      .distinct()
      .where('port_security_groups.security_group_id', '=', id)
      .execute(),
  address_group: (db, id) =>
    db
      .selectFrom('security_group_rules')
      .select('project_id')
      .distinct()
      .where('remote_address_group_id', '=', id)
      .execute(),
  subnetpool: (db, id) =>
    db.selectFrom('subnets').select('project_id').distinct().where('subnetpool_id', '=', id).execute(),
  address_scope: (db, id) =>
    db.selectFrom('subnetpools').select('project_id').distinct().where('address_scope_id', '=', id).execute(),
};

/** Projects with a gateway or a floating IP on an external network. */
const externalUsers: Users = async (db, id) => [
  ...(await db.selectFrom('routers').select('project_id').distinct().where('gateway_network_id', '=', id).execute()),
  ...(await db
    .selectFrom('floatingips')
    .select('project_id')
    .distinct()
    .where('floating_network_id', '=', id)
    .execute()),
];

/** Projects, but for the owner, with something that hangs on the object's being open to them. */
async function usersOf(db: Reader, { object_type: type, object_id: id, action }: Opening): Promise<string[]> {
  const owner = await db
    .selectFrom(SHAREABLE.get(type)?.table as 'networks')
    .select('project_id')
    .where('id', '=', id)
    .limit(1)
    .executeTakeFirst();
  const users = action === 'access_as_external' ? externalUsers : (USERS[type] as Users);
  const projects = new Set((await users(db, id)).map((row) => row.project_id));
  return [...projects].filter((project) => project !== owner?.project_id);
}
