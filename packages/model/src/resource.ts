import { ApiError, badRequest, invalidInput } from './api-error.ts';
import { type Attribute, attribute, given, internal, nullable, readOnly, text } from './attribute.ts';
import { arrayOf, TEXT, TIMESTAMP, UUID_TEXT } from './json-schema.ts';

/** Named attributes of one resource. */
// biome-ignore lint/suspicious/noExplicitAny: attributes of every type stand side by side; `unknown` would refuse them
export type Attributes = Record<string, Attribute<any>>;

/** The one definition of a resource, from which types, validation, columns, filters and documents derive. */
export interface Resource<A extends Attributes = Attributes> {
  /** Singular, the key of a body: `floatingip`. */
  readonly name: string;
  /** Plural, the key of a list and the last part of its path: `floatingips`. */
  readonly collection: string;
  /** Table of the store. */
  readonly table: string;
  readonly attributes: A;
  /** What it is, for the reference documents. */
  readonly doc: string;
  /** Whether tags may be put on it. */
  readonly tagged: boolean;
  /** Whether a POST may carry a list of them. */
  readonly bulk: boolean;
  /** What an RBAC policy may let other projects do with it; empty: it is not shared. */
  readonly shareActions: readonly ShareAction[];
  /** How many of them a project may have unless something else is set for it, -1: any number; undefined: no quota. */
  readonly quota: number | undefined;
  /** The 404 of an id that is unknown or not visible to the caller. */
  readonly notFound: (id: string) => ApiError;
}

/** How an object stands open to another project: to be used as if it were its own, or as an external network. */
export type ShareAction = 'access_as_shared' | 'access_as_external';

/** The values of all attributes: what the store loads and the feed carries. */
export type Values<A extends Attributes> = { [K in keyof A]: A[K] extends Attribute<infer T> ? T : never };

/** The object type of a definition. */
export type ObjectOf<R> = R extends Resource<infer A> ? Values<A> : never;

/** Declares a resource. */
export function defineResource<const A extends Attributes>(definition: {
  name: string;
  collection: string;
  doc?: string;
  attributes: A;
  tagged?: boolean;
  bulk?: boolean;
  shareActions?: readonly ShareAction[];
  quota?: number;
  notFound: { type: string; message: (id: string) => string };
}): Resource<A> {
  const { type, message } = definition.notFound;
  return {
    name: definition.name,
    collection: definition.collection,
    table: definition.collection.replaceAll('-', '_'),
    attributes: definition.attributes,
    doc: definition.doc ?? '',
    tagged: definition.tagged ?? false,
    bulk: definition.bulk ?? false,
    shareActions: definition.shareActions ?? [],
    quota: definition.quota,
    notFound: (id) => new ApiError(404, type, message(id)),
  };
}

/** Column of an attribute: Neutron's names carry colons, SQL's do not. */
export const columnOf = (attributeName: string): string => attributeName.replaceAll(':', '_');

const UTC_SECONDS = 'UTC, to the second: `2026-11-23T20:19:31Z`';

/** id, owner and book-keeping that every networking resource has. */
export const identified = {
  id: readOnly(given<string>(UUID_TEXT), { doc: 'UUID' }),
  project_id: attribute(text(255), {
    put: false,
    adminSet: false,
    doc: 'Owning project; also accepted and shown as `tenant_id`',
  }),
  created_at: readOnly(given<string>(TIMESTAMP), { filter: false, doc: `Time of creation, ${UTC_SECONDS}` }),
  updated_at: readOnly(given<string>(TIMESTAMP), { filter: false, doc: `Time of the last change, ${UTC_SECONDS}` }),
  revision_number: readOnly(given<number>(), { storage: 'integer', doc: 'Grows with each change' }),
} as const;

/** A free text about the resource. */
export const description = attribute(text(255), { default: '', doc: 'Free text' });

/** A name, which need not be unique. */
export const name = attribute(text(255), { default: '', doc: 'Name, need not be unique' });

/** Whether it may be used by the project that looks at it, or by all, though it be another's. */
export const shared = { storage: 'computed', filter: true, doc: 'Whether it is shared with this project' } as const;

/** Tags; changed by paths of their own. */
export const tags = readOnly(given<string[]>(arrayOf(TEXT)), { storage: 'computed', doc: 'Labels for filters' });

/** The host whose agent carries the resource out; null until there is one. */
export const agentHost = internal(nullable(text(255)), { doc: 'Host whose agent carries it out' });

/** Who asks, as far as validation of a body must know. */
export interface BodyAuthor {
  readonly projectId: string;
  readonly isAdmin: boolean;
}

const refused = (definition: Resource, verb: 'create' | 'update', attributeName: string): ApiError =>
  new ApiError(
    403,
    'PolicyNotAuthorized',
    `(rule:${verb}_${definition.name} and rule:${verb}_${definition.name}:${attributeName}) is disallowed by policy`,
  );

/** Runs one attribute's schema; throws Neutron's 400 with the reason. */
function convert(attributeName: string, declared: Attribute, value: unknown): unknown {
  const outcome = declared.schema.safeParse(value);
  if (outcome.success) return outcome.data;
  const issue = outcome.error.issues[0] as { message: string; params?: { convert?: boolean; type?: string } };
  if (issue.params?.type !== undefined) throw new ApiError(400, issue.params.type, issue.message);
  if (issue.params?.convert) throw invalidInput(issue.message);
  throw badRequest(`Invalid input for ${attributeName}. Reason: ${issue.message.replace(/\.$/, '')}.`);
}

