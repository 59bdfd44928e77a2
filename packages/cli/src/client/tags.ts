import type { JsonObject } from './cell.ts';
import { pythonText } from './cell.ts';
import type { Call, Option, Resource, Values } from './command.ts';
import { idOf, objectPath } from './resolve.ts';

/** Tag options of `create`. */
export const TAGS_FOR_CREATE: readonly Option[] = [
  { flag: '--tag', metavar: '<tag>', repeat: true, group: 'tag', help: 'Tag to add (may be repeated)' },
  { flag: '--no-tag', group: 'tag', help: 'Give it no tags' },
];

/** Tag options of `set`; both together replace the tags there are. */
export const TAGS_FOR_SET: readonly Option[] = [
  { flag: '--tag', metavar: '<tag>', repeat: true, help: 'Tag to add (may be repeated)' },
  { flag: '--no-tag', help: 'Remove the tags it has (with --tag: replace them)' },
];

/** Tag options of `unset`. */
export const TAGS_FOR_UNSET: readonly Option[] = [
  { flag: '--tag', metavar: '<tag>', repeat: true, group: 'tag', help: 'Tag to remove (may be repeated)' },
  { flag: '--all-tag', group: 'tag', help: 'Remove all tags' },
];

/** Tag filters of `list`. */
export const TAG_FILTERS: readonly Option[] = [
  { flag: '--tags', metavar: '<tag>[,<tag>...]', help: 'Only those that have all these tags' },
  { flag: '--any-tags', metavar: '<tag>[,<tag>...]', help: 'Only those that have any of these tags' },
  { flag: '--not-tags', metavar: '<tag>[,<tag>...]', help: 'Not those that have all these tags' },
  { flag: '--not-any-tags', metavar: '<tag>[,<tag>...]', help: 'Not those that have any of these tags' },
];

const FILTER_PARAMETERS = {
  '--tags': 'tags',
  '--any-tags': 'tags-any',
  '--not-tags': 'not-tags',
  '--not-any-tags': 'not-tags-any',
};

/** Adds the tag filters given to a query. */
export function filterTags(query: JsonObject, values: Values): void {
  for (const [flag, parameter] of Object.entries(FILTER_PARAMETERS)) {
    const text = values.text(flag);
    if (text !== undefined) query[parameter] = text;
  }
}

/**
 * Brings an object's tags to what the tag options say, with one request if they differ. Tags are a resource of their
 * own: the networking API takes none in the body of a create or update.
 */
export async function replaceTags(
  resource: Resource,
  object: JsonObject,
  call: Call,
  mode: 'add' | 'remove' = 'add',
): Promise<JsonObject> {
  const { values, session } = call;
  const old = Array.isArray(object.tags) ? object.tags.map(pythonText) : [];
  const wanted = new Set(values.has('--no-tag') || values.has('--all-tag') ? [] : old);
  for (const tag of values.texts('--tag')) {
    if (mode === 'remove') wanted.delete(tag);
    else wanted.add(tag);
  }
  const same = wanted.size === old.length && old.every((tag) => wanted.has(tag));
  if (same) return object;
  const tags = [...wanted].sort();
  await session.request(resource.service, 'PUT', `${objectPath(resource, idOf(object))}/tags`, { body: { tags } });
  return { ...object, tags };
}
