import { ApiError } from './api-error.ts';
import type { Json, JsonObject } from './cell.ts';
import { isObject } from './cell.ts';
import type { Resource } from './command.ts';
import { ClientError, MissingError } from './errors.ts';
import type { Query, Session } from './session.ts';

/** Where the objects of a resource are; `parent` fills the `{parent}` of nested collections. */
export function collectionPath(resource: Resource, parent?: string): string {
  return resource.collection.replace('{parent}', encodeURIComponent(parent ?? ''));
}

/** The path of one object. */
export function objectPath(resource: Resource, id: string, parent?: string): string {
  return `${collectionPath(resource, parent)}/${encodeURIComponent(id)}`;
}

/** The object of an answer, out of its envelope. */
export function unwrapped(resource: Resource, body: Json): JsonObject {
  const inner = isObject(body) ? body[resource.one] : null;
  if (isObject(inner)) return inner;
  return isObject(body) ? body : {};
}

/** The id of an object the API gave. */
export function idOf(object: JsonObject): string {
  return typeof object.id === 'string' ? object.id : String(object.id ?? '');
}

/**
 * Finds the object a person named: by id, else by name.
 *
 * @throws ClientError when there is none, or several of that name.
 */
export async function find(session: Session, resource: Resource, text: string, query: Query = {}): Promise<JsonObject> {
  if (mayBeId(resource, text)) {
    const byId = await fetchById(session, resource, text);
    if (byId !== undefined) return byId;
  }
  if (resource.idsOnly === true) throw missing(resource, text);
  const nameAttr = resource.nameAttr ?? 'name';
  const filter = { ...query, [nameAttr]: text };
  const found = await listAll(
    session,
    resource,
    { ...resource.searchQuery, ...filter },
    undefined,
    resource.searchPath,
  );
  // Some services treat a filter as a pattern, or ignore it.
  const matches = found.filter((item) => item[nameAttr] === text);
  const [only] = matches;
  if (only === undefined) throw missing(resource, text);
  if (matches.length > 1) throw ambiguous(resource, text);
  return only;
}

/**
 * The id of the object a person named. Who may not look into the Identity service names projects, users and domains
 * by id: there the text itself is taken.
 */
export async function findId(session: Session, resource: Resource, text: string, query?: Query): Promise<string> {
  try {
    return idOf(await find(session, resource, text, query));
  } catch (error) {
    if (resource.service === 'identity' && error instanceof ApiError && error.status === 403) return text;
    throw error;
  }
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

function mayBeId(resource: Resource, text: string): boolean {
  return resource.uuidsOnly === true ? UUID.test(text) : text !== '';
}

async function fetchById(session: Session, resource: Resource, id: string): Promise<JsonObject | undefined> {
  try {
    const answer = await session.request(
      resource.service,
      'GET',
      objectPath(resource, id),
      versionOf(session, resource),
    );
    const object = unwrapped(resource, answer.body);
    return idOf(object) === '' ? undefined : object;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404 && resource.saysWhyMissing === true) {
      const why = `Client Error for url: ${error.url}, ${error.reason}`;
      throw new MissingError(`No ${resource.label} found for ${id}: ${why}`);
    }
    // Some services answer 400 or 403 for a name where an id belongs.
    if (error instanceof ApiError && [400, 403, 404].includes(error.status)) return undefined;
    throw error;
  }
}

/**
 * The id of an object that the token itself describes (the project one is signed in to, oneself), where that is what
 * the text names; else the text.
 */
export function idInToken(session: Session, resource: Resource, text: string): string {
  const own = resource.ofToken === undefined ? null : session.tokenBody[resource.ofToken];
  return isObject(own) && own.name === text ? idOf(own) : text;
}

function missing(resource: Resource, text: string): ClientError {
  if (resource.service === 'network' || resource.service === 'image') {
    return new MissingError(`No ${resource.label} found for ${text}`);
  }
  return new MissingError(`No ${resource.label} with a name or ID of '${text}' exists.`);
}

function ambiguous(resource: Resource, text: string): ClientError {
  return new ClientError(`More than one ${resource.label} exists with the name '${text}'.`);
}

/** What is asked for when nobody asks for a microversion. */
const LOWEST_COMPUTE = '2.1';

/** The microversion header of compute requests; other services need none. */
export function versionOf(
  session: Session,
  resource: Pick<Resource, 'service' | 'microversion'>,
): { headers?: Record<string, string> } {
  if (resource.service !== 'compute') return {};
  const asked = session.auth.computeVersion;
  const version = asked === LOWEST_COMPUTE ? (resource.microversion ?? asked) : asked;
  return { headers: { 'X-OpenStack-Nova-API-Version': version, 'OpenStack-API-Version': `compute ${version}` } };
}

/** All objects of a collection, following the links from page to page. */
export async function listAll(
  session: Session,
  resource: Resource,
  query: Query,
  parent?: string,
  path = collectionPath(resource, parent),
): Promise<JsonObject[]> {
  const found: JsonObject[] = [];
  let next: string | undefined = path;
  let parts: Query | undefined = query;
  const seen = new Set<string>();
  while (next !== undefined && !seen.has(next)) {
    seen.add(next);
    const options = { ...versionOf(session, resource), ...(parts === undefined ? {} : { query: parts }) };
    const { body } = await session.request(resource.service, 'GET', next, options);
    const items = isObject(body) ? body[resource.many] : null;
    if (Array.isArray(items)) found.push(...items.filter(isObject));
    next = nextPage(body, resource, path);
    parts = undefined;
  }
  return found;
}

/** The path and query of the next page, from `<many>_links` (network, compute), `links` (identity), `next` (image). */
function nextPage(body: Json, resource: Resource, path: string): string | undefined {
  if (!isObject(body)) return undefined;
  const links = body[`${resource.many}_links`];
  const link = Array.isArray(links) ? links.filter(isObject).find((item) => item.rel === 'next') : undefined;
  const identity = isObject(body.links) ? body.links.next : undefined;
  const href = link?.href ?? identity ?? body.next;
  if (typeof href !== 'string') return undefined;
  const question = href.indexOf('?');
  // Only the query is taken over: the address in a link may be one the client cannot reach.
  return question < 0 ? undefined : path + href.slice(question);
}
