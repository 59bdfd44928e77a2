import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openTenants } from './tenant-fixture.ts';

const { fixture, admin, member } = await openTenants();
after(() => fixture.close());

test('images', async () => {
  const image = (path: string, token: string | undefined = member.token, method: 'GET' | 'POST' | 'DELETE' = 'GET') =>
    fixture.cloud.request(method, `/image${path}`, { token });
  const versions = await fixture.cloud.request('GET', '/image');
  assert.equal(versions.status, 300);
  assert.equal((await fixture.cloud.request('GET', '/image/')).status, 300);
  assert.deepEqual(versions.body.versions[0], {
    id: 'v2.9',
    status: 'CURRENT',
    links: [{ rel: 'self', href: 'http://cloud.example:9696/image/v2/' }],
  });
  const list = async (query: string) => {
    const { status, body } = await image(`/v2/images?${query}`);
    assert.equal(status, 200);
    assert.deepEqual([body.first, body.schema, body.next], ['/v2/images', '/v2/schemas/images', undefined]);
    return body.images.map((one: { name: string }) => one.name);
  };
  assert.deepEqual(await list(''), ['namespace']);
  assert.deepEqual(await list('name=namespace'), ['namespace']);
  assert.deepEqual(await list('name=in:a,"namespace"'), ['namespace']);
  assert.deepEqual(await list('name=nope'), []);
  assert.deepEqual(await list('os_hidden=True'), []);
  assert.deepEqual(await list('status=active&visibility=public'), ['namespace']);
  assert.deepEqual(await list('visibility=all'), ['namespace']);
  assert.deepEqual(await list('visibility=private'), []);
  assert.deepEqual(await list('limit=0'), []);
  assert.deepEqual(await list('tag=x'), []);
  const [one] = (await image('/v2/images')).body.images;
  assert.deepEqual(await list(`marker=${one.id}`), []);
  assert.deepEqual((await image(`/v2/images/${one.id}`)).body, one);
  assert.equal((await image(`/v2/images/${one.id}/file`)).status, 204);
  assert.equal((await image('/v2/images/namespace')).status, 404);
  assert.equal((await image('/v2/images?marker=x')).status, 400);
  assert.equal((await image('/v2/images?limit=x')).status, 400);
  assert.equal((await image('/v2/schemas/image')).body.name, 'image');
  assert.equal((await image('/v2/schemas/images')).body.name, 'images');
  assert.equal((await image('/v2/images', member.token, 'POST')).status, 403);
  assert.equal((await image(`/v2/images/${one.id}`, admin, 'DELETE')).status, 403);
  assert.equal((await fixture.cloud.request('GET', '/image/v2/images')).status, 401);
});
