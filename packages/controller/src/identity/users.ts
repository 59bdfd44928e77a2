import type { Database } from '../store/schema.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { requireDomain } from './domains.ts';
import { conflict, couldNotFind } from './errors.ts';
import { newId } from './ids.ts';
import { requireSame } from './request-body.ts';
import type { StandingChanges } from './standing-changes.ts';

export type UserRow = Database['users'];

/** A user as the API shows it: without its password, and without attributes that it has not. */
export const userDocument = (row: UserRow): Record<string, unknown> => ({
  id: row.id,
  name: row.name,
  domain_id: row.domain_id,
  enabled: row.enabled,
  ...(row.default_project_id !== null && { default_project_id: row.default_project_id }),
  ...(row.email !== null && { email: row.email }),
  ...(row.description !== '' && { description: row.description }),
  password_expires_at: null,
  options: {},
});

/** A user by id. */
export const findUser = (db: Reader, id: string): Promise<UserRow | undefined> =>
  db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();

/** A user by id. Throws 404. */
export async function requireUser(db: Reader, id: string): Promise<UserRow> {
  const row = await findUser(db, id);
  if (row === undefined) throw couldNotFind('user', id);
  return row;
}

export interface NewUser {
  readonly name: string;
  readonly domainId: string;
  readonly enabled?: boolean | undefined;
  readonly defaultProjectId?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly description?: string | null | undefined;
  /** PHC string; null: cannot sign in with a password. */
  readonly passwordHash: string | null;
}

/** Makes a user; answers its id. Throws 404 of an unknown domain, 409 of a name that is taken. */
export async function createUser({ db }: Transaction, standing: StandingChanges, wanted: NewUser): Promise<string> {
  await requireDomain(db, wanted.domainId);
  if (await isTaken(db, wanted.domainId, wanted.name)) {
    throw conflict('user', `Duplicate entry found with name ${wanted.name} at domain ID ${wanted.domainId}`);
  }
  const id = newId();
  await db
    .insertInto('users')
    .values({
      id,
      name: wanted.name,
      domain_id: wanted.domainId,
      enabled: wanted.enabled ?? true,
      default_project_id: wanted.defaultProjectId ?? null,
      email: wanted.email ?? null,
      description: wanted.description ?? '',
      password_hash: wanted.passwordHash,
      generation: 1,
    })
    .execute();
  standing.userChanged(id);
  return id;
}

/** What may change of a user; absent stays as it is. */
export interface UserChange {
  readonly name?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly defaultProjectId?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly passwordHash?: string | undefined;
  /** Neither can change; they may be given as they are. */
  readonly id?: string | undefined;
  readonly domainId?: string | undefined;
}

/** Changes a user; a new password, or being disabled, voids its tokens. Throws 404, 409, and 400 of another id or domain. */
export async function updateUser(
  { db }: Transaction,
  standing: StandingChanges,
  id: string,
  change: UserChange,
): Promise<void> {
  const current = await requireUser(db, id);
  requireSame(change.id, id, 'ID');
  requireSame(change.domainId, current.domain_id, 'Domain ID');
  const { name = current.name } = change;
  if (name !== current.name && (await isTaken(db, current.domain_id, name))) {
    throw conflict('user', `Duplicate entry found with name ${name}`);
  }
  await db
    .updateTable('users')
    .set({
      name,
      enabled: change.enabled ?? current.enabled,
      default_project_id: change.defaultProjectId === undefined ? current.default_project_id : change.defaultProjectId,
      email: change.email === undefined ? current.email : change.email,
      description: change.description === undefined ? current.description : (change.description ?? ''),
      password_hash: change.passwordHash ?? current.password_hash,
    })
    .where('id', '=', id)
    .execute();
  if (change.passwordHash !== undefined || (current.enabled && change.enabled === false)) {
    await standing.voidTokens((users) => users('id', '=', id));
  }
}

/** Deletes a user with its assignments, application credentials and key pairs. Throws 404. */
export async function deleteUser({ db }: Transaction, standing: StandingChanges, id: string): Promise<void> {
  await requireUser(db, id);
  const credentials = await db
    .deleteFrom('application_credentials')
    .where('user_id', '=', id)
    .returning('id')
    .execute();
  for (const credential of credentials) standing.credential(credential.id, false);
  await db.deleteFrom('role_assignments').where('user_id', '=', id).execute();
  await db.deleteFrom('keypairs').where('user_id', '=', id).execute();
  await db.deleteFrom('users').where('id', '=', id).execute();
  standing.userChanged(id);
}

async function isTaken(db: Reader, domainId: string, name: string): Promise<boolean> {
  const taken = await db
    .selectFrom('users')
    .select('id')
    .where('domain_id', '=', domainId)
    .where('name', '=', name)
    .executeTakeFirst();
  return taken !== undefined;
}
