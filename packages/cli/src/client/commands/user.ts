import type { Json, JsonObject } from '../cell.ts';
import type { Call, Column, Command } from '../command.ts';
import { listOutput } from '../execute.ts';
import { domain, findInDomain, group, project, roleAssignment, user } from '../other-resources.ts';
import { find, listAll } from '../resolve.ts';
import { actorId } from './role.ts';

const DOMAIN_OF = { flag: '--domain', metavar: '<domain>', help: 'Domain of the user (name or ID)' };

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
];

/** What the API leaves out is shown as nothing, what it gives as null as None. */
function orNothing(attr: string): (item: JsonObject) => Json {
  return (item) => item[attr] ?? (attr in item ? null : '');
}

const long: readonly Column[] = [
  ...columns,
  { title: 'Project', attr: 'default_project_id', from: orNothing('default_project_id') },
  { title: 'Domain', attr: 'domain_id' },
  { title: 'Description', attr: 'description', from: orNothing('description') },
  { title: 'Email', attr: 'email', from: orNothing('email') },
  { title: 'Enabled', attr: 'enabled' },
];

async function listUsers(call: Call): Promise<ReturnType<typeof listOutput>> {
  const { values, session } = call;
  const shown = values.has('--long') ? long : columns;
  const inProject = values.text('--project');
  if (inProject !== undefined) {
    const id = await findInDomain(call, project, inProject, '--domain');
    const assignments = await listAll(session, roleAssignment, { 'scope.project.id': id });
    const ids = new Set(assignments.flatMap((assignment) => actorId(assignment, 'user') ?? []));
    return listOutput(shown, await Promise.all([...ids].map((userId) => find(session, user, userId))));
  }
  const named = values.text('--domain');
  const inGroup = values.text('--group');
  const query = { domain_id: named === undefined ? undefined : await findInDomain(call, domain, named, '') };
  const path =
    inGroup === undefined
      ? undefined
      : `/groups/${encodeURIComponent(await findInDomain(call, group, inGroup, '--domain'))}/users`;
  return listOutput(shown, await listAll(session, user, query, undefined, path));
}

/** `user …` */
export const commands: readonly Command[] = [
  {
    words: 'user create',
    help: 'Create a user',
    example: 'user create --project shop --password-file shop.password shop-admin',
    arguments: [{ name: 'name', help: 'Name', attr: 'name' }],
    options: [
      { ...DOMAIN_OF, attr: 'domain_id', find: domain },
      {
        flag: '--project',
        metavar: '<project>',
        help: 'Default project',
        attr: 'default_project_id',
        convert: (text, call) => findInDomain(call, project, text, '--project-domain'),
      },
      { flag: '--project-domain', metavar: '<domain>', help: 'Domain of that project' },
      { flag: '--password', metavar: '<password>', help: 'Password (others may see it)', attr: 'password' },
      { flag: '--password-file', metavar: '<file>', help: 'File whose first line is the password' },
      { flag: '--email', metavar: '<address>', help: 'E-mail address', attr: 'email' },
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      { flag: '--enable', help: 'Enabled (default)', attr: 'enabled', value: true, group: 'enable' },
      { flag: '--disable', help: 'Disabled', attr: 'enabled', value: false, group: 'enable' },
    ],
    action: {
      do: 'create',
      resource: user,
      start: { enabled: true, options: {} },
      finish: async (attrs, { values, remark }) => {
        const file = values.text('--password-file');
        if (file !== undefined) {
          const { readFirstLine } = await import('../text-file.ts');
          attrs.password = await readFirstLine(file);
        }
        if (attrs.password === undefined) {
          remark('No password was supplied, authentication will fail when a user does not have a password.');
        }
      },
    },
  },
  {
    words: 'user list',
    help: 'List users',
    example: 'user list --project shop',
    options: [
      { ...DOMAIN_OF, help: 'In this domain' },
      { flag: '--group', metavar: '<group>', help: 'In this group', group: 'of' },
      { flag: '--project', metavar: '<project>', help: 'With a role in this project', group: 'of' },
      { flag: '--long', help: 'More columns' },
    ],
    action: { do: 'call', output: 'list', run: listUsers },
  },
  {
    words: 'user show',
    help: 'Show a user',
    example: 'user show shop-admin',
    arguments: [{ name: 'user', help: 'User (name or ID)' }],
    options: [DOMAIN_OF],
    action: { do: 'show', resource: user },
  },
  {
    words: 'user delete',
    help: 'Delete users',
    example: 'user delete shop-admin',
    arguments: [{ name: 'user', help: 'User (name or ID)', many: true }],
    options: [DOMAIN_OF],
    action: { do: 'delete', resource: user },
  },
];
