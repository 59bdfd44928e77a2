import { ApiError, invalidInput } from '@portward/model/api-error.ts';
import { pythonRepr, pythonText } from '@portward/model/attribute.ts';
import type { Resource } from '@portward/model/resource.ts';
import { sql } from 'kysely';
import { among } from '../store/among.ts';
import { compiledQuery } from '../store/compiled-query.ts';
import type { Reader, Store, Transaction } from '../store/store.ts';
import type { Collection } from './collection.ts';
import { type Context, forbidden, requireWriter } from './rules.ts';

/** Most tags of one resource (Neutron's limit). */
const MOST_TAGS = 50;
const LONGEST_TAG = 255;

const tagsOf = compiledQuery((db, { ids }: { ids: string[] }) =>
  db.selectFrom('tags').selectAll().where(among('resource_id', ids)).orderBy('tag'),
);

/** Tags of many resources at once. */
export async function loadTags(db: Reader, ids: string[]): Promise<Map<string, string[]>> {
  const tags = new Map<string, string[]>();
  if (ids.length === 0) return tags;
  const rows = await tagsOf(db, { ids });
  for (const { resource_id: id, tag } of rows) tags.set(id, [...(tags.get(id) ?? []), tag]);
  return tags;
}

/** Forgets the tags of a resource that goes. */
export async function removeTags(tx: Transaction, id: string): Promise<void> {
  await tx.db.deleteFrom('tags').where('resource_id', '=', id).execute();
}

/** Checks one tag's text. */
function checkTag(tag: unknown): string {
  if (typeof tag !== 'string') throw invalidInput(`'${pythonText(tag)}' is not a valid string`);
  if (tag.length === 0) throw invalidInput(`'${tag}' is not a valid tag: it is empty`);
  if ([...tag].length > LONGEST_TAG) throw invalidInput(`'${tag}' exceeds maximum length of ${LONGEST_TAG}`);
  return tag;
}

/** Checks a list of tags as in the body of PUT …/tags. */
export function checkTags(tags: unknown): string[] {
  if (!Array.isArray(tags)) throw invalidInput(`${pythonRepr(tags)} is not a list`);
  const checked = tags.map(checkTag);
  const twice = checked.find((tag, index) => checked.indexOf(tag) !== index);
  if (twice !== undefined) throw invalidInput(`Duplicate items in the list: '${twice}'`);
  if (checked.length > MOST_TAGS) throw tooMany();
  return checked;
}

const tooMany = (): ApiError =>
  new ApiError(400, 'BadRequest', `The number of tags exceed the per-resource limit of ${MOST_TAGS}`);
const tagNotFound = (tag: string): ApiError => new ApiError(404, 'TagNotFound', `Tag ${tag} could not be found.`);

/** Replaces the tags of a resource; for creation, too. */
export async function writeTags(tx: Transaction, id: string, tags: readonly string[]): Promise<void> {
  await removeTags(tx, id);
  if (tags.length > 0)
    await tx.db
      .insertInto('tags')
      .values(tags.map((tag) => ({ resource_id: id, tag })))
      .execute();
}

/** The tags paths of one kind of resource. */
export class TagCollection {
  readonly #store: Store;
  readonly #parents: Collection;

  constructor(store: Store, parents: Collection) {
    this.#store = store;
    this.#parents = parents;
  }

  async list(id: string, context: Context): Promise<string[]> {
    return this.#store.read(async (db) => (await this.#parent(db, id, context)).tags);
  }

  /** Throws 404 TagNotFound unless the resource has the tag. */
  async check(id: string, tag: string, context: Context): Promise<void> {
    if (!(await this.list(id, context)).includes(tag)) throw tagNotFound(tag);
  }

  /** Replaces all tags with what `next` makes of the present ones; answers the new ones. */
  async change(id: string, context: Context, next: (present: string[]) => string[]): Promise<string[]> {
    const { definition } = this.#parents;
    return this.#store.write(async (tx) => {
      const parent = await this.#parent(tx.db, id, context);
      requireWriter('update', definition, context.caller);
      if (!context.caller.isAdmin && parent.project_id !== context.caller.projectId)
        throw forbidden('update', definition);
      const tags = next(parent.tags);
      if (tags.length > MOST_TAGS) throw tooMany();
      if (tags.length === parent.tags.length && tags.every((tag) => parent.tags.includes(tag))) return parent.tags;
      await writeTags(tx, id, tags);
      await bumpRevision(tx, definition, id);
      return tags.toSorted();
    });
  }

  add(id: string, tags: readonly string[], context: Context): Promise<string[]> {
    return this.change(id, context, (present) => [...new Set([...present, ...tags.map(checkTag)])]);
  }

  remove(id: string, tag: string, context: Context): Promise<string[]> {
    return this.change(id, context, (present) => {
      if (!present.includes(tag)) throw tagNotFound(tag);
      return present.filter((other) => other !== tag);
    });
  }

  async #parent(db: Reader, id: string, context: Context): Promise<{ tags: string[]; project_id: string }> {
    const { definition } = this.#parents;
    try {
      return (await this.#parents.find(db, id, context)) as unknown as { tags: string[]; project_id: string };
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      throw new ApiError(404, 'TagResourceNotFound', `Resource ${definition.collection} ${id} could not be found.`);
    }
  }
}

async function bumpRevision(tx: Transaction, definition: Resource, id: string): Promise<void> {
  await tx.db
    .updateTable(definition.table as 'networks')
    .set({ updated_at: tx.now, revision_number: sql<number>`revision_number + 1` })
    .where('id', '=', id)
    .execute();
}
