import { ApiError } from '../api-error.ts';
import type { JsonObject } from '../cell.ts';
import { pythonText } from '../cell.ts';
import type { Call, Column, Command, Option } from '../command.ts';
import { UsageError } from '../errors.ts';
import { listOutput } from '../execute.ts';
import { domain, findInDomain, IMMUTABLE, OR_SHOW, project, user } from '../other-resources.ts';
import { idOf, listAll, objectPath, unwrapped } from '../resolve.ts';
import { filterTags, TAG_FILTERS } from '../tags.ts';

const DOMAIN_OF = { flag: '--domain', metavar: '<domain>', help: 'Domain it is in (name or ID)' };

const PROPERTY: Option = {
  flag: '--property',
  metavar: '<key=value>',
  repeat: true,
  help: 'Further attribute (may be repeated)',
};

/** Puts `--property` pairs beside the other attributes. */
function setProperties(attrs: JsonObject, { values }: Call): void {
  for (const text of values.texts('--property')) {
    const equals = text.indexOf('=');
    if (equals < 1) throw new UsageError(`argument --property: Expected 'key=value' type, but got: ${text}`);
    attrs[text.slice(0, equals)] = text.slice(equals + 1);
  }
}

/** A project's tags are an attribute like others: sent whole. */
function changeTags(attrs: JsonObject, call: Call, current: JsonObject): void {
  const { values } = call;
  setProperties(attrs, call);
  const given = values.texts('--tag');
  const gone = values.texts('--remove-tag');
  const cleared = values.has('--clear-tags');
  if (given.length === 0 && gone.length === 0 && !cleared) return;
  const old = cleared || !Array.isArray(current.tags) ? [] : current.tags;
  attrs.tags = [...new Set([...old, ...given])].filter((tag) => typeof tag !== 'string' || !gone.includes(tag));
}

/** The ids of the projects above and below: the API gives them when asked. */
async function addRelatives(shown: JsonObject, { values, session }: Call): Promise<void> {
  const parents = values.has('--parents');
  const children = values.has('--children');
  if (!parents && !children) return;
  const query = { ...(parents ? { parents_as_ids: '' } : {}), ...(children ? { subtree_as_ids: '' } : {}) };
  const { body } = await session.request('identity', 'GET', objectPath(project, idOf(shown)), { query });
  Object.assign(shown, unwrapped(project, body));
}

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
];

const long: readonly Column[] = [
  ...columns,
  { title: 'Domain ID', attr: 'domain_id' },
  { title: 'Description', attr: 'description' },
  { title: 'Enabled', attr: 'enabled' },
];

/** Who may not list all projects sees his own. */
async function listProjects(call: Call): Promise<ReturnType<typeof listOutput>> {
  const { values, session } = call;
  const shown = values.has('--long') ? long : columns;
  const query: JsonObject = {};
  const parent = values.text('--parent');
  const named = values.text('--domain');
  if (named !== undefined) query.domain_id = await findInDomain(call, domain, named, '');
  if (parent !== undefined) query.parent_id = await findInDomain(call, project, parent, '--domain');
  filterTags(query, values);
  const anyTags = values.text('--tags-any');
  const notAnyTags = values.text('--not-tags-any');
  if (anyTags !== undefined) query['tags-any'] = anyTags;
  if (notAnyTags !== undefined) query['not-tags-any'] = notAnyTags;
  const owner = values.text('--user');
  const own = `/users/${encodeURIComponent(session.userId ?? '')}/projects`;
  let path: string | undefined;
  if (values.has('--my-projects')) path = own;
  else if (owner !== undefined) {
    path = `/users/${encodeURIComponent(await findInDomain(call, user, owner, '--domain'))}/projects`;
  }
  const filters = query as Record<string, string>;
  try {
    const found = await listAll(session, project, filters, undefined, path);
    return listOutput(shown, sorted(found, values.text('--sort')));
  } catch (error) {
    const forbidden = error instanceof ApiError && error.status === 403;
    if (!forbidden || path !== undefined || Object.keys(query).length > 0) throw error;
    return listOutput(shown, await listAll(session, project, {}, undefined, own));
  }
}

