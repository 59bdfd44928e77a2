import type { FastifyPluginAsync } from 'fastify';
import type { Database } from '../store/schema.ts';
import type { Reader } from '../store/store.ts';
import { listOf } from './answers.ts';
import { malformed } from './errors.ts';
import type { Identity } from './identity.ts';
import { originOf } from './origin.ts';
import { queryFlag, queryText } from './request-body.ts';
import { requireAdmin } from './session.ts';
import { expandRoles, type KnownRole, loadRoles } from './token-standing.ts';

type AssignmentRow = Database['role_assignments'];
type Named = { readonly id: string; readonly name: string; readonly domain_id?: string };
/** An assignment, or what follows from one by implication. */
type Effective = AssignmentRow & { readonly prior_role_id?: string };

/** All assignments of roles: `/v3/role_assignments`. */
export const roleAssignmentRoutes =
  (identity: Identity): FastifyPluginAsync =>
  async (fastify) => {
    fastify.get('/role_assignments', async (request) => {
      requireAdmin(identity, request, 'identity:list_role_assignments');
      const { query } = request;
      const base = `${originOf(request)}/identity/v3`;
      return identity.store.read(async (db) => {
        const effective = queryFlag(query, 'effective') === true;
        const roleId = queryText(query, 'role.id');
        const ofGroup = queryText(query, 'group.id') !== undefined;
        if (ofGroup && queryText(query, 'user.id') !== undefined) throw malformed('Specify a user or group, not both');
        if (ofGroup && effective) {
          throw malformed('Combining effective and group filter will always result in an empty list.');
        }
        const direct = ofGroup ? [] : await assignments(db, query);
        const found = effective ? withImplied(direct, await loadRoles(db)) : direct;
        const rows = found.filter((row) => roleId === undefined || row.role_id === roleId);
        const names = queryFlag(query, 'include_names') === true ? await Names.load(db) : undefined;
        return listOf(
          request,
          'role_assignments',
          rows.map((row) => ({ ...document(row, names), links: links(row, base) })),
        );
      });
    });
  };

/** The assignments that the query asks for, without regard to the role. Throws 400 of scopes that exclude each other. */
async function assignments(db: Reader, query: unknown): Promise<AssignmentRow[]> {
  const userId = queryText(query, 'user.id');
  const scopes = [
    ['project', queryText(query, 'scope.project.id')],
    ['domain', queryText(query, 'scope.domain.id')],
    ['system', queryText(query, 'scope.system')],
  ] as const;
  const wanted = scopes.filter(([, id]) => id !== undefined);
  if (wanted.length > 1) throw malformed('Specify a domain or project, not both');
  let select = db.selectFrom('role_assignments').selectAll();
  if (userId !== undefined) select = select.where('user_id', '=', userId);
  for (const [type, id] of wanted) {
    select = select.where('target_type', '=', type);
    if (type !== 'system') select = select.where('target_id', '=', id as string);
  }
  return select.orderBy('user_id').orderBy('target_id').orderBy('role_id').execute();
}

function withImplied(rows: readonly AssignmentRow[], roles: readonly KnownRole[]): Effective[] {
  const byId = new Map(roles.map((role) => [role.id, role]));
  const found = new Map<string, Effective>();
  const keyOf = (row: AssignmentRow) => `${row.user_id} ${row.target_type} ${row.target_id} ${row.role_id}`;
  for (const row of rows) found.set(keyOf(row), row);
  for (const row of rows) {
    for (const { id } of expandRoles(byId, [row.role_id])) {
      const implied = { ...row, role_id: id, prior_role_id: row.role_id };
      if (!found.has(keyOf(implied))) found.set(keyOf(implied), implied);
    }
  }
  return [...found.values()];
}

/** Names by id of everything that an assignment refers to. */
class Names {
  readonly #kinds: Record<'role' | 'user' | 'project' | 'domain', ReadonlyMap<string, Named>>;

  private constructor(kinds: Record<'role' | 'user' | 'project' | 'domain', ReadonlyMap<string, Named>>) {
    this.#kinds = kinds;
  }

  static async load(db: Reader): Promise<Names> {
    const byId = (rows: readonly Named[]) => new Map(rows.map((row) => [row.id, row]));
    return new Names({
      role: byId(await db.selectFrom('roles').select(['id', 'name']).execute()),
      user: byId(await db.selectFrom('users').select(['id', 'name', 'domain_id']).execute()),
      project: byId(await db.selectFrom('projects').select(['id', 'name', 'domain_id']).execute()),
      domain: byId(await db.selectFrom('domains').select(['id', 'name']).execute()),
    });
  }

  of(kind: 'role' | 'user' | 'project' | 'domain', id: string): Record<string, unknown> {
    const named = this.#kinds[kind].get(id);
    if (named === undefined) return { id };
    const domain = named.domain_id === undefined ? undefined : this.#kinds.domain.get(named.domain_id);
    return { id, name: named.name, ...(domain !== undefined && { domain: { id: domain.id, name: domain.name } }) };
  }
}

function document(row: Effective, names: Names | undefined): Record<string, unknown> {
  const named = (kind: 'role' | 'user' | 'project' | 'domain', id: string) => names?.of(kind, id) ?? { id };
  const { target_type: type, target_id: id } = row;
  return {
    role: named('role', row.role_id),
    user: named('user', row.user_id),
    scope: type === 'system' ? { system: { all: true } } : { [type]: named(type, id) },
  };
}

function links(row: Effective, base: string): Record<string, string> {
  const { target_type: type, target_id: id, user_id: userId, role_id: roleId, prior_role_id: priorId } = row;
  const target = type === 'system' ? 'system' : `${type}s/${id}`;
  return {
    assignment: `${base}/${target}/users/${userId}/roles/${priorId ?? roleId}`,
    ...(priorId !== undefined && { prior_role: `${base}/roles/${priorId}/implies/${roleId}` }),
  };
}
