import type { JsonObject } from '../cell.ts';
import { isObject, pythonText } from '../cell.ts';
import type { Call, Column, Command, Option } from '../command.ts';
import { ClientError } from '../errors.ts';
import { listOutput } from '../execute.ts';
import { domain, findInDomain, group, project, role, roleAssignment, user } from '../other-resources.ts';
import { findId, listAll } from '../resolve.ts';

const WHERE_AND_WHO: readonly Option[] = [
  { flag: '--system', metavar: '<system>', help: 'On the whole system (all)', group: 'where' },
  { flag: '--domain', metavar: '<domain>', help: 'On this domain', group: 'where' },
  { flag: '--project', metavar: '<project>', help: 'On this project', group: 'where' },
  { flag: '--user', metavar: '<user>', help: 'User (name or ID)', group: 'who' },
  { flag: '--group', metavar: '<group>', help: 'Group (name or ID)', group: 'who' },
  { flag: '--group-domain', metavar: '<domain>', help: 'Domain of the group' },
  { flag: '--project-domain', metavar: '<domain>', help: 'Domain of the project' },
  { flag: '--user-domain', metavar: '<domain>', help: 'Domain of the user' },
  { flag: '--inherited', help: 'For the projects below' },
  { flag: '--role-domain', metavar: '<domain>', help: 'Domain of the role' },
];

/** The id of the user, group, role or scope object in an assignment. */
export function actorId(assignment: JsonObject, kind: string): string | undefined {
  const actor = assignment[kind];
  return isObject(actor) && typeof actor.id === 'string' ? actor.id : undefined;
}

/** `/projects/ID/users/ID`: where grants of roles to someone somewhere are kept. */
async function grantPath(call: Call): Promise<string> {
  const { values } = call;
  const who = await actorPath(call);
  const scoped = async (flag: string, kind: 'projects' | 'domains'): Promise<string> => {
    const resource = kind === 'projects' ? project : domain;
    const id = await findInDomain(
      call,
      resource,
      values.text(flag) ?? '',
      kind === 'projects' ? '--project-domain' : '',
    );
    const path = `/${kind}/${encodeURIComponent(id)}${who}/roles`;
    return values.has('--inherited') ? `/OS-INHERIT${path}` : path;
  };
  if (who !== '' && values.has('--project')) return await scoped('--project', 'projects');
  if (who !== '' && values.has('--domain')) return await scoped('--domain', 'domains');
  if (who !== '' && values.has('--system')) return `/system${who}/roles`;
  throw new ClientError(
    'Role not added, incorrect set of arguments provided: give --user or --group, and --project, --domain or --system',
  );
}

async function actorPath(call: Call): Promise<string> {
  const name = call.values.text('--user');
  if (name !== undefined) return `/users/${encodeURIComponent(await findInDomain(call, user, name, '--user-domain'))}`;
  const named = call.values.text('--group');
  if (named === undefined) return '';
  return `/groups/${encodeURIComponent(await findInDomain(call, group, named, '--group-domain'))}`;
}

async function addRole(call: Call): Promise<undefined> {
  const { values, session } = call;
  const id = await findInDomain(call, role, values.text('role') ?? '', '--role-domain');
  const inherited = values.has('--inherited') ? '/inherited_to_projects' : '';
  const path = `${await grantPath(call)}/${encodeURIComponent(id)}${inherited}`;
  await session.request('identity', 'PUT', path);
}

async function listRoles({ values, session }: Call): Promise<ReturnType<typeof listOutput>> {
  const columns: Column[] = [
    { title: 'ID', attr: 'id' },
    { title: 'Name', attr: 'name' },
  ];
  const name = values.text('--domain');
  if (name === undefined) return listOutput(columns, await listAll(session, role, {}));
  const domainId = await findId(session, domain, name);
  const shown: Column[] = [...columns, { title: 'Domain', attr: 'domain_id', from: () => name }];
  return listOutput(shown, await listAll(session, role, { domain_id: domainId }));
}

const assignmentColumns: readonly string[] = ['Role', 'User', 'Group', 'Project', 'Domain', 'System'];

async function listAssignments(call: Call): Promise<ReturnType<typeof listOutput>> {
  const { values, session } = call;
  const named = async (flag: string, resource: typeof role, domainFlag: string): Promise<string | undefined> => {
    const text = values.text(flag);
    return text === undefined ? undefined : await findInDomain(call, resource, text, domainFlag);
  };
  const names = values.has('--names');
  const items = await listAll(session, roleAssignment, {
    'role.id': await named('--role', role, '--role-domain'),
    'user.id':
      (await named('--user', user, '--user-domain')) ?? (values.has('--auth-user') ? session.userId : undefined),
    'group.id': await named('--group', group, '--group-domain'),
    'scope.project.id':
      (await named('--project', project, '--project-domain')) ??
      (values.has('--auth-project') ? session.projectId : undefined),
    'scope.domain.id': await named('--domain', domain, ''),
    'scope.system': values.text('--system'),
    'scope.OS-INHERIT:inherited_to': values.has('--inherited') ? 'projects' : undefined,
    effective: values.has('--effective') ? true : undefined,
    include_names: names ? true : undefined,
  });
  const columns = assignmentColumns.map((title): Column => {
    return { title, attr: title, from: (item) => assignmentCell(item, title.toLowerCase(), names) };
  });
  const inherited: Column = { title: 'Inherited', attr: 'inherited', from: isInherited };
  return listOutput([...columns, inherited], items);
}

function assignmentCell(item: JsonObject, kind: string, names: boolean): string {
  const scope = isObject(item.scope) ? item.scope : {};
  if (kind === 'system') return scope.system === undefined ? '' : 'all';
  const part = kind === 'project' || kind === 'domain' ? scope[kind] : item[kind];
  if (!isObject(part)) return '';
  if (!names) return pythonText(part.id ?? '');
  const name = pythonText(part.name ?? '');
  const owner = isObject(part.domain) && kind !== 'role' ? part.domain.name : undefined;
  return owner === undefined ? name : `${name}@${pythonText(owner)}`;
}

function isInherited(item: JsonObject): boolean {
  return isObject(item.scope) && item.scope['OS-INHERIT:inherited_to'] === 'projects';
}

/** `role …` */
export const commands: readonly Command[] = [
  {
    words: 'role add',
    help: 'Give a user or group a role',
    example: 'role add --project shop --user shop-admin member',
    arguments: [{ name: 'role', help: 'Role (name or ID)' }],
    options: WHERE_AND_WHO,
    action: { do: 'call', output: 'none', run: addRole },
  },
  {
    words: 'role list',
    help: 'List roles',
    example: 'role list',
    options: [{ flag: '--domain', metavar: '<domain>', help: 'Of this domain' }],
    action: { do: 'call', output: 'list', run: listRoles },
  },
  {
    words: 'role assignment list',
    help: 'List who has which role where',
    example: 'role assignment list --names --project shop',
    options: [
      { flag: '--effective', help: 'Also what follows from groups and implied roles' },
      { flag: '--role', metavar: '<role>', help: 'Of this role' },
      { flag: '--names', help: 'Names instead of IDs' },
      ...WHERE_AND_WHO,
      { flag: '--auth-user', help: 'Your own' },
      { flag: '--auth-project', help: 'Of the project you are signed in to' },
    ],
    action: { do: 'call', output: 'list', run: listAssignments },
  },
];
