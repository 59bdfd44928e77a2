import type { Database } from '../store/schema.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { BUILT_IN_ROLES } from './bootstrap.ts';
import { conflict, couldNotFind, forbidden, forbiddenAction, impliesNot, malformed } from './errors.ts';
import { newId } from './ids.ts';
import { requireSame } from './request-body.ts';
import type { StandingChanges } from './standing-changes.ts';
import { expandRoles } from './token-standing.ts';

export type RoleRow = Database['roles'];

const isBuiltIn = (name: string): boolean => BUILT_IN_ROLES.some((builtIn) => builtIn === name);

/** A role as the API shows it. */
export const roleDocument = (row: RoleRow): Record<string, unknown> => ({
  id: row.id,
  name: row.name,
  domain_id: row.domain_id,
  description: row.description === '' ? null : row.description,
  options: isBuiltIn(row.name) ? { immutable: true } : {},
});

/** A role by id. Throws 404. */
export async function requireRole(db: Reader, id: string): Promise<RoleRow> {
  const row = await db.selectFrom('roles').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw couldNotFind('role', id);
  return row;
}

/** Makes a role; answers its id. Throws 409 of a name that is taken. */
export async function createRole(
  { db }: Transaction,
  standing: StandingChanges,
  { name, description }: { name: string; description: string },
): Promise<string> {
  await requireFreeName(db, name);
  const id = newId();
  await db.insertInto('roles').values({ id, name, domain_id: null, description, implies: [] }).execute();
  standing.rolesChanged();
  return id;
}

/** Changes a role. Throws 404, 409, 400 of another id, and 403 of the name of a built-in role, which rules go by. */
export async function updateRole(
  { db }: Transaction,
  standing: StandingChanges,
  id: string,
  change: { id?: string | undefined; name?: string | undefined; description?: string | undefined },
): Promise<void> {
  const current = await requireRole(db, id);
  requireSame(change.id, id, 'ID');
  const { name = current.name, description = current.description } = change;
  if (name !== current.name) {
    refuseBuiltIn(current, 'update');
    await requireFreeName(db, name);
  }
  await db.updateTable('roles').set({ name, description }).where('id', '=', id).execute();
  standing.rolesChanged();
}

/** Deletes a role and its assignments, and voids the tokens of those who had it. Throws 404, 403 of a built-in one. */
export async function deleteRole({ db }: Transaction, standing: StandingChanges, id: string): Promise<void> {
  refuseBuiltIn(await requireRole(db, id), 'delete');
  const prior = await db.selectFrom('roles').select(['id', 'implies']).execute();
  for (const role of prior.filter((candidate) => candidate.implies.includes(id))) {
    await setImplied(db, role.id, without(role.implies, id));
  }
  await standing.voidTokens((users) =>
    users('id', 'in', users.selectFrom('role_assignments').select('user_id').where('role_id', '=', id)),
  );
  await db.deleteFrom('role_assignments').where('role_id', '=', id).execute();
  await db.deleteFrom('roles').where('id', '=', id).execute();
  standing.rolesChanged();
}

/** Lets one role come with another. Throws 404, and 400 of a circle or of more than a built-in role may bring. */
export async function addImplication(
  { db }: Transaction,
  standing: StandingChanges,
  priorId: string,
  impliedId: string,
): Promise<void> {
  const prior = await requireRole(db, priorId);
  const implied = await requireRole(db, impliedId);
  if (implied.name === 'admin') throw forbiddenAction('The role admin cannot be an implied role');
  const roles = new Map((await db.selectFrom('roles').selectAll().execute()).map((role) => [role.id, role]));
  if (expandRoles(roles, [impliedId]).some((role) => role.id === priorId)) {
    throw malformed('A role must not imply itself.');
  }
  await setImplied(db, priorId, [...without(prior.implies, impliedId), impliedId]);
  standing.rolesChanged();
}

/** Takes a role back out of another. Throws 404 unless it was in it. */
export async function removeImplication(
  { db }: Transaction,
  standing: StandingChanges,
  priorId: string,
  impliedId: string,
): Promise<void> {
  const prior = await requireRole(db, priorId);
  if (!prior.implies.includes(impliedId)) throw impliesNot(priorId, impliedId);
  await setImplied(db, priorId, without(prior.implies, impliedId));
  standing.rolesChanged();
}

const without = (ids: readonly string[], id: string): string[] => ids.filter((other) => other !== id);

async function setImplied(db: Reader, id: string, implies: string[]): Promise<void> {
  await db.updateTable('roles').set({ implies }).where('id', '=', id).execute();
}

function refuseBuiltIn({ id, name }: RoleRow, change: 'update' | 'delete'): void {
  if (!isBuiltIn(name)) return;
  throw forbidden(
    `Unable to ${change} immutable role resource: \`${id}. Set resource option "immutable" to false first.`,
  );
}

async function requireFreeName(db: Reader, name: string): Promise<void> {
  const taken = await db.selectFrom('roles').select('id').where('name', '=', name).executeTakeFirst();
  if (taken !== undefined) throw conflict('role', `Duplicate entry found with name ${name}`);
}
