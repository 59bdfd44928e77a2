import { ApiError, badRequest } from '@portward/model/api-error.ts';
import type { Config } from '@portward/model/config.ts';
import { portForwarding } from '@portward/model/port-forwarding.ts';
import { LIMITED_RESOURCES, quota, UNLIMITED } from '@portward/model/quota.ts';
import { present, type Resource, validateUpdate } from '@portward/model/resource.ts';
import { sql } from 'kysely';
import type { Caller } from '../caller.ts';
import { compiledQuery } from '../store/compiled-query.ts';
import type { Reader, Store, Transaction } from '../store/store.ts';
import { parseFields, project, type QueryString } from './list-query.ts';
import { forbidden } from './rules.ts';

type Settings = Pick<Config['networking'], 'quotas'>;
type Body = Record<string, unknown>;
type Limits = Record<string, number>;

const byName = new Map(LIMITED_RESOURCES.map((resource) => [resource.name, resource]));

const overQuota = (resources: string[]): ApiError =>
  new ApiError(
    409,
    'OverQuota',
    `Quota exceeded for resources: [${resources.map((resource) => `'${resource}'`).join(', ')}].`,
  );

const overrides = compiledQuery((db, { projectId }: { projectId: string }) =>
  db
    .selectFrom('quotas')
    .select(['resource', 'maximum'])
    .where('project_id', '=', projectId)
    .where('service', '=', 'network'),
);

/** What was set for one project, whatever the resource: one look into the table's key. */
async function overridesOf(db: Reader, projectId: string): Promise<Limits> {
  const rows = await overrides(db, { projectId });
  return Object.fromEntries(rows.map((row) => [row.resource, row.maximum]));
}

/** A project's rows of the resource, by an index on the table. */
function rowsOf(db: Reader, { name, table }: Resource, projectId: string) {
  if (name === portForwarding.name) {
    // Its project is its floating IP's. The table that grows most is spared an index of its own, and each write to it.
    return db
      .selectFrom('floatingips')
      .innerJoin('port_forwardings', 'port_forwardings.floatingip_id', 'floatingips.id')
      .where('floatingips.project_id', '=', projectId);
  }
  return db.selectFrom(table as 'floatingips').where('project_id', '=', projectId);
}

/** One row beyond the first `most` of a project, by resource. */
const beyond = new Map(
  LIMITED_RESOURCES.map((resource) => [
    resource.name,
    compiledQuery((db, { projectId, most }: { projectId: string; most: number }) =>
      rowsOf(db, resource, projectId)
        .select(sql<number>`1`.as('one'))
        .limit(1)
        .offset(sql<number>`cast(${most} as integer)`),
    ),
  ]),
);

/** Whether the project has more of the resource than `most`, found by reading at most one row more than that. */
async function hasMoreThan(db: Reader, resource: Resource, projectId: string, most: number): Promise<boolean> {
  if (most < 0) return true;
  const rows = await beyond.get(resource.name)?.(db, { projectId, most });
  return rows !== undefined && rows.length > 0;
}

async function exceeded(db: Reader, settings: Settings, projectId: string, wanted: Limits): Promise<string[]> {
  const set = await overridesOf(db, projectId);
  const over: string[] = [];
  for (const [name, count] of Object.entries(wanted)) {
    const limit = set[name] ?? settings.quotas[name] ?? UNLIMITED;
    if (limit === UNLIMITED) continue;
    if (await hasMoreThan(db, byName.get(name) as Resource, projectId, limit - count)) over.push(name);
  }
  return over.sort();
}

/**
 * Throws 409, naming every resource of which the project may not have as many more as are wanted (by resource name).
 * It counts what the transaction sees, and writers come one at a time: what follows in it cannot exceed the limit.
 * What belongs to no project (a floating IP's own port) has no quota.
 */
export async function requireRoom(
  tx: Transaction,
  settings: Settings,
  projectId: string,
  wanted: Limits,
): Promise<void> {
  if (projectId === '') return;
  const over = await exceeded(tx.db, settings, projectId, wanted);
  if (over.length > 0) throw overQuota(over);
}

/** Whether the project may have as many more as are wanted. */
export async function hasRoom(db: Reader, settings: Settings, projectId: string, wanted: Limits): Promise<boolean> {
  return (await exceeded(db, settings, projectId, wanted)).length === 0;
}

