import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
before(async () => {
  api = await TestApi.start();
});
after(() => api.stop());

test('what is no id in the body of an interface is refused by name', async () => {
  const { router } = await aliceCloud(api);
  for (const [value, shown] of [
    ['x', 'x'],
    [{ toString: 1 }, "{'toString': 1}"],
    [[{ valueOf: null, toString: null }], "[{'valueOf': None, 'toString': None}]"],
  ]) {
    for (const [action, key] of [
      ['add_router_interface', 'subnet_id'],
      ['remove_router_interface', 'port_id'],
    ] as const) {
      const answer = await api.send('alice', 'PUT', `/routers/${router.id}/${action}`, { [key]: value });
      assert.equal(answer.status, 400);
      assert.deepEqual(answer.body.NeutronError, {
        type: 'HTTPBadRequest',
        message: `Invalid input for ${key}. Reason: '${shown}' is not a valid UUID.`,
        detail: '',
      });
    }
  }
});
