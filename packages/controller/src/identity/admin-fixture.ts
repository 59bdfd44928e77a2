import assert from 'node:assert/strict';
import { type Answer, CloudFixture } from './cloud-fixture.ts';

export const V3 = '/identity/v3';
export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A cloud and its administrator at the Identity API, for tests. */
export async function openAdmin() {
  const cloud = await CloudFixture.open();
  const admin = await cloud.adminToken();
  /** A request below `/identity/v3`, the administrator's unless another token is given. */
  const api = (method: Method, path: string, body?: unknown, token = admin): Promise<Answer> =>
    cloud.request(method, `${V3}/${path}`, { token, body });
  const roleId = async (name: string): Promise<string> => (await api('GET', `roles?name=${name}`)).body.roles[0].id;
  return { cloud, admin, api, roleId };
}

export const namesOf = (list: { name: string }[]): string[] => list.map((item) => item.name);

/** The text of a refusal, which must have that status. */
export function messageOf(answer: Answer, status: number): string {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.equal(answer.body.error.code, status);
  return answer.body.error.message;
}
