import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestApi } from '../http/test-api.ts';

/** More than the store and the server deal with at once. */
const COUNT = 2300;

let api: TestApi;
let ids: string[];

before(async () => {
  api = await TestApi.start();
  const made = await Promise.all(
    Array.from({ length: COUNT }, (_, n) =>
      api.create('alice', '/address-scopes', 'address_scope', { name: `scope-${n % 7}`, ip_version: 4 }),
    ),
  );
  ids = made.map(({ id }) => id as string).sort();
});
after(() => api.stop());

const idsOf = (scopes: { id: string }[]): string[] => scopes.map(({ id }) => id);

test('a very long list holds everything, whole and in order', async () => {
  const { status, headers, body } = await api.send('alice', 'GET', '/address-scopes');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'application/json; charset=utf-8');
  assert.deepEqual(Object.keys(body), ['address_scopes']);
  assert.deepEqual(idsOf(body.address_scopes), ids);
  const one = await api.expect('alice', 'GET', `/address-scopes/${ids[COUNT - 1]}`);
  assert.deepEqual(body.address_scopes.at(-1), one);
  assert.deepEqual((await api.send('bob', 'GET', '/address-scopes')).body, { address_scopes: [] });
});

test('a very long page is as long as it shall be, either way, with links to its neighbours', async () => {
  const page = await api.send('alice', 'GET', `/address-scopes?limit=1500&fields=id&marker=${ids[99]}`);
  assert.deepEqual(
    page.body.address_scopes,
    ids.slice(100, 1600).map((id) => ({ id })),
  );
  const links = page.body.address_scopes_links as { rel: string; href: string }[];
  assert.deepEqual(
    links.map(({ rel, href }) => [rel, new URL(href).searchParams.get('marker')]),
    [
      ['next', ids[1599]],
      ['previous', ids[100]],
    ],
  );
  const back = await api.expect('alice', 'GET', `/address-scopes?limit=1500&page_reverse=true&marker=${ids[2000]}`);
  assert.deepEqual(idsOf(back), ids.slice(500, 2000));
});

test('a very long list is filtered and sorted as others are', async () => {
  const found = await api.expect('alice', 'GET', '/address-scopes?name=scope-1&name=scope-2&name=scope-3&name=scope-4');
  assert.ok(found.length > 1000);
  const sorted = await api.expect('alice', 'GET', '/address-scopes?sort_key=name&sort_dir=desc');
  const names = sorted.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, names.toSorted().reverse());
  assert.equal(new Set(idsOf(sorted)).size, COUNT);
});

test('others are answered while a very long list is put together', async () => {
  const done: string[] = [];
  await Promise.all([
    api.send('alice', 'GET', '/address-scopes').then(() => done.push('list')),
    api.send('alice', 'GET', `/address-scopes/${ids[0]}`).then(() => done.push('one')),
  ]);
  assert.deepEqual(done, ['one', 'list']);
});
