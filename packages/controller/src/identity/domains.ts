import type { Database } from '../store/schema.ts';
import type { Reader } from '../store/store.ts';
import { couldNotFind } from './errors.ts';
import type { TokenCaller } from './identity.ts';

export type DomainRow = Database['domains'];

/** A domain as the API shows it. */
export const domainDocument = (row: DomainRow): Record<string, unknown> => ({
  id: row.id,
  name: row.name,
  description: row.description,
  enabled: row.enabled,
  tags: [],
  options: {},
});

/** A domain by id. Throws 404. */
export async function requireDomain(db: Reader, id: string): Promise<DomainRow> {
  const row = await db.selectFrom('domains').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw couldNotFind('domain', id);
  return row;
}

/** The domain that a caller means when it names none: that of its scope, else that of its user. */
export async function domainOfCaller(db: Reader, { scope, userId }: TokenCaller): Promise<string> {
  if (scope.type === 'domain') return scope.id;
  if (scope.type === 'project') {
    const project = await db.selectFrom('projects').select('domain_id').where('id', '=', scope.id).executeTakeFirst();
    if (project !== undefined) return project.domain_id;
  }
  const user = await db.selectFrom('users').select('domain_id').where('id', '=', userId).executeTakeFirstOrThrow();
  return user.domain_id;
}
