import type { JsonObject } from '../cell.ts';
import type { Call, Column, Command, Option } from '../command.ts';
import { listOutput } from '../execute.ts';
import { domain, findInDomain, group, OR_SHOW, project, roleAssignment, user } from '../other-resources.ts';
import { find, listAll } from '../resolve.ts';
import { actorId } from './role.ts';

const DOMAIN_OF = { flag: '--domain', metavar: '<domain>', help: 'Domain of the user (name or ID)' };

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
];

const long: readonly Column[] = [
  ...columns,
  { title: 'Project', attr: 'default_project_id' },
  { title: 'Domain', attr: 'domain_id' },
  { title: 'Description', attr: 'description' },
  { title: 'Email', attr: 'email' },
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
    return listOutput(shown, await Promise.all([...ids].map((userId) => find(session, user, userId))), '');
  }
  const named = values.text('--domain');
  const inGroup = values.text('--group');
  const query = { domain_id: named === undefined ? undefined : await findInDomain(call, domain, named, '') };
  const path =
    inGroup === undefined
      ? undefined
      : `/groups/${encodeURIComponent(await findInDomain(call, group, inGroup, '--domain'))}/users`;
  return listOutput(shown, await listAll(session, user, query, undefined, path), '');
}

/** What the Identity service may make of a user, as switches: the option's name without `--`, and what it sends. */
const USER_OPTIONS: Readonly<Record<string, JsonObject>> = {
  'ignore-lockout-failure-attempts': { ignore_lockout_failure_attempts: true },
  'no-ignore-lockout-failure-attempts': { ignore_lockout_failure_attempts: false },
  'ignore-password-expiry': { ignore_password_expiry: true },
  'no-ignore-password-expiry': { ignore_password_expiry: false },
  'ignore-change-password-upon-first-use': { ignore_change_password_upon_first_use: true },
  'no-ignore-change-password-upon-first-use': { ignore_change_password_upon_first_use: false },
  'enable-lock-password': { lock_password: true },
  'disable-lock-password': { lock_password: false },
  'enable-multi-factor-auth': { multi_factor_auth_enabled: true },
  'disable-multi-factor-auth': { multi_factor_auth_enabled: false },
};

const CHANGEABLE: readonly Option[] = [
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
  { flag: '--password-prompt', help: 'Ask for the password' },
  { flag: '--email', metavar: '<address>', help: 'E-mail address', attr: 'email' },
  { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
  { flag: '--enable', help: 'Enabled (default)', attr: 'enabled', value: true, group: 'enable' },
  { flag: '--disable', help: 'Disabled', attr: 'enabled', value: false, group: 'enable' },
  ...Object.keys(USER_OPTIONS).map((name) => ({ flag: `--${name}`, help: `Option of the user: ${name}` })),
  {
    flag: '--multi-factor-auth-rule',
    metavar: '<method>[,<method>...]',
    repeat: true,
    help: 'Ways to sign in that do together (may be repeated)',
  },
];

/** Puts the password, from a file or the keyboard too, and the options of a user into a body. */
async function settle(attrs: JsonObject, { values }: Call): Promise<void> {
  const file = values.text('--password-file');
  if (file !== undefined) {
    const { readFirstLine } = await import('../text-file.ts');
    attrs.password = await readFirstLine(file);
  }
  if (values.has('--password-prompt')) {
    const { askPassword } = await import('../ask-password.ts');
    attrs.password = await askPassword('User Password:', 'Repeat User Password:');
  }
  const set = Object.entries(USER_OPTIONS).flatMap(([name, option]) => (values.has(`--${name}`) ? [option] : []));
  const rules = values.texts('--multi-factor-auth-rule').map((rule) => rule.split(','));
  const options = Object.assign({}, ...set, rules.length === 0 ? {} : { multi_factor_auth_rules: rules });
  if (Object.keys(options).length > 0) attrs.options = options;
}

const NO_PASSWORD = 'No password was supplied, authentication will fail when a user does not have a password.';

async function changeOwnPassword({ values, session, remark }: Call): Promise<undefined> {
  const { askPassword } = await import('../ask-password.ts');
  const old = values.text('--original-password') ?? (await askPassword('Current Password:'));
  const password = values.text('--password') ?? (await askPassword('New Password:', 'Repeat New Password:'));
  if (password === '') remark(NO_PASSWORD);
  await session.request('identity', 'POST', `/users/${encodeURIComponent(session.userId ?? '')}/password`, {
    body: { user: { original_password: old, password } },
  });
}

/** `user …` */
export const commands: readonly Command[] = [
  {
    words: 'user create',
    help: 'Create a user',
    example: 'user create --project shop --password-file shop.password shop-admin',
    arguments: [{ name: 'name', help: 'Name', attr: 'name' }],
    options: [{ ...DOMAIN_OF, attr: 'domain_id', find: domain }, ...CHANGEABLE, OR_SHOW],
    action: {
      do: 'create',
      resource: user,
      start: { enabled: true, options: {} },
      finish: async (attrs, call) => {
        await settle(attrs, call);
        if (attrs.password === undefined) call.remark(NO_PASSWORD);
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
  {
    words: 'user set',
    help: 'Change a user',
    example: 'user set --email shop@example.org shop-admin',
    arguments: [{ name: 'user', help: 'User (name or ID)' }],
    options: [
      { flag: '--name', metavar: '<name>', help: 'New name', attr: 'name' },
      { ...DOMAIN_OF, help: 'Domain of the user (name or ID)' },
      ...CHANGEABLE,
    ],
    action: {
      do: 'set',
      resource: user,
      finish: async (attrs, call, current) => {
        await settle(attrs, call);
        if (attrs.password === '') call.remark(NO_PASSWORD);
        attrs.enabled ??= current.enabled ?? true;
      },
    },
  },
  {
    words: 'user password set',
    help: 'Change your own password',
    example: 'user password set',
    options: [
      { flag: '--password', metavar: '<password>', help: 'New password (others may see it; asked for if not given)' },
      { flag: '--original-password', metavar: '<password>', help: 'Present password (asked for if not given)' },
    ],
    action: { do: 'call', output: 'none', run: changeOwnPassword },
  },
];
