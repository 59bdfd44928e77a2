import { ApiError } from '@portward/model/api-error.ts';
import type { Config } from '@portward/model/config.ts';
import type { Created, ObjectOf, Resource, Values } from '@portward/model/resource.ts';
import type { RawBuilder } from 'kysely';
import type { Caller } from '../caller.ts';
import type { RowOf } from '../store/schema.ts';
import type { Reader, Transaction } from '../store/store.ts';
import type { AnySelect, CustomFilter } from './list-query.ts';

type Updated<R> = R extends Resource<infer A> ? Partial<Values<A>> : never;
type New<R> = R extends Resource<infer A> ? Created<A> : never;

/** Who asks, and by what settings it is decided. */
export interface Context {
  readonly caller: Caller;
  readonly settings: Config['networking'];
  /** The floating IP in the path of its forwardings. */
  readonly parentId?: string;
}

/** What of a request decides which objects it sees. Queries are compiled with places for these values. */
export interface View {
  readonly caller: Pick<Caller, 'isAdmin' | 'projectId'>;
  readonly parentId?: string;
}

/**
 * An action on one object that the caller may change, `PUT …/{id}/{name}`. Answers the whole body, or nothing for the
 * object as it then is.
 */
export type Action<R extends Resource> = (
  tx: Transaction,
  current: ObjectOf<R>,
  body: Record<string, unknown>,
  context: Context,
) => Promise<Record<string, unknown> | undefined>;

/**
 * What is particular to one resource; the rest is the same for all (see collection.ts).
 * Rules run inside the store's transaction; what they throw is answered as it stands and undoes everything.
 */
export interface Rules<R extends Resource = Resource> {
  readonly definition: R;
  /** Narrows a query to what the caller may see; without it: the caller's own project's and what is shared with it, or everything for an admin. */
  visible?(query: AnySelect, view: View): AnySelect;
  /**
   * What a project sees beside its own objects, in place of what is shared with it: conditions of which an object meets
   * one at most, and one of the project's own none. Each is looked up by an index of its own.
   */
  alsoVisible?(caller: View['caller']): RawBuilder<boolean>[];
  /** Completes rows with the computed attributes, all rows at once. */
  load(db: Reader, rows: RowOf<R>[], context: Context): Promise<ObjectOf<R>[]>;
  readonly filters?: Readonly<Record<string, CustomFilter>>;
  /** Query parameters that are accepted and mean nothing. */
  readonly ignoredFilters?: readonly string[];
  /** Runs before a list or a create: what must exist by then. */
  prepare?(tx: Transaction, context: Context): Promise<void>;
  /** Throws the 404 of a parent in the path that the caller may not see. Answers the owner of what is under it. */
  requireParent?(db: Reader, context: Context): Promise<{ readonly project_id: string }>;
  /** Whether `prepare` has something to do; asked first, so that a list stays a read. */
  needsPrepare?(db: Reader, context: Context): Promise<boolean>;
  /** Objects of other resources that are made with each, by resource name: they need room in their quotas. */
  readonly brings?: Readonly<Record<string, number>>;
  /** Answers the new id. */
  create?(tx: Transaction, values: New<R>, context: Context): Promise<string>;
  /** All objects of a bulk create, before the first is made. */
  checkBulk?(values: New<R>[]): void;
  update?(tx: Transaction, current: ObjectOf<R>, values: Updated<R>, context: Context): Promise<void>;
  remove?(tx: Transaction, current: ObjectOf<R>, context: Context): Promise<void>;
  /** By the last part of their path. */
  readonly actions?: Readonly<Record<string, Action<R>>>;
  /** Only admins write, whoever owns the object. */
  readonly adminWrites?: boolean;
}

/** 403 of an action that the caller's role does not allow on an object that it may see. */
export function forbidden(verb: 'get' | 'create' | 'update' | 'delete', definition: Resource): ApiError {
  return new ApiError(403, 'PolicyNotAuthorized', `rule:${verb}_${definition.name} is disallowed by policy`);
}

/** Throws unless the caller's role lets it write at all. */
export function requireWriter(verb: 'create' | 'update' | 'delete', definition: Resource, caller: Caller): void {
  if (!caller.isAdmin && !caller.roles.includes('member')) throw forbidden(verb, definition);
}
