import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
before(async () => {
  api = await TestApi.start();
});
after(() => api.stop());

test('a change of extra routes answers the router as its owner may see it', async () => {
  const { router } = await aliceCloud(api);
  const body = { router: { routes: [{ destination: '10.5.0.0/16', nexthop: '192.168.2.5' }] } };
  for (const action of ['add_extraroutes', 'remove_extraroutes']) {
    const answer = await api.send('alice', 'PUT', `/routers/${router.id}/${action}`, body);
    const shown = await api.send('alice', 'GET', `/routers/${router.id}`);
    assert.deepEqual([answer.status, answer.body], [200, shown.body], action);
  }
});