async function countOf(db: Reader, resource: Resource, projectId: string): Promise<number> {
  const row = await rowsOf(db, resource, projectId).select(sql<number>`count(*)`.as('count')).executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Throws 403 unless the caller is an admin, or only looks at its own project's. */
function requireAllowed(verb: 'get' | 'update' | 'delete', caller: Caller, projectId?: string): void {
  if (caller.isAdmin || (verb === 'get' && projectId !== undefined && projectId === caller.projectId)) return;
  throw forbidden(verb, quota);
}

/** The quotas of projects: `/v2.0/quotas`. */
export class Quotas {
  readonly #store: Store;
  readonly #settings: Settings;

  constructor(store: Store, settings: Settings) {
    this.#store = store;
    this.#settings = settings;
  }

  /** The projects for which something was set, with all their limits; for admins. */
  async list(query: QueryString, caller: Caller): Promise<Body[]> {
    requireAllowed('get', caller);
    const rows = await this.#store.read((db) =>
      db
        .selectFrom('quotas')
        .select(['project_id', 'resource', 'maximum'])
        .where('service', '=', 'network')
        .orderBy('project_id')
        .execute(),
    );
    const limits = Map.groupBy(rows, (row) => row.project_id);
    return [...limits].map(([projectId, set]) => {
      const own = Object.fromEntries(set.map((row) => [row.resource, row.maximum]));
      const shown = present(quota, { ...this.#merged(own), project_id: projectId }, caller);
      return project(shown, parseFields(query));
    });
  }

  /** The limits of one project, its own or, for an admin, any. */
  async show(projectId: string, query: QueryString, caller: Caller): Promise<Body> {
    requireAllowed('get', caller, projectId);
    const limits = await this.#store.read((db) => this.#limits(db, projectId));
    return project(limits, parseFields(query));
  }

  /** What a project has for which nothing was set. */
  defaults(projectId: string, query: QueryString, caller: Caller): Body {
    requireAllowed('get', caller, projectId);
    return project(this.#merged({}), parseFields(query));
  }

  /** Limits with what is in use. Nothing is ever reserved: a limit is decided in the transaction that uses it up. */
  async details(projectId: string, query: QueryString, caller: Caller): Promise<Body> {
    requireAllowed('get', caller, projectId);
    const details = await this.#store.read(async (db) => {
      const limits = await this.#limits(db, projectId);
      const shown: Body = {};
      for (const resource of LIMITED_RESOURCES) {
        const used = await countOf(db, resource, projectId);
        shown[resource.name] = { limit: limits[resource.name], used, reserved: 0 };
      }
      return shown;
    });
    return project(details, parseFields(query));
  }

  /** Sets limits of a project; answers all of them. With `check_limit`, 400 of one that is below what is in use. */
  async update(projectId: string, body: Body, caller: Caller): Promise<Body> {
    requireAllowed('update', caller);
    const { check_limit: check, force, ...limits } = validateUpdate(quota, caller, withoutOwner(body, projectId));
    return this.#store.write(async ({ db }) => {
      for (const [resource, maximum] of Object.entries(limits as unknown as Limits)) {
        if (check && !force && maximum !== UNLIMITED) {
          const used = await countOf(db, byName.get(resource) as Resource, projectId);
          if (used > maximum) {
            throw badRequest(
              `Quota limit ${maximum} for ${resource} must be greater than or equal to already used ${used}`,
            );
          }
        }
        await db
          .insertInto('quotas')
          .values({ project_id: projectId, service: 'network', resource, maximum })
          .onConflict((conflict) => conflict.columns(['project_id', 'service', 'resource']).doUpdateSet({ maximum }))
          .execute();
      }
      return this.#limits(db, projectId);
    });
  }

  /** Forgets what was set for a project; throws 404 when that was nothing. */
  async remove(projectId: string, caller: Caller): Promise<void> {
    requireAllowed('delete', caller);
    await this.#store.write(async ({ db }) => {
      if (Object.keys(await overridesOf(db, projectId)).length === 0) throw quota.notFound(projectId);
      await db.deleteFrom('quotas').where('project_id', '=', projectId).where('service', '=', 'network').execute();
    });
  }

  async #limits(db: Reader, projectId: string): Promise<Limits> {
    return this.#merged(await overridesOf(db, projectId));
  }

  #merged(set: Limits): Limits {
    return Object.fromEntries(
      LIMITED_RESOURCES.map(({ name }) => [name, set[name] ?? this.#settings.quotas[name] ?? UNLIMITED]),
    );
  }
}

/** The SDK repeats the project of the path in the body. */
function withoutOwner(body: Body, projectId: string): Body {
  const rest = { ...body };
  for (const key of ['tenant_id', 'project_id']) if (rest[key] === projectId) delete rest[key];
  return rest;
}
