import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from './cell.ts';
import type { Call, ListChange } from './command.ts';
import { extraProperties } from './extra-properties.ts';
import { addToLists, removeFromLists } from './list-changes.ts';
import { subnet } from './network-resources.ts';
import { grammarOf, parseCommandLine } from './parse.ts';

const CHANGES: readonly ListChange[] = [{ attr: 'servers', clear: '--no-servers', name: 'server', givenFirst: true }];

/** A call with these options given. */
function call(...flags: string[]): Call {
  const values = { has: (name: string) => flags.includes(name), text: () => undefined, texts: () => [] };
  return { values } as unknown as Call;
}

test('set adds to a list, or replaces it', () => {
  const added: JsonObject = { servers: ['c'] };
  addToLists(CHANGES, added, call(), { servers: ['a', 'b'] });
  assert.deepEqual(added, { servers: ['c', 'a', 'b'] });
  const replaced: JsonObject = { servers: ['c'] };
  addToLists(CHANGES, replaced, call('--no-servers'), { servers: ['a', 'b'] });
  assert.deepEqual(replaced, { servers: ['c'] });
  const cleared: JsonObject = {};
  addToLists(CHANGES, cleared, call('--no-servers'), { servers: ['a'] });
  assert.deepEqual(cleared, { servers: [] });
  const untouched: JsonObject = {};
  addToLists(CHANGES, untouched, call(), { servers: ['a'] });
  assert.deepEqual(untouched, {});
});

test('unset takes from a list what is there, and says what is not', () => {
  const attrs: JsonObject = { servers: ['a'] };
  removeFromLists(subnet, CHANGES, attrs, { servers: ['a', 'b'] });
  assert.deepEqual(attrs, { servers: ['b'] });
  assert.throws(() => removeFromLists(subnet, CHANGES, { servers: ['x'] }, { servers: ['a'] }), {
    message: 'Subnet does not contain server x',
  });
});

test('--extra-property sets any attribute, of the type that is named', () => {
  const command = { words: 'x', help: 'x', example: 'x', action: { do: 'set', resource: subnet } } as const;
  const properties = (texts: readonly string[], unset = false): JsonObject => {
    const words = texts.flatMap((text) => ['--extra-property', text]);
    const parsed = parseCommandLine(grammarOf(command, []), words);
    assert.ok(!parsed.help);
    return extraProperties(parsed.values, unset);
  };
  const typed = ['name=a,value=b', 'type=int,name=n,value=-7', 'type=bool,name=t,value=yes'];
  assert.deepEqual(properties(typed), { a: 'b', n: -7, t: true });
  assert.deepEqual(properties(['type=list,name=l,value=a;b', 'type=dict,name=d,value=a:b;c:d']), {
    l: ['a', 'b'],
    d: { a: 'b', c: 'd' },
  });
  assert.deepEqual(properties(['name=a,value=b'], true), { a: null });
  assert.throws(() => properties(['type=int,name=n,value=x']), { message: /invalid literal for int\(\)/ });
  assert.throws(() => properties(['type=set,name=n,value=x']), { message: /^Type set of property is not supported/ });
});
