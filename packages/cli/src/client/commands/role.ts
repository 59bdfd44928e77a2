import type { JsonObject } from '../cell.ts';
import { isObject, pythonText } from '../cell.ts';
import type { Call, Column, Command, Option } from '../command.ts';
import { ClientError } from '../errors.ts';
import { listOutput, showOutput } from '../execute.ts';
import {
  domain,
  findInDomain,
  group,
  IMMUTABLE,
  OR_SHOW,
  project,
  role,
  roleAssignment,
  user,
} from '../other-resources.ts';
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
async function grantPath(call: Call, incomplete: string): Promise<string> {
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
  const none = !['--user', '--group', '--project', '--domain'].some((flag) => values.has(flag));
  if (none) throw new ClientError(`${incomplete}. See portward --help for more details`);
  throw new ClientError('Must specify either system, domain, or project');
}

async function actorPath(call: Call): Promise<string> {
  const name = call.values.text('--user');
  if (name !== undefined) return `/users/${encodeURIComponent(await findInDomain(call, user, name, '--user-domain'))}`;
  const named = call.values.text('--group');
  if (named === undefined) return '';
  return `/groups/${encodeURIComponent(await findInDomain(call, group, named, '--group-domain'))}`;
}

/** `PUT` gives a role, `DELETE` takes it. */
function grant(method: 'PUT' | 'DELETE', incomplete: string): (call: Call) => Promise<undefined> {
  return async (call) => {
    const { values, session } = call;
    const id = await findInDomain(call, role, values.text('role') ?? '', '--role-domain');
    const inherited = values.has('--inherited') ? '/inherited_to_projects' : '';
    const path = `${await grantPath(call, incomplete)}/${encodeURIComponent(id)}${inherited}`;
    await session.request('identity', method, path);
    return undefined;
  };
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

const DOMAIN_OF: Option = { flag: '--domain', metavar: '<domain>', help: 'Domain of the role (name or ID)' };

const IMPLIED: Option = {
  flag: '--implied-role',
  metavar: '<role>',
  required: true,
  help: 'Role that is implied (name or ID)',
};

async function implicationPath({ values, session }: Call): Promise<string> {
  const prior = encodeURIComponent(await findId(session, role, values.text('role') ?? ''));
  const implied = encodeURIComponent(await findId(session, role, values.text('--implied-role') ?? ''));
  return `/roles/${prior}/implies/${implied}`;
}

function idIn(value: JsonObject[string] | undefined): JsonObject[string] {
  return isObject(value ?? null) ? ((value as JsonObject).id ?? null) : null;
}

async function listImplied({ session }: Call): Promise<ReturnType<typeof listOutput>> {
  const inferences = { ...role, many: 'role_inferences' };
  const rules = await listAll(session, inferences, {}, undefined, '/role_inferences');
  const rows = rules.flatMap(({ prior_role: prior = null, implies }) => {
    const implied = Array.isArray(implies) ? implies.filter(isObject) : [];
    return isObject(prior) ? implied.map((other) => ({ prior, implied: other })) : [];
  });
  const column = (title: string, of: 'prior' | 'implied', attr: string): Column => ({
    title,
    attr,
    from: (row) => (isObject(row[of] ?? null) ? ((row[of] as JsonObject)[attr] ?? null) : null),
  });
  return listOutput(
    [
      column('Prior Role ID', 'prior', 'id'),
      column('Prior Role Name', 'prior', 'name'),
      column('Implied Role ID', 'implied', 'id'),
      column('Implied Role Name', 'implied', 'name'),
    ],
    rows,
  );
}

/** `role …`, `implied role …` */
export const commands: readonly Command[] = [
  {
    words: 'role add',
    help: 'Give a user or group a role',
    example: 'role add --project shop --user shop-admin member',
    arguments: [{ name: 'role', help: 'Role (name or ID)' }],
    options: WHERE_AND_WHO,
    action: {
      do: 'call',
      output: 'none',
      run: grant('PUT', 'Role not added, incorrect set of arguments provided'),
    },
  },
  {
    words: 'role remove',
    help: 'Take a role from a user or group',
    example: 'role remove --project shop --user shop-admin member',
    arguments: [{ name: 'role', help: 'Role (name or ID)' }],
    options: WHERE_AND_WHO,
    action: { do: 'call', output: 'none', run: grant('DELETE', 'Incorrect set of arguments provided') },
  },
  {
    words: 'role create',
    help: 'Create a role',
    example: 'role create --description "Reads only" auditor',
    arguments: [{ name: 'role-name', help: 'Name', attr: 'name' }],
    options: [
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      { ...DOMAIN_OF, attr: 'domain_id', find: domain },
      ...IMMUTABLE,
      OR_SHOW,
    ],
    action: { do: 'create', resource: role, start: { options: {} } },
  },
  {
    words: 'role show',
    help: 'Show a role',
    example: 'role show member',
    arguments: [{ name: 'role', help: 'Role (name or ID)' }],
    options: [DOMAIN_OF],
    action: { do: 'show', resource: role },
  },
  {
    words: 'role set',
    help: 'Change a role',
    example: 'role set --name reader auditor',
    arguments: [{ name: 'role', help: 'Role (name or ID)' }],
    options: [
      { flag: '--name', metavar: '<name>', help: 'New name', attr: 'name' },
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      DOMAIN_OF,
      ...IMMUTABLE,
    ],
    action: { do: 'set', resource: role, always: true },
  },
  {
    words: 'role delete',
    help: 'Delete roles',
    example: 'role delete auditor',
    arguments: [{ name: 'role', help: 'Role (name or ID)', many: true }],
    options: [DOMAIN_OF],
    action: { do: 'delete', resource: role },
  },
  {
    words: 'implied role create',
    help: 'Let one role imply another',
    example: 'implied role create admin --implied-role auditor',
    arguments: [{ name: 'role', help: 'Role that implies the other (name or ID)' }],
    options: [IMPLIED],
    action: {
      do: 'call',
      output: 'show',
      run: async (call) => {
        const { body } = await call.session.request('identity', 'PUT', await implicationPath(call));
        const rule = isObject(body) && isObject(body.role_inference) ? body.role_inference : {};
        return showOutput(undefined, { implies: idIn(rule.implies), prior_role: idIn(rule.prior_role) });
      },
    },
  },
  {
    words: 'implied role delete',
    help: 'Let one role imply another no longer',
    example: 'implied role delete admin --implied-role auditor',
    arguments: [{ name: 'role', help: 'Role that implies the other (name or ID)' }],
    options: [IMPLIED],
    action: {
      do: 'call',
      output: 'none',
      run: async (call) => {
        await call.session.request('identity', 'DELETE', await implicationPath(call));
        return undefined;
      },
    },
  },
  {
    words: 'implied role list',
    help: 'List which roles imply which',
    example: 'implied role list',
    action: { do: 'call', output: 'list', run: listImplied },
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
