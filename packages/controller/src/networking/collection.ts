import { randomUUID } from 'node:crypto';
import { ApiError } from '@portward/model/api-error.ts';
import {
  type BodyAuthor,
  type Created,
  columnOf,
  type ObjectOf,
  present,
  type Resource,
  validateCreate,
  validateUpdate,
} from '@portward/model/resource.ts';
import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { Caller } from '../caller.ts';
import { among } from '../store/among.ts';
import { compiledQuery } from '../store/compiled-query.ts';
import type { Database, RowOf } from '../store/schema.ts';
import type { Reader, Store, Transaction } from '../store/store.ts';
import { otherRequestsTurn } from '../turn.ts';
import {
  type AnySelect,
  applyListQuery,
  type CustomFilter,
  type ListQuery,
  parseFields,
  parseListQuery,
  project,
  type QueryString,
} from './list-query.ts';
import { requireRoom } from './quota.ts';
import { type Context, forbidden, type Rules, requireWriter, type View } from './rules.ts';
import { filterShared, forgetPolicies, isShareable, openedByOthers, sharedWith } from './shared-access.ts';

type Body = Record<string, unknown>;

/** One page of a list. */
export interface Page {
  readonly items: Record<string, unknown>[];
  /** Id of the first and last item, for the links to neighbouring pages. */
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly limit: number;
  readonly reverse: boolean;
}

/** Rows that are dealt with at once: some milliseconds of work. */
const PART = 1000;

const author = (caller: Caller): BodyAuthor => caller;

/** A token without a project: what belongs to no project (a router's gateway port) is not its own either. */
const seesNothing = ({ projectId, isAdmin }: View['caller']): boolean => projectId === '' && !isAdmin;

