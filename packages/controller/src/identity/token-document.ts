import type { Reader } from '../store/store.ts';
import { withImplied } from './assignments.ts';
import { catalogAt } from './catalog.ts';
import { tokenNotFound } from './errors.ts';
import type { Claims } from './tokens.ts';

interface DomainName {
  readonly id: string;
  readonly name: string;
}

/** Seconds since 1970 as Keystone prints a time: to the microsecond. */
export const microseconds = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19)}.000000Z`;

/** The body that tells a token's content. `origin`: where its catalog leads; without it, no catalog. */
export async function tokenDocument(db: Reader, claims: Claims, origin?: string): Promise<Record<string, unknown>> {
  const user = await db
    .selectFrom('users')
    .select(['id', 'name', 'domain_id'])
    .where('id', '=', claims.userId)
    .executeTakeFirst();
  if (user === undefined) throw tokenNotFound();
  const scoped = claims.scope.type !== 'none';
  return {
    methods: claims.methods,
    user: { id: user.id, name: user.name, domain: await domainName(db, user.domain_id), password_expires_at: null },
    audit_ids: claims.auditIds,
    issued_at: microseconds(claims.issuedAt),
    expires_at: microseconds(claims.expiresAt),
    ...(await scopeDocument(db, claims)),
    ...(scoped && { roles: await withImplied(db, claims.roleIds) }),
    ...(scoped && origin !== undefined && { catalog: catalogAt(origin) }),
    ...(claims.credentialId !== undefined && {
      application_credential: await credentialDocument(db, claims.credentialId),
    }),
  };
}

async function domainName(db: Reader, id: string): Promise<DomainName> {
  const row = await db.selectFrom('domains').select(['id', 'name']).where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw tokenNotFound();
  return row;
}

async function scopeDocument(db: Reader, { scope }: Claims): Promise<Record<string, unknown>> {
  switch (scope.type) {
    case 'none':
      return {};
    case 'system':
      return { system: { all: true } };
    case 'domain':
      return { domain: await domainName(db, scope.id) };
    case 'project': {
      const project = await db
        .selectFrom('projects')
        .select(['id', 'name', 'domain_id'])
        .where('id', '=', scope.id)
        .executeTakeFirst();
      if (project === undefined) throw tokenNotFound();
      const { id, name, domain_id: domainId } = project;
      return { project: { id, name, domain: await domainName(db, domainId) }, is_domain: false };
    }
  }
}

async function credentialDocument(db: Reader, id: string): Promise<Record<string, unknown>> {
  const row = await db
    .selectFrom('application_credentials')
    .select(['id', 'name', 'unrestricted'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) throw tokenNotFound();
  return { id: row.id, name: row.name, restricted: !row.unrestricted };
}
