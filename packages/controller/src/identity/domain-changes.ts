import type { Reader, Transaction } from '../store/store.ts';
import { DEFAULT_DOMAIN } from './bootstrap.ts';
import { type DomainRow, requireDomain } from './domains.ts';
import { conflict, forbidden } from './errors.ts';
import { newId } from './ids.ts';
import { deleteProject } from './projects.ts';
import { requireSame } from './request-body.ts';
import type { StandingChanges } from './standing-changes.ts';
import { deleteUser } from './users.ts';

/** Makes a domain; answers its id. Throws 409 of a name that is taken. */
export async function createDomain({ db }: Transaction, wanted: Omit<DomainRow, 'id'>): Promise<string> {
  await requireFreeName(db, wanted.name);
  const id = newId();
  await db
    .insertInto('domains')
    .values({ ...wanted, id })
    .execute();
  return id;
}

/**
 * Changes a domain; disabling it voids the tokens of its users and of everyone with a role in it. Throws 404, 409, 400
 * of another id, and 403 of disabling the domain that `admin` is in: nobody could undo it.
 */
export async function updateDomain(
  { db }: Transaction,
  standing: StandingChanges,
  id: string,
  change: {
    id?: string | undefined;
    name?: string | undefined;
    description?: string | undefined;
    enabled?: boolean | undefined;
  },
): Promise<void> {
  const current = await requireDomain(db, id);
  requireSame(change.id, id, 'ID');
  const { name = current.name, description = current.description, enabled = current.enabled } = change;
  if (name !== current.name) await requireFreeName(db, name);
  if (id === DEFAULT_DOMAIN && !enabled) throw forbidden('Cannot disable the default domain.');
  await db.updateTable('domains').set({ name, description, enabled }).where('id', '=', id).execute();
  if (!current.enabled || enabled) return;
  await standing.voidTokens((users) => users('domain_id', '=', id));
  await standing.voidTokensOn('domain', [id]);
  const projects = await db.selectFrom('projects').select('id').where('domain_id', '=', id).execute();
  await standing.voidTokensOn(
    'project',
    projects.map((project) => project.id),
  );
}

/** Deletes a domain with its projects and users. Throws 404, and 403 while it is enabled. */
export async function deleteDomain(tx: Transaction, standing: StandingChanges, id: string): Promise<void> {
  const { db } = tx;
  const { enabled } = await requireDomain(db, id);
  if (enabled) throw forbidden('Cannot delete a domain that is enabled, please disable it first.');
  await deleteProjects(tx, standing, id);
  for (const user of await db.selectFrom('users').select('id').where('domain_id', '=', id).execute()) {
    await deleteUser(tx, standing, user.id);
  }
  await standing.voidTokensOn('domain', [id]);
  await db.deleteFrom('role_assignments').where('target_type', '=', 'domain').where('target_id', '=', id).execute();
  await db.deleteFrom('domains').where('id', '=', id).execute();
}

/** Children go before their parents. */
async function deleteProjects(tx: Transaction, standing: StandingChanges, domainId: string): Promise<void> {
  const query = tx.db.selectFrom('projects').select(['id', 'parent_id']).where('domain_id', '=', domainId);
  const rest = new Map((await query.execute()).map((project) => [project.id, project.parent_id]));
  while (rest.size > 0) {
    const parents = new Set(rest.values());
    for (const id of [...rest.keys()].filter((candidate) => !parents.has(candidate))) {
      await deleteProject(tx, standing, id);
      rest.delete(id);
    }
  }
}

async function requireFreeName(db: Reader, name: string): Promise<void> {
  const taken = await db.selectFrom('domains').select('id').where('name', '=', name).executeTakeFirst();
  if (taken !== undefined) {
    // Keystone keeps domains as projects, and says so.
    throw conflict('project', `it is not permitted to have two projects acting as domains with the same name: ${name}`);
  }
}
