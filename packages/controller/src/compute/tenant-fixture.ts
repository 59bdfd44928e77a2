import assert from 'node:assert/strict';
import type { Answer } from '../identity/cloud-fixture.ts';
import { type ComputeFixture, type ComputeRequest, openComputeFixture } from './compute-fixture.ts';
import { IMAGES } from './images.ts';

export type Method = Parameters<ComputeFixture['compute']>[0];

/** The one image. */
export const IMAGE = IMAGES[0]?.id ?? '';

/** A cloud with two tenants, and requests of the first one, for tests of servers. */
export async function openTenants() {
  const fixture = await openComputeFixture();
  const admin = await fixture.cloud.adminToken();
  const member = await fixture.cloud.member('tenant');
  const other = await fixture.cloud.member('neighbour');

  const api = (method: Method, path: string, body?: unknown, options: ComputeRequest = {}): Promise<Answer> =>
    fixture.compute(method, path, { token: member.token, body, ...options });
  const post = (server: Record<string, unknown>, options: ComputeRequest = {}): Promise<Answer> =>
    api('POST', 'servers', { server: { name: 'vm', flavorRef: '1', imageRef: IMAGE, ...server } }, options);
  /** Makes a server; answers its id. */
  const make = async (server: Record<string, unknown> = {}, options: ComputeRequest = {}): Promise<string> => {
    const answer = await post(server, options);
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    return answer.body.server.id;
  };
  const show = async (id: string, options: ComputeRequest = {}) =>
    (await api('GET', `servers/${id}`, undefined, options)).body.server;
  const act = (id: string, body: unknown, options: ComputeRequest = {}) =>
    api('POST', `servers/${id}/action`, body, options);
  /** What the feed was told of a server, in order. */
  const changesOf = (id: string) =>
    fixture.cloud.store.read((db) =>
      db
        .selectFrom('changes')
        .select('object')
        .where('kind', '=', 'server')
        .where('id', '=', id)
        .orderBy('seq')
        .execute(),
    );
  /** Empties the cloud; answers the id of the one network, the first tenant's, that there is then. */
  const reset = async (): Promise<string> => {
    fixture.networking.networks.length = 0;
    fixture.networking.ports.clear();
    await fixture.cloud.store.write(async ({ db }) => {
      await db.deleteFrom('servers').execute();
      await db.deleteFrom('agents').execute();
    });
    return fixture.networking.addNetwork(member.projectId, 'private');
  };
  return { fixture, admin, member, other, api, post, make, show, act, changesOf, reset };
}

/** The answer must be a refusal in Nova's envelope, with such a text. */
export function assertRefused(answer: Answer, status: number, key: string, text: RegExp): void {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.equal(answer.body[key].code, status);
  assert.match(answer.body[key].message, text);
}