/** 400 of who claims another project's name without being an admin. */
const foreignOwner = (): ApiError =>
  badRequest(
    "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin or advsvc privileges",
  );

/** Refuses unknown names, and folds `tenant_id` into `project_id`. */
function known(definition: Resource, body: Record<string, unknown>): Record<string, unknown> {
  const { tenant_id: tenantId, ...rest } = body;
  if (tenantId !== undefined && Object.hasOwn(definition.attributes, 'project_id')) {
    if (rest.project_id !== undefined && rest.project_id !== tenantId) {
      throw badRequest("'project_id' and 'tenant_id' do not match");
    }
    rest.project_id = tenantId;
  } else if (tenantId !== undefined) {
    rest.tenant_id = tenantId;
  }
  const unknown = Object.keys(rest).filter(
    (key) => !Object.hasOwn(definition.attributes, key) || definition.attributes[key]?.internal === true,
  );
  if (unknown.length > 0) throw badRequest(`Unrecognized attribute(s) '${unknown.sort().join(', ')}'`);
  return rest;
}

const isDefault = (declared: Attribute, value: unknown): boolean =>
  'default' in declared && JSON.stringify(declared.default) === JSON.stringify(value);

/** The values of a POST: checked, converted, defaults filled in. What the server itself sets is absent. */
export type Created<A extends Attributes> = Partial<Values<A>> & { project_id: string };

/**
 * Checks the inner object of a POST. Throws the API's 400 or 403; see `badRequest` and Neutron's texts.
 * Attributes without a default that the body leaves out stay absent, so that a rule can tell "unset" from null.
 */
export function validateCreate<A extends Attributes>(
  definition: Resource<A>,
  author: BodyAuthor,
  body: Record<string, unknown>,
): Created<A> {
  const given = known(definition, body);
  const projectId = given.project_id ?? author.projectId;
  if (projectId !== author.projectId && !author.isAdmin) throw foreignOwner();
  const values: Record<string, unknown> = {};
  // First what is missing or may not be there, then what is wrong, then what is not allowed: Neutron's order.
  for (const [key, declared] of Object.entries(definition.attributes)) {
    if (Object.hasOwn(given, key)) {
      if (declared.post === 'denied') throw badRequest(`Attribute '${key}' not allowed in POST`);
    } else if (declared.post === 'required') {
      throw badRequest(`Failed to parse request. Required attribute '${key}' not specified`);
    } else if (declared.post === 'optional' && 'default' in declared) values[key] = declared.default;
  }
  let notAllowed: string | undefined;
  for (const [key, value] of Object.entries(given)) {
    const declared = definition.attributes[key] as Attribute;
    values[key] = convert(key, declared, value);
    // Saying the default is no claim: dashboards send whole forms.
    if (declared.adminOnly.set && !author.isAdmin && !isDefault(declared, values[key])) notAllowed ??= key;
  }
  if (notAllowed !== undefined) throw refused(definition, 'create', notAllowed);
  values.project_id = projectId;
  return values as Created<A>;
}

/** Checks the inner object of a PUT: only what the body names, converted. Throws the API's 400 or 403. */
export function validateUpdate<A extends Attributes>(
  definition: Resource<A>,
  author: BodyAuthor,
  body: Record<string, unknown>,
): Partial<Values<A>> {
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(known(definition, body))) {
    const declared = definition.attributes[key] as Attribute;
    if (key === 'project_id' && value !== author.projectId && !author.isAdmin) throw foreignOwner();
    if (!declared.put) throw badRequest(`Cannot update read-only attribute ${key}`);
    values[key] = convert(key, declared, value);
  }
  for (const key of Object.keys(values)) {
    if (definition.attributes[key]?.adminOnly.set && !author.isAdmin) throw refused(definition, 'update', key);
  }
  return values as Partial<Values<A>>;
}

interface Shown {
  readonly key: string;
  readonly asText: boolean;
}

/** What admins and what others are shown of each resource: found once, for a list asks it of every object. */
const shownOf = new WeakMap<Resource, { readonly toAdmins: readonly Shown[]; readonly toOthers: readonly Shown[] }>();

function shownTo(definition: Resource, { isAdmin }: { isAdmin: boolean }): readonly Shown[] {
  let shown = shownOf.get(definition);
  if (shown === undefined) {
    const entries = Object.entries(definition.attributes).filter(
      ([, { internal, writeOnly }]) => !internal && !writeOnly,
    );
    const toAdmins = entries.map(([key, { asText }]) => ({ key, asText: asText === true }));
    shown = { toAdmins, toOthers: toAdmins.filter(({ key }) => !definition.attributes[key]?.adminOnly.view) };
    shownOf.set(definition, shown);
  }
  return isAdmin ? shown.toAdmins : shown.toOthers;
}

/** What the API shows of an object: internal attributes left out, admin's attributes for admins, `tenant_id` added. */
export function present(
  definition: Resource,
  object: Record<string, unknown>,
  viewer: { isAdmin: boolean },
): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const { key, asText } of shownTo(definition, viewer)) {
    const value = object[key];
    if (value === undefined) continue;
    shown[key] = asText ? String(value) : value;
    if (key === 'project_id') shown.tenant_id = value;
  }
  return shown;
}
