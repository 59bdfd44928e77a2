import { invalidInput } from '@portward/model/api-error.ts';
import { toBoolean } from '@portward/model/attribute.ts';
import { EVERY_PROJECT } from '@portward/model/rbac-policy.ts';
import type { Resource, ShareAction } from '@portward/model/resource.ts';
import { type RawBuilder, sql } from 'kysely';
import type { Caller } from '../caller.ts';
import { among } from '../store/among.ts';
import type { Reader, Transaction } from '../store/store.ts';
import type { AnySelect } from './list-query.ts';

/** Whether RBAC policies can open objects of the resource to other projects. */
export const isShareable = (definition: Resource): boolean => definition.shareActions.length > 0;

/** Select of the ids of all objects that policies open to the caller's project, by one action or by any. */
export function openedIds(
  definition: Resource,
  { projectId }: Pick<Caller, 'projectId'>,
  action?: ShareAction,
): RawBuilder<unknown> {
  const narrowed = action === undefined ? sql`` : sql` and action = ${action}`;
  return sql`select object_id from rbac_policies where target_tenant in (${projectId}, ${EVERY_PROJECT}) and object_type = ${definition.name}${narrowed}`;
}

/** Condition: another project's object that a policy opens to the caller's. */
export const openedByOthers = (definition: Resource, caller: Pick<Caller, 'projectId'>): RawBuilder<boolean> =>
  sql<boolean>`(${sql.ref(`${definition.table}.id`)} in (${openedIds(definition, caller)}) and ${sql.ref(`${definition.table}.project_id`)} <> ${caller.projectId})`;

/** Narrows a query to the caller's own objects and those that any policy opens to its project. */
export function ownOrShared(query: AnySelect, definition: Resource, caller: Caller, action?: ShareAction): AnySelect {
  const column = (name: string) => sql.ref(`${definition.table}.${name}`);
  return query.where(
    sql<boolean>`(${column('project_id')} = ${caller.projectId} or ${column('id')} in (${openedIds(definition, caller, action)}))`,
  );
}

/** Narrows a query by the filter `shared`: whether an object is shared with the caller's project. */
export function filterShared(query: AnySelect, definition: Resource, caller: Caller, values: string[]): AnySelect {
  const wanted = new Set(
    values.map((value) => {
      const converted = toBoolean(value);
      if (converted === undefined) throw invalidInput(`'${value}' cannot be converted to boolean`);
      return converted;
    }),
  );
  if (wanted.size !== 1) return query;
  const isShared = sql<boolean>`${sql.ref(`${definition.table}.id`)} in (${openedIds(definition, caller, 'access_as_shared')})`;
  return query.where(wanted.has(true) ? isShared : sql<boolean>`not ${isShared}`);
}

/** Which of the objects are shared with the caller's project, or with all. */
export async function sharedWith(
  db: Reader,
  definition: Resource,
  ids: readonly string[],
  caller: Caller,
): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .selectFrom('rbac_policies')
    .select('object_id')
    .where(among('object_id', ids))
    .where('object_type', '=', definition.name)
    .where('action', '=', 'access_as_shared' satisfies ShareAction)
    .where('target_tenant', 'in', [caller.projectId, EVERY_PROJECT])
    .execute();
  return new Set(rows.map((row) => row.object_id));
}

/** How policies open one object to the caller's project; none when they do not. */
export async function openings(db: Reader, id: string, caller: Caller): Promise<Set<string>> {
  const rows = await db
    .selectFrom('rbac_policies')
    .select('action')
    .where('object_id', '=', id)
    .where('target_tenant', 'in', [caller.projectId, EVERY_PROJECT])
    .execute();
  return new Set(rows.map((row) => row.action));
}

/** Throws the resource's 404 for the first object that the caller may neither own nor see as shared. */
export async function requireVisible(
  db: Reader,
  definition: Resource,
  ids: readonly string[],
  caller: Caller,
): Promise<void> {
  if (ids.length === 0) return;
  const rows = await db
    .selectFrom(definition.table as 'networks')
    .select(['id', 'project_id'])
    .where(among('id', ids))
    .execute();
  const owners = new Map(rows.map((row) => [row.id, row.project_id]));
  const foreign = ids.filter((id) => owners.has(id) && owners.get(id) !== caller.projectId);
  const shared =
    caller.isAdmin || foreign.length === 0 ? new Set(foreign) : await sharedWith(db, definition, foreign, caller);
  for (const id of ids) {
    if (owners.get(id) !== caller.projectId && !shared.has(id)) throw definition.notFound(id);
  }
}

/** Forgets the policies of an object that goes. */
export async function forgetPolicies(tx: Transaction, id: string): Promise<void> {
  await tx.db.deleteFrom('rbac_policies').where('object_id', '=', id).execute();
}
