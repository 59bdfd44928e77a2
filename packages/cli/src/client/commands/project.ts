import { ApiError } from '../api-error.ts';
import type { JsonObject } from '../cell.ts';
import type { Call, Column, Command } from '../command.ts';
import { listOutput } from '../execute.ts';
import { domain, findInDomain, project, user } from '../other-resources.ts';
import { listAll } from '../resolve.ts';
import { filterTags, TAG_FILTERS } from '../tags.ts';

const DOMAIN_OF = { flag: '--domain', metavar: '<domain>', help: 'Domain it is in (name or ID)' };

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
  const owner = values.text('--user');
  const own = `/users/${encodeURIComponent(session.userId ?? '')}/projects`;
  let path: string | undefined;
  if (values.has('--my-projects')) path = own;
  else if (owner !== undefined) {
    path = `/users/${encodeURIComponent(await findInDomain(call, user, owner, '--domain'))}/projects`;
  }
  const filters = query as Record<string, string>;
  try {
    return listOutput(shown, await listAll(session, project, filters, undefined, path));
  } catch (error) {
    const forbidden = error instanceof ApiError && error.status === 403;
    if (!forbidden || path !== undefined || Object.keys(query).length > 0) throw error;
    return listOutput(shown, await listAll(session, project, {}, undefined, own));
  }
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
    ],
    action: { do: 'create', resource: project, start: { enabled: true, tags: [], options: {} } },
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
      ...TAG_FILTERS,
    ],
    action: { do: 'call', output: 'list', run: listProjects },
  },
  {
    words: 'project show',
    help: 'Show a project',
    example: 'project show shop',
    arguments: [{ name: 'project', help: 'Project (name or ID)' }],
    options: [DOMAIN_OF],
    action: { do: 'show', resource: project },
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
