import type { Resource } from './command.ts';
import type { NamesOf } from './complete.ts';
import { findId, listAll } from './resolve.ts';
import type { Session } from './session.ts';

/** How long names are kept: as long as somebody types one line. */
const KEPT_MS = 10_000;

/**
 * Names of objects for completion, asked of the cloud at most once in ten seconds for each resource. Whatever goes
 * wrong, there are just none.
 */
export function cloudNames(connect: () => Promise<Session>, now: () => number = Date.now): NamesOf {
  const kept = new Map<string, { readonly at: number; readonly names: Promise<readonly string[]> }>();
  return (resource, parent) => {
    const key = `${resource.service} ${resource.collection} ${parent?.name ?? ''}`;
    const old = kept.get(key);
    if (old !== undefined && now() - old.at < KEPT_MS) return old.names;
    const names = connect()
      .then((session) => ask(session, resource, parent))
      .catch((): readonly string[] => {
        kept.delete(key);
        return [];
      });
    kept.set(key, { at: now(), names });
    return names;
  };
}

async function ask(session: Session, resource: Resource, parent: Parameters<NamesOf>[1]): Promise<readonly string[]> {
  const parentId = parent && (await findId(session, parent.resource, parent.name));
  const objects = await listAll(session, resource, {}, parentId);
  return objects.flatMap((object) => {
    const name = resource.idsOnly === true ? '' : object[resource.nameAttr ?? 'name'];
    const shown = typeof name === 'string' && name !== '' ? name : object.id;
    return typeof shown === 'string' ? [shown] : [];
  });
}
