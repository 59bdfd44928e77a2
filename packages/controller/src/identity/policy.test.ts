import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Method, messageOf, openAdmin, V3 } from './admin-fixture.ts';

const { cloud, api } = await openAdmin();
after(() => cloud.close());

test('who is no admin sees and changes its own, and no more', async () => {
  const { token, userId, projectId } = await cloud.member('plain');
  const other = await cloud.member('plain-other');
  const allowed: [Method, string, number, unknown?][] = [
    ['GET', `users/${userId}`, 200],
    ['GET', `users/${userId}/projects`, 200],
    ['GET', `users/${userId}/groups`, 200],
    ['GET', `users/${userId}/access_rules`, 200],
    ['GET', `projects/${projectId}`, 200],
    ['GET', `projects/${projectId}/tags`, 200],
    ['GET', 'domains/default', 200],
    ['GET', 'regions', 200],
    ['GET', 'credentials', 200],
    ['GET', 'limits', 200],
  ];
  for (const [method, path, status] of allowed) {
    assert.equal((await api(method, path, undefined, token)).status, status, path);
  }
  const refused: [Method, string, string][] = [
    ['GET', 'users', 'list_users'],
    ['GET', 'users/admin', 'get_user'],
    ['GET', `users/${other.userId}`, 'get_user'],
    ['GET', `users/${other.userId}/projects`, 'list_user_projects'],
    ['POST', 'users', 'create_user'],
    ['PATCH', `users/${userId}`, 'update_user'],
    ['DELETE', `users/${userId}`, 'delete_user'],
    ['GET', 'projects', 'list_projects'],
    ['GET', `projects/${other.projectId}`, 'get_project'],
    ['POST', 'projects', 'create_project'],
    ['PATCH', `projects/${projectId}`, 'update_project'],
    ['DELETE', `projects/${projectId}`, 'delete_project'],
    ['GET', `projects/${other.projectId}/tags`, 'list_project_tags'],
    ['GET', `projects/${other.projectId}/tags/x`, 'get_project_tag'],
    ['PUT', `projects/${projectId}/tags`, 'update_project_tags'],
    ['PUT', `projects/${projectId}/tags/x`, 'create_project_tag'],
    ['DELETE', `projects/${projectId}/tags`, 'delete_project_tags'],
    ['DELETE', `projects/${projectId}/tags/x`, 'delete_project_tag'],
    ['POST', 'groups', 'create_group'],
    ['GET', 'roles', 'list_roles'],
    ['GET', 'roles/x', 'get_role'],
    ['POST', 'roles', 'create_role'],
    ['PATCH', 'roles/x', 'update_role'],
    ['DELETE', 'roles/x', 'delete_role'],
    ['GET', 'role_inferences', 'list_role_inference_rules'],
    ['GET', 'roles/x/implies', 'list_implied_roles'],
    ['GET', 'roles/x/implies/y', 'get_implied_role'],
    ['PUT', 'roles/x/implies/y', 'create_implied_role'],
    ['DELETE', 'roles/x/implies/y', 'delete_implied_role'],
    ['GET', 'role_assignments', 'list_role_assignments'],
    ['GET', `projects/${projectId}/users/${userId}/roles`, 'list_grants'],
    ['GET', `projects/${projectId}/users/${userId}/roles/x`, 'check_grant'],
    ['PUT', `projects/${projectId}/users/${userId}/roles/x`, 'create_grant'],
    ['DELETE', `projects/${projectId}/users/${userId}/roles/x`, 'revoke_grant'],
    ['GET', 'domains', 'list_domains'],
    ['GET', 'domains/other', 'get_domain'],
    ['POST', 'domains', 'create_domain'],
    ['PATCH', 'domains/default', 'update_domain'],
    ['DELETE', 'domains/default', 'delete_domain'],
    ['GET', 'services', 'list_services'],
    ['GET', 'services/x', 'get_service'],
    ['GET', 'endpoints', 'list_endpoints'],
    ['GET', 'endpoints/x', 'get_endpoint'],
    ['POST', 'services', 'change_services'],
    ['GET', 'groups', 'list_groups'],
    ['GET', 'policies', 'list_policies'],
  ];
  for (const [method, path, action] of refused) {
    const answer = await api(method, path, method === 'GET' ? undefined : {}, token);
    assert.equal(
      messageOf(answer, 403),
      `You are not authorized to perform the requested action: identity:${action}.`,
      `${method} ${path}`,
    );
    assert.equal((await cloud.request(method, `${V3}/${path}`)).status, 401, `${method} ${path} without a token`);
  }
});
