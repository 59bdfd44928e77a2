import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shapeOf } from '@portward/model/attribute.ts';
import type { Resource } from '@portward/model/resource.ts';
import { publicAttributes } from '@portward/model/resource-schema.ts';
import { NETWORKING_RESOURCES } from '@portward/model/resources.ts';
import fc from 'fast-check';
import { hostileJson, valuesOf } from '../hostile/hostile-values.ts';
import { definitionsAjv } from './answer-check.ts';

const ids = { networks: ['7d9ee3ac-0b33-4a40-9e7a-5a3a7fbb2c46'] };
const around = { schemas: {}, own: ids, foreign: ids };
const ajv = definitionsAjv();

const settable = (NETWORKING_RESOURCES as readonly Resource[]).flatMap((resource) =>
  publicAttributes(resource)
    .filter(([, { post, put }]) => post !== 'denied' || put)
    .map(([name, declared]) => ({ title: `${resource.name}.${name}`, name, declared })),
);

test('what the document lets a request say, the definition takes, and makes what the document lets an answer say', () => {
  for (const { title, name, declared } of settable) {
    const { request, answer } = shapeOf(declared.schema, declared.storage);
    const shown = ajv.compile(answer);
    // What rules check or complete before they show it: a gateway without its addresses, a protocol as a number.
    const byRule = declared.schema.safeParse(undefined).success;
    const completed = byRule || declared.storage === 'computed' || answer.items?.type === 'object';
    fc.assert(
      fc.property(valuesOf(request, around, name), (value) => {
        const outcome = declared.schema.safeParse(value);
        // That two ways of writing an address are one, no schema can say.
        if (!outcome.success && /^Duplicate/.test(outcome.error.issues[0]?.message ?? '')) return;
        assert.ok(outcome.success, `${title}: ${JSON.stringify(value)} ${outcome.error?.issues[0]?.message}`);
        if (!completed) assert.ok(shown(outcome.data), `${title}: ${JSON.stringify(outcome.data)}`);
      }),
      { numRuns: 50 },
    );
  }
});

test('whatever a request says, the definition takes it or gives one reason', () => {
  fc.assert(
    fc.property(fc.constantFrom(...settable), hostileJson, ({ title, declared }, value) => {
      const outcome = declared.schema.safeParse(value);
      if (outcome.success) return;
      const [issue, ...more] = outcome.error.issues;
      assert.ok(issue !== undefined && issue.message.length > 0 && more.length === 0, title);
    }),
    { numRuns: 3000 },
  );
});

test('defaults are what the document lets an answer say', () => {
  for (const { title, declared } of settable) {
    if (!('default' in declared)) continue;
    const { answer } = shapeOf(declared.schema, declared.storage);
    assert.ok(ajv.validate(answer, declared.default), title);
  }
});
