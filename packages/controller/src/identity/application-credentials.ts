import { createHash, randomBytes } from 'node:crypto';
import type { Database } from '../store/schema.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { conflict, couldNotFind } from './errors.ts';
import { newId } from './ids.ts';
import { roleDocument } from './roles.ts';
import type { StandingChanges } from './standing-changes.ts';

export type CredentialRow = Database['application_credentials'];

const SECRET_BYTES = 64;

/** A secret of our own making, random and long enough to be kept as a plain SHA-256. */
export const newSecret = (): string => randomBytes(SECRET_BYTES).toString('base64url');

/** How a secret is kept. */
export const secretHash = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Application credentials as the API shows them, without their secrets. */
export async function credentialDocuments(
  db: Reader,
  rows: readonly CredentialRow[],
): Promise<Record<string, unknown>[]> {
  const roles = await db.selectFrom('roles').selectAll().orderBy('name').execute();
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description === '' ? null : row.description,
    project_id: row.project_id,
    user_id: row.user_id,
    roles: roles.filter((role) => row.role_ids.includes(role.id)).map(roleDocument),
    // Keystone says no zone here, unlike in tokens.
    expires_at: row.expires_at?.replace(/Z$/, '') ?? null,
    unrestricted: row.unrestricted,
    system: null,
  }));
}

/** One of a user's application credentials. Throws 404. */
export async function requireCredential(db: Reader, userId: string, id: string): Promise<CredentialRow> {
  const row = await db
    .selectFrom('application_credentials')
    .selectAll()
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .executeTakeFirst();
  if (row === undefined) throw couldNotFind('Application Credential', id);
  return row;
}

/** Makes an application credential; answers its id. Throws 409 of a name that its user has already. */
export async function createCredential(
  { db, now }: Transaction,
  standing: StandingChanges,
  wanted: Omit<CredentialRow, 'id' | 'created_at'>,
): Promise<string> {
  const taken = await db
    .selectFrom('application_credentials')
    .select('id')
    .where('user_id', '=', wanted.user_id)
    .where('name', '=', wanted.name)
    .executeTakeFirst();
  if (taken !== undefined) throw conflict('application_credential', `Duplicate entry found with name ${wanted.name}`);
  const id = newId();
  await db
    .insertInto('application_credentials')
    .values({ ...wanted, id, created_at: now })
    .execute();
  standing.credential(id, true);
  return id;
}

/** Deletes an application credential; its tokens are void. Throws 404. */
export async function deleteCredential(
  { db }: Transaction,
  standing: StandingChanges,
  userId: string,
  id: string,
): Promise<void> {
  await requireCredential(db, userId, id);
  await db.deleteFrom('application_credentials').where('id', '=', id).execute();
  standing.credential(id, false);
}