/** Objects by `key:direction,…`: ascending unless said otherwise, the key named first deciding first. */
function sorted(items: JsonObject[], order: string | undefined): JsonObject[] {
  const keys = order === undefined ? [] : order.split(',').map((part) => part.split(':'));
  return keys.reduceRight(
    (rows, [key = '', direction]) =>
      rows.toSorted((a, b) => {
        const [left, right] = [pythonText(a[key] ?? null), pythonText(b[key] ?? null)];
        const ascending = left < right ? -1 : left > right ? 1 : 0;
        return direction === 'desc' ? -ascending : ascending;
      }),
    items,
  );
}

/** `project …` */
export const commands: readonly Command[] = [
  {
    words: 'project create',
    help: 'Create a project',
    example: 'project create --description "The shop" shop',
    arguments: [{ name: 'name', help: 'Name', attr: 'name' }],
    options: [
      { ...DOMAIN_OF, attr: 'domain_id', find: domain },
      { flag: '--parent', metavar: '<project>', help: 'Parent project', attr: 'parent_id', find: project },
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      { flag: '--enable', help: 'Enabled (default)', attr: 'enabled', value: true, group: 'enable' },
      { flag: '--disable', help: 'Disabled', attr: 'enabled', value: false, group: 'enable' },
      { flag: '--tag', metavar: '<tag>', repeat: true, help: 'Tag (may be repeated)', attr: 'tags' },
      ...IMMUTABLE,
      PROPERTY,
      OR_SHOW,
    ],
    action: { do: 'create', resource: project, start: { enabled: true, tags: [], options: {} }, finish: setProperties },
  },
  {
    words: 'project list',
    help: 'List projects',
    example: 'project list',
    options: [
      { ...DOMAIN_OF, help: 'In this domain' },
      { flag: '--parent', metavar: '<project>', help: 'Below this project' },
      { flag: '--user', metavar: '<user>', help: 'In which this user has a role' },
      { flag: '--my-projects', help: 'In which you have a role' },
      { flag: '--long', help: 'More columns' },
      { flag: '--sort', metavar: '<key>[:<direction>]', help: 'Sort by this attribute, asc or desc' },
      ...TAG_FILTERS,
      { flag: '--tags-any', metavar: '<tag>[,<tag>...]', help: 'The same as --any-tags' },
      { flag: '--not-tags-any', metavar: '<tag>[,<tag>...]', help: 'The same as --not-any-tags' },
    ],
    action: { do: 'call', output: 'list', run: listProjects },
  },
  {
    words: 'project show',
    help: 'Show a project',
    example: 'project show shop',
    arguments: [{ name: 'project', help: 'Project (name or ID)' }],
    options: [
      DOMAIN_OF,
      { flag: '--parents', help: 'The projects above it, too' },
      { flag: '--children', help: 'The projects below it, too' },
    ],
    action: { do: 'show', resource: project, finish: addRelatives },
  },
  {
    words: 'project set',
    help: 'Change a project',
    example: 'project set --disable shop',
    arguments: [{ name: 'project', help: 'Project (name or ID)' }],
    options: [
      DOMAIN_OF,
      { flag: '--name', metavar: '<name>', help: 'New name', attr: 'name' },
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      { flag: '--enable', help: 'Enabled', attr: 'enabled', value: true, group: 'enable' },
      { flag: '--disable', help: 'Disabled', attr: 'enabled', value: false, group: 'enable' },
      ...IMMUTABLE,
      PROPERTY,
      { flag: '--tag', metavar: '<tag>', repeat: true, help: 'Tag to add (may be repeated)' },
      { flag: '--clear-tags', help: 'Remove the tags it has (with --tag: replace them)' },
      { flag: '--remove-tag', metavar: '<tag>', repeat: true, help: 'Tag to remove (may be repeated)' },
    ],
    action: { do: 'set', resource: project, finish: changeTags, always: true },
  },
  {
    words: 'project delete',
    help: 'Delete projects',
    example: 'project delete shop',
    arguments: [{ name: 'project', help: 'Project (name or ID)', many: true }],
    options: [DOMAIN_OF],
    action: { do: 'delete', resource: project },
  },
];
