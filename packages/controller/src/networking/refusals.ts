import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestApi } from '../http/test-api.ts';

/** A request that is refused: who, method, path, body, status, type, a part of the message. */
export type Refusal = [string, string, string | (() => string), (() => object) | undefined, number, string, RegExp];

/** Declares a test for each request of a table; texts that need the cloud are functions, called when it is there. */
export function refuses(api: () => TestApi, refusals: readonly Refusal[]): void {
  for (const [who, method, path, body, status, type, message] of refusals) {
    const shown = typeof path === 'string' ? path : path.toString().replace(/^.*`(.*)`$/, '$1');
    const said = body?.toString().replaceAll(/\s+/g, ' ').slice(6, 110) ?? '';
    test(`${method} ${shown} ${said} by ${who}: ${status} ${type}`, async () => {
      const answer = await api().send(who, method, typeof path === 'string' ? path : path(), body?.() as never);
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      const error = answer.body.NeutronError ?? answer.body;
      if (type !== '') assert.equal(error.type, type);
      assert.match(error.message, message);
    });
  }
}
