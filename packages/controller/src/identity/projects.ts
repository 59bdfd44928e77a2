import { ApiError } from '@portward/model/api-error.ts';
import type { Database } from '../store/schema.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { requireDomain } from './domains.ts';
import { conflict, couldNotFind, forbidden, malformed } from './errors.ts';
import { newId } from './ids.ts';
import { requireSame } from './request-body.ts';
import type { StandingChanges } from './standing-changes.ts';

export type ProjectRow = Database['projects'];

/** A project as the API shows it. */
export const projectDocument = (
  row: ProjectRow,
  tags: ReadonlyMap<string, readonly string[]>,
): Record<string, unknown> => ({
  id: row.id,
  name: row.name,
  domain_id: row.domain_id,
  description: row.description,
  enabled: row.enabled,
  parent_id: row.parent_id,
  is_domain: row.is_domain,
  tags: tags.get(row.id) ?? [],
  options: {},
});

/** A project by id. Throws 404. */
export async function requireProject(db: Reader, id: string): Promise<ProjectRow> {
  const row = await db.selectFrom('projects').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw couldNotFind('project', id);
  return row;
}

/** Tags of the projects, by project. */
export async function projectTags(db: Reader, projects: readonly { id: string }[]): Promise<Map<string, string[]>> {
  const tags = new Map<string, string[]>();
  if (projects.length === 0) return tags;
  const ids = projects.map((project) => project.id);
  const rows = await db
    .selectFrom('tags')
    .innerJoin('projects', 'projects.id', 'tags.resource_id')
    .select(['resource_id', 'tag'])
    .$if(ids.length === 1, (query) => query.where('resource_id', '=', ids[0] as string))
    .orderBy('tag')
    .execute();
  for (const { resource_id: id, tag } of rows) tags.set(id, [...(tags.get(id) ?? []), tag]);
  return tags;
}

/** The projects on which a user has a role. */
export const projectsOfUser = (db: Reader, userId: string): Promise<ProjectRow[]> =>
  db
    .selectFrom('projects')
    .selectAll()
    .where('id', 'in', (projects) =>
      projects
        .selectFrom('role_assignments')
        .select('target_id')
        .where('user_id', '=', userId)
        .where('target_type', '=', 'project'),
    )
    .orderBy('name')
    .execute();

export interface NewProject {
  readonly name: string;
  readonly domainId: string;
  readonly parentId?: string | undefined;
  readonly description?: string | null | undefined;
  readonly enabled?: boolean | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** Makes a project; answers its id. Throws 400 of an unknown domain or parent, 409 of a name that is taken. */
export async function createProject({ db }: Transaction, wanted: NewProject): Promise<string> {
  const { domainId, parentId = domainId } = wanted;
  await asBadRequest(requireDomain(db, domainId));
  if (parentId !== domainId && (await asBadRequest(requireProject(db, parentId))).domain_id !== domainId) {
    throw malformed('The parent of a project must be in the same domain.');
  }
  const id = newId();
  await requireFreeName(db, domainId, wanted.name, id);
  await db
    .insertInto('projects')
    .values({
      id,
      name: wanted.name,
      domain_id: domainId,
      description: wanted.description === undefined ? '' : wanted.description,
      enabled: wanted.enabled ?? true,
      parent_id: parentId,
      is_domain: false,
    })
    .execute();
  await writeProjectTags(db, id, wanted.tags ?? []);
  return id;
}

/** What may change of a project. */
export interface ProjectChange {
  readonly name?: string | undefined;
  readonly description?: string | null | undefined;
  readonly enabled?: boolean | undefined;
  readonly tags?: readonly string[] | undefined;
  /** None of these can change; they may be given as they are. */
  readonly id?: string | undefined;
  readonly domain_id?: string | null | undefined;
  readonly parent_id?: string | null | undefined;
}

/**
 * Changes a project; disabling it voids the tokens of everyone with a role on it. Throws 404, 409, 400 of another id or
 * domain, and 403 of another parent.
 */
export async function updateProject(
  { db }: Transaction,
  standing: StandingChanges,
  id: string,
  { name, description, enabled, tags, ...fixed }: ProjectChange,
): Promise<void> {
  const current = await requireProject(db, id);
  requireSame(fixed.id, id, 'ID');
  requireSame(fixed.domain_id, current.domain_id, 'Domain ID');
  if (fixed.parent_id !== undefined && fixed.parent_id !== current.parent_id) {
    throw forbidden('Update of `parent_id` is not allowed.');
  }
  if (name !== undefined && name !== current.name) await requireFreeName(db, current.domain_id, name, id);
  await db
    .updateTable('projects')
    .set({
      name: name ?? current.name,
      description: description === undefined ? current.description : description,
      enabled: enabled ?? current.enabled,
    })
    .where('id', '=', id)
    .execute();
  if (tags !== undefined) {
    await writeProjectTags(db, id, tags);
  }
  if (current.enabled && enabled === false) await standing.voidTokensOn('project', [id]);
}

/**
 * Deletes a project with its assignments and application credentials. What other services keep for it stays, as with
 * Neutron. Throws 404, and 403 while it has children.
 */
export async function deleteProject({ db }: Transaction, standing: StandingChanges, id: string): Promise<void> {
  await requireProject(db, id);
  const child = await db.selectFrom('projects').select('id').where('parent_id', '=', id).executeTakeFirst();
  if (child !== undefined) {
    throw forbidden(
      `Cannot delete the project ${id} since it is not a leaf in the hierarchy. ` +
        'Use the cascade option if you want to delete a whole subtree.',
    );
  }
  await standing.voidTokensOn('project', [id]);
  await db.deleteFrom('role_assignments').where('target_type', '=', 'project').where('target_id', '=', id).execute();
  const credentials = await db
    .deleteFrom('application_credentials')
    .where('project_id', '=', id)
    .returning('id')
    .execute();
  for (const credential of credentials) standing.credential(credential.id, false);
  await db.updateTable('users').set({ default_project_id: null }).where('default_project_id', '=', id).execute();
  await db.deleteFrom('tags').where('resource_id', '=', id).execute();
  await db.deleteFrom('projects').where('id', '=', id).execute();
}

/** What a body refers to and does not exist makes the body wrong, not the path. */
async function asBadRequest<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) throw malformed(error.message);
    throw error;
  }
}

/** `id`: of the project that wants the name. */
async function requireFreeName(db: Reader, domainId: string, name: string, id: string): Promise<void> {
  const taken = await db
    .selectFrom('projects')
    .select('id')
    .where('domain_id', '=', domainId)
    .where('name', '=', name)
    .executeTakeFirst();
  if (taken !== undefined) {
    throw conflict(
      'project',
      'it is not permitted to have two projects with either the same name or same id in the same domain: ' +
        `name is ${name}, project id ${id}`,
    );
  }
}

/** Replaces the tags of a project. */
export async function writeProjectTags(db: Reader, id: string, tags: readonly string[]): Promise<void> {
  await db.deleteFrom('tags').where('resource_id', '=', id).execute();
  const rows = [...new Set(tags)].map((tag) => ({ resource_id: id, tag }));
  if (rows.length > 0) await db.insertInto('tags').values(rows).execute();
}