/** The operations of the Networking API on one resource: the same for all, with the resource's own rules inside. */
export class Collection<R extends Resource = Resource> {
  readonly rules: Rules<R>;
  readonly #store: Store;
  readonly #rowsByIds = compiledQuery((db, { ids }: { ids: string[] }) =>
    db
      .selectFrom(this.definition.table as 'networks')
      .selectAll()
      .where(among('id', ids)),
  );

  readonly #seenByAdmin = compiledQuery((db, { id, parentId }: { id: string; parentId: string }) =>
    this.#seen(db, id, { caller: { isAdmin: true, projectId: '' }, parentId }),
  );
  readonly #seenByProject = compiledQuery(
    (db, { id, parentId, projectId }: { id: string; parentId: string; projectId: string }) =>
      this.#seen(db, id, { caller: { isAdmin: false, projectId }, parentId }),
  );

  constructor(store: Store, rules: Rules<R>) {
    this.#store = store;
    this.rules = rules;
  }

  get definition(): R {
    return this.rules.definition;
  }

  /** The objects that the caller may see and the query asks for; `within` narrows them further. */
  async list(
    query: QueryString,
    context: Context,
    within: (select: AnySelect) => AnySelect = (select) => select,
  ): Promise<Page> {
    const { rules } = this;
    const filters = this.#filters(context);
    const asked = parseListQuery(this.definition, query, filters, rules.ignoredFilters);
    await this.#prepare(context);
    return this.#store.read(async (db) => {
      await rules.requireParent?.(db, context);
      const base = within(this.#visibleRows(db, context));
      const select = await applyListQuery(this.definition, base, asked, filters);
      const items: Body[] = [];
      let first: string | undefined;
      let last: string | undefined;
      for await (const rows of this.#parts(db, select, asked)) {
        const objects = await this.#load(db, rows, context);
        for (const object of objects)
          items.push(project(present(this.definition, object as Body, context.caller), asked.fields));
        first ??= (rows[0] as { id: string } | undefined)?.id;
        last = (rows.at(-1) as { id: string } | undefined)?.id;
      }
      return { items, first, last, limit: asked.limit, reverse: asked.reverse };
    });
  }

  /** The rows of a list, in parts that are soon dealt with: one, unless there are very many. */
  async *#parts(db: Reader, select: AnySelect, asked: ListQuery): AsyncGenerator<RowOf<R>[]> {
    const { table } = this.definition;
    const most = asked.limit > 0 ? asked.limit : Number.POSITIVE_INFINITY;
    const begin = select.selectAll(table).limit(Math.min(most, PART + 1));
    const rows = (await begin.execute()) as RowOf<R>[];
    const backwards = asked.reverse && (asked.limit > 0 || asked.marker !== undefined);
    if (rows.length <= PART) {
      yield backwards ? rows.reverse() : rows;
      return;
    }
    const ids = ((await select.select(`${table}.id as id`).execute()) as { id: string }[]).map(({ id }) => id);
    if (backwards) ids.reverse();
    for (let start = 0; start < ids.length; start += PART) {
      await otherRequestsTurn();
      yield await this.#rows(db, ids.slice(start, start + PART));
    }
  }

  async show(id: string, query: QueryString, context: Context): Promise<Record<string, unknown>> {
    const object = await this.#store.read((db) => this.find(db, id, context));
    return project(present(this.definition, object as Body, context.caller), parseFields(query));
  }

  /** Creates one object, or all of a list or none. */
  async create(bodies: Body[], context: Context): Promise<Record<string, unknown>[]> {
    const { rules, definition } = this;
    if (rules.create === undefined) throw methodNotAllowed();
    const values = bodies.map((body) => validateCreate(definition, author(context.caller), body));
    rules.checkBulk?.(values as never);
    return this.#store.write(async (tx) => {
      const parent = await rules.requireParent?.(tx.db, context);
      requireWriter('create', definition, context.caller);
      if (rules.adminWrites && !context.caller.isAdmin) throw forbidden('create', definition);
      await rules.prepare?.(tx, context);
      const owners = Map.groupBy(values, (item) => (parent ?? item).project_id);
      for (const [owner, items] of owners) await this.#requireRoom(tx, owner, items.length, context);
      const ids: string[] = [];
      for (const item of values)
        ids.push(await (rules.create as NonNullable<typeof rules.create>)(tx, item as never, context));
      const rows = await this.#rows(tx.db, ids);
      const objects = await this.#load(tx.db, rows, context);
      return objects.map((object) => present(definition, object as Body, context.caller));
    });
  }

  async update(id: string, body: Body, context: Context, ifMatch?: number): Promise<Record<string, unknown>> {
    const { rules, definition } = this;
    if (rules.update === undefined) throw methodNotAllowed();
    const values = validateUpdate(definition, author(context.caller), body);
    return this.#store.write(async (tx) => {
      const current = await this.#writable(tx, 'update', id, context, ifMatch);
      await (rules.update as NonNullable<typeof rules.update>)(tx, current, values as never, context);
      const after = await this.find(tx.db, id, context);
      return present(definition, after as Body, context.caller);
    });
  }

  async remove(id: string, context: Context, ifMatch?: number): Promise<void> {
    const { rules } = this;
    if (rules.remove === undefined) throw methodNotAllowed();
    await this.#store.write(async (tx) => {
      const current = await this.#writable(tx, 'delete', id, context, ifMatch);
      await (rules.remove as NonNullable<typeof rules.remove>)(tx, current, context);
      if (isShareable(this.definition)) await forgetPolicies(tx, id);
    });
  }

  /** Runs one of the resource's actions; answers the whole body. */
  async act(name: string, id: string, body: Body, context: Context): Promise<Body> {
    const { definition } = this;
    return this.#store.write(async (tx) => {
      const current = await this.#writable(tx, 'update', id, context, undefined);
      const answer = await this.rules.actions?.[name]?.(tx, current, body, context);
      if (answer !== undefined) return answer;
      const after = await this.find(tx.db, id, context);
      return { [definition.name]: present(definition, after as Body, context.caller) };
    });
  }

  /** The object, if the caller may see it; else the resource's 404. */
  async find(db: Reader, id: string, context: Context): Promise<ObjectOf<R>> {
    await this.rules.requireParent?.(db, context);
    const { caller, parentId = '' } = context;
    if (seesNothing(caller)) throw this.definition.notFound(id);
    const found = caller.isAdmin
      ? await this.#seenByAdmin(db, { id, parentId })
      : await this.#seenByProject(db, { id, parentId, projectId: caller.projectId });
    const rows = found as unknown as RowOf<R>[];
    const [object] = await this.#load(db, rows, context);
    if (object === undefined) throw this.definition.notFound(id);
    return object;
  }

  /** The object, if the caller may change it: 404 when it may not see it, 403 when it may see it only. */
  async #writable(
    tx: Transaction,
    verb: 'update' | 'delete',
    id: string,
    context: Context,
    ifMatch: number | undefined,
  ): Promise<ObjectOf<R>> {
    const { caller } = context;
    const object = await this.find(tx.db, id, context);
    requireWriter(verb, this.definition, caller);
    const owner = (object as Body).project_id;
    const foreign = owner !== undefined && owner !== caller.projectId;
    if (!caller.isAdmin && (this.rules.adminWrites || foreign)) throw forbidden(verb, this.definition);
    const revision = (object as Body).revision_number;
    if (ifMatch !== undefined && revision !== undefined && revision !== ifMatch) {
      throw new ApiError(
        412,
        'RevisionNumberConstraintFailed',
        `Constrained to ${ifMatch}, but current revision is ${revision}`,
      );
    }
    return object;
  }

  /** Throws 409 unless the project's quotas leave room for so many more objects. */
  async #requireRoom(tx: Transaction, owner: string, count: number, { settings }: Context): Promise<void> {
    const { brings, definition } = this.rules;
    if (definition.quota === undefined) return;
    const wanted = { [definition.name]: count };
    for (const [name, each] of Object.entries(brings ?? {})) wanted[name] = each * count;
    await requireRoom(tx, settings, owner, wanted);
  }

  async #prepare(context: Context): Promise<void> {
    const { rules } = this;
    if (rules.needsPrepare === undefined || rules.prepare === undefined) return;
    const needed = await this.#store.read((db) =>
      (rules.needsPrepare as NonNullable<typeof rules.needsPrepare>)(db, context),
    );
    if (needed) await this.#store.write((tx) => (rules.prepare as NonNullable<typeof rules.prepare>)(tx, context));
  }

  async #rows(db: Reader, ids: string[]): Promise<RowOf<R>[]> {
    const found = await this.#rowsByIds(db, { ids });
    const byId = new Map(found.map((row) => [row.id, row as unknown as RowOf<R>]));
    return ids.map((id) => byId.get(id) as RowOf<R>);
  }

  /** The object of an id, if it may be seen. */
  #seen(db: Reader, id: string, view: View) {
    const { table } = this.definition;
    return this.#visible(db, view)
      .where(`${table}.id`, '=', id)
      .selectAll(table as 'networks');
  }

  #visible(db: Reader, context: View): AnySelect {
    const base = db.selectFrom(this.definition.table as 'networks') as unknown as AnySelect;
    if (seesNothing(context.caller)) return base.where(sql<boolean>`1 = 0`);
    if (this.rules.visible !== undefined) return this.rules.visible(base, context);
    if (context.caller.isAdmin) return base;
    return base.where(sql<boolean>`(${sql.join(this.#visibleToProject(context.caller), sql` or `)})`);
  }

  /**
   * The same for lists. What a project sees for one reason or another is put together from a query for each, so that
   * the store takes from each no more than the page holds, in the index's order.
   */
  #visibleRows(db: Reader, context: Context): AnySelect {
    const { table } = this.definition;
    const conditions = this.#visibleToProject(context.caller);
    const whole = this.rules.visible !== undefined || context.caller.isAdmin || context.caller.projectId === '';
    if (whole || conditions.length === 1) return this.#visible(db, context);
    const [first, ...others] = conditions.map((condition) =>
      db
        .selectFrom(table as 'networks')
        .selectAll()
        .where(condition),
    ) as [SelectQueryBuilder<Database, 'networks', Database['networks']>];
    const all = others.reduce((query, other) => query.unionAll(other), first);
    return db.selectFrom(all.as(table)) as unknown as AnySelect;
  }

  /** Conditions of which an object that the caller's project may see meets exactly one. */
  #visibleToProject(caller: View['caller']): RawBuilder<boolean>[] {
    const { definition } = this;
    const own = sql<boolean>`${sql.ref(`${definition.table}.project_id`)} = ${caller.projectId}`;
    if (this.rules.alsoVisible !== undefined) return [own, ...this.rules.alsoVisible(caller)];
    return isShareable(definition) ? [own, openedByOthers(definition, caller)] : [own];
  }

  /** The rules' own filters; of what can be shared also `shared`, which is another for each project. */
  #filters({ caller }: Context): Readonly<Record<string, CustomFilter>> {
    const own = this.rules.filters ?? {};
    if (!isShareable(this.definition)) return own;
    return { ...own, shared: (query, values) => filterShared(query, this.definition, caller, values) };
  }

  async #load(db: Reader, rows: RowOf<R>[], context: Context): Promise<ObjectOf<R>[]> {
    const objects = await this.rules.load(db, rows, context);
    if (!isShareable(this.definition)) return objects;
    const ids = rows.map((row) => (row as unknown as { id: string }).id);
    const shared = await sharedWith(db, this.definition, ids, context.caller);
    return objects.map((object, index) => ({ ...(object as Body), shared: shared.has(ids[index] as string) }) as never);
  }
}

