import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HorizonCloud } from './horizon-cloud.ts';

let cloud: HorizonCloud;
before(async () => {
  cloud = await HorizonCloud.start();
});
after(() => cloud?.stop('GET /identity/v3/projects 403', 'GET /identity/v3/users 403'));

const identity = (method: string, path: string) => cloud.api('admin', method, `identity/v3/${path}`);

test('signing in with a wrong password is refused, and signing out ends the session', async () => {
  const stranger = cloud.visitor();
  const form = (await stranger.open('/auth/login/')).form('/auth/login/');
  const refused = await stranger.browser.submit(form, { username: 'demo', password: 'wrong' });
  assert.match(refused.html, /Invalid credentials/);
  assert.match((await stranger.browser.get('/project/networks/')).url, /^\/auth\/login\//);
  const session = await cloud.signIn('demo');
  await session.open('/project/networks/');
  await session.open('/auth/logout/');
  assert.match((await session.browser.get('/project/networks/')).url, /^\/auth\/login\//);
});

test('projects and users in Horizon: created, changed, given roles, disabled, deleted', async () => {
  const session = await cloud.signIn('admin');
  const created = await session.fillIn('/identity/create', { name: 'team', description: 'a team' });
  const row = created.row('tenants', 'team');
  assert.deepEqual([row.cells.Description, row.cells['Domain Name'], row.cells.Enabled], ['a team', 'Default', 'Yes']);
  assert.equal((await identity('GET', `projects/${row.id}`)).project.description, 'a team');
  await session.fillIn(`/identity/${row.id}/update/`, { name: 'crew', description: 'a crew' });
  const project = (await session.open(`/identity/${row.id}/detail/`)).details;
  assert.deepEqual([project.Name, project.Description, project.ID], ['crew', 'a crew', row.id]);

  const form = (await session.open('/identity/users/create/')).form('/identity/users/create/');
  const roles = form.choices.get('role_id') as ReadonlyMap<string, string>;
  const [member, reader] = [roles.get('member') as string, roles.get('reader') as string];
  const password = { password: 'first password', confirm_password: 'first password' };
  const listed = await session.fillIn('/identity/users/create/', {
    ...{ name: 'carol', email: 'carol@example.org', description: 'new', ...password },
    ...{ project: row.id, role_id: member },
  });
  const user = listed.row('users', 'carol');
  assert.deepEqual([user.cells.Email, user.cells.Enabled], ['carol@example.org', 'Yes']);
  const made = (await identity('GET', `users/${user.id}`)).user;
  assert.deepEqual([made.email, made.description, made.default_project_id], ['carol@example.org', 'new', row.id]);
  const rolesTab = `/identity/users/${user.id}/detail/?tab=user_details__roleassignments`;
  const assigned = async () =>
    (await session.open(rolesTab)).table('roleassignmentstable').map(({ cells }) => [cells.Project, cells.Role]);
  assert.deepEqual(await assigned(), [['crew', 'member']]);
  await session.fillIn(`/identity/${row.id}/update/`, {
    [`update_members_role_${member}`]: null,
    [`update_members_role_${reader}`]: user.id,
  });
  assert.deepEqual(await assigned(), [['crew', 'reader']]);
  const members = await session.open(`/identity/${row.id}/detail/?tab=project_details__users`);
  assert.equal(members.row('userstable', 'carol').cells.Roles, 'reader');

  await session.fillIn(`/identity/users/${user.id}/update/`, { name: 'carola' });
  assert.equal((await session.open(`/identity/users/${user.id}/detail/`)).details['Primary Project'], 'crew');
  const second = { password: 'second password', confirm_password: 'second password' };
  await session.fillIn(`/identity/users/${user.id}/change_password/`, second);
  await (await cloud.signIn('carola', 'second password')).open('/project/networks/');
  await session.press('/identity/users/', `users__toggle__${user.id}`);
  assert.equal((await identity('GET', `users/${user.id}`)).user.enabled, false);
  await session.press('/identity/users/', `users__delete__${user.id}`);
  await session.press('/identity/', `tenants__delete__${row.id}`);
  assert.deepEqual((await identity('GET', 'users?name=carola')).users, []);
  assert.deepEqual((await identity('GET', 'projects?name=crew')).projects, []);
});

test('roles in Horizon, by the calls of its scripts; groups; application credentials', async () => {
  const session = await cloud.signIn('admin');
  await session.open('/identity/roles/');
  const names = async () => {
    const { items } = (await session.browser.script('GET', '/api/keystone/roles/')) as { items: { name: string }[] };
    return items.map(({ name }) => name).sort();
  };
  const made = (await session.browser.script('POST', '/api/keystone/roles/', { name: 'auditor' })) as { id: string };
  assert.deepEqual(await names(), ['admin', 'auditor', 'member', 'reader']);
  await session.browser.script('DELETE', `/api/keystone/roles/${made.id}`);
  assert.deepEqual(await names(), ['admin', 'member', 'reader']);
  assert.deepEqual((await session.open('/identity/groups/')).table('groups'), []);

  const path = '/identity/application_credentials/create/';
  const answered = await session.browser.submit((await session.open(path)).form(path), {
    name: 'robot',
    description: 'for a robot',
    roles: 'reader',
  });
  assert.equal(answered.status, 200);
  assert.deepEqual(answered.complaints, []);
  assert.match(answered.html, /robot/, 'shown once, with its secret');
  const credentials = await session.open('/identity/application_credentials/');
  const robot = credentials.row('application_credentials', 'robot');
  assert.equal(robot.cells.Roles, 'reader');
  await session.press('/identity/application_credentials/', `application_credentials__delete__${robot.id}`);
});

test('what administrators see is closed to others', async () => {
  const session = await cloud.signIn('demo');
  for (const path of ['/admin/', '/admin/networks/', '/admin/routers/', '/admin/floating_ips/']) {
    const page = await session.browser.get(path);
    assert.ok(page.status === 403 || page.url.startsWith('/auth/login/'), `${path}: ${page.status} ${page.url}`);
  }
  for (const path of ['/identity/', '/identity/users/']) {
    const page = await session.browser.get(path);
    assert.match(page.complaints.join(), /Unauthorized|Unable to retrieve/, path);
  }
});