const methodNotAllowed = (): ApiError =>
  new ApiError(
    405,
    'HTTPMethodNotAllowed',
    'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  );

type Write = ReturnType<typeof compiledQuery<Body, unknown>>;

/** Inserts and updates, by table and columns. */
const writes = new Map<string, Write>();

function writeOf(key: string, build: Parameters<typeof compiledQuery<Body, unknown>>[0]): Write {
  let write = writes.get(key);
  if (write === undefined) {
    write = compiledQuery(build);
    writes.set(key, write);
  }
  return write;
}

const only = (columns: readonly string[], row: Body): Body =>
  Object.fromEntries(columns.map((column) => [column, row[column]]));

/** Inserts a new object's row: an id (unless given), times and first revision are added; answers the id. */
export async function insertObject<R extends Resource>(
  tx: Transaction,
  definition: R,
  values: Partial<ObjectOf<R>> & { project_id: string },
): Promise<string> {
  const complete: Body = { id: randomUUID(), ...values, created_at: tx.now, updated_at: tx.now, revision_number: 0 };
  const row: Body = {};
  for (const [name, declared] of Object.entries(definition.attributes)) {
    if (declared.storage !== 'computed') row[columnOf(name)] = complete[name] ?? null;
  }
  const { table } = definition;
  const insert = writeOf(`insert ${table}`, (db, places) =>
    db.insertInto(table as 'networks').values(only(Object.keys(row), places) as never),
  );
  await insert(tx.db, row);
  return complete.id as string;
}

const STORED_REVISION = { revision_number: sql<number>`revision_number + 1` };

/** Writes changed attributes of an object, new revision and time with them. */
export async function updateObject<R extends Resource>(
  tx: Transaction,
  definition: R,
  id: string,
  values: Partial<ObjectOf<R>>,
): Promise<void> {
  await writeChanges(
    tx,
    definition,
    id,
    { ...changedColumns(definition, values), updated_at: tx.now },
    STORED_REVISION,
  );
}

/** Writes changed attributes of a resource that keeps no revisions. */
export async function updateRow<R extends Resource>(
  tx: Transaction,
  definition: R,
  id: string,
  values: Partial<ObjectOf<R>>,
): Promise<void> {
  const changes = changedColumns(definition, values);
  if (Object.keys(changes).length > 0) await writeChanges(tx, definition, id, changes, {});
}

async function writeChanges(tx: Transaction, { table }: Resource, id: string, changes: Body, more: Body) {
  const columns = Object.keys(changes);
  const update = writeOf(`update ${table} ${[...columns, ...Object.keys(more)]}`, (db, places) =>
    db
      .updateTable(table as 'networks')
      .set({ ...more, ...only(columns, places) } as never)
      .where('id', '=', places.id as string),
  );
  await update(tx.db, { ...changes, id });
}

function changedColumns(definition: Resource, values: Body): Body {
  const changes: Body = {};
  for (const [name, value] of Object.entries(values)) {
    const declared = definition.attributes[name];
    if (declared !== undefined && declared.storage !== 'computed' && value !== undefined)
      changes[columnOf(name)] = value;
  }
  return changes;
}

/** Values of a POST, typed for one definition. */
export type NewValues<R> = R extends Resource<infer A> ? Created<A> : never;
