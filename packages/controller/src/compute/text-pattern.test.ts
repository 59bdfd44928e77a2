import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePattern } from './text-pattern.ts';

test('what regular expressions mean', () => {
  const cases: [pattern: string, matching: string[], others: string[]][] = [
    ['', ['', 'x'], []],
    ['vm', ['vm', 'my-vm-1'], ['v', 'VM']],
    ['^vm', ['vm1'], ['my-vm']],
    ['vm$', ['my-vm'], ['vm1']],
    ['^vm$', ['vm'], ['vm1', 'avm', '']],
    ['^$', [''], ['x']],
    ['^vm.1', ['vm-1', 'vmx1'], ['vm1']],
    ['^vm\\.1', ['vm.1'], ['vm-1']],
    ['^(web|db)-\\d+$', ['web-1', 'db-22'], ['web-', 'app-1', 'web-1x']],
    ['^(?:ab)+$', ['ab', 'abab'], ['aba', '']],
    ['^a*b?c{2,3}$', ['cc', 'aabccc'], ['c', 'cccc', 'abbcc']],
    ['^a{2}$', ['aa'], ['a', 'aaa']],
    ['^a{2,}$', ['aa', 'aaaa'], ['a']],
    ['^a{,2}$', ['a{,2}'], ['a', 'aa']],
    ['^[a-c1]+$', ['abc1'], ['d', '']],
    ['^[^a-c]+$', ['xyz'], ['a']],
    ['^[]x]$', [']', 'x'], ['[']],
    ['^[a-]$', ['a', '-'], ['b']],
    ['^[\\w.]+$', ['a_9.b'], ['a-b']],
    ['^\\S+\\s\\W$', ['ab !'], ['ab x']],
    ['a|b|', ['a', 'b', ''], []],
    ['^a.*?z$', ['az', 'a-z'], ['a']],
    ['^(a|)+$', ['', 'aaa'], ['b']],
  ];
  for (const [pattern, matching, others] of cases) {
    const matches = compilePattern(pattern);
    for (const text of matching) assert.equal(matches(text), true, `${pattern} on ${text}`);
    for (const text of others) assert.equal(matches(text), false, `${pattern} on ${text}`);
  }
});

test('agrees with JavaScript on random patterns', () => {
  const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '(a|b)', '(ab)', '(?:b|)');
  const piece = fc
    .tuple(atom, fc.constantFrom('', '*', '+', '?', '{2}', '{1,3}', '{0,}'))
    .map((parts) => parts.join(''));
  const body = fc.array(piece, { maxLength: 5 }).map((parts) => parts.join(''));
  const pattern = fc
    .tuple(fc.constantFrom('', '^'), fc.array(body, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '$'))
    .map(([start, branches, end]) => `${start}${branches.join('|')}${end}`);
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '-'), maxLength: 8 });
  fc.assert(
    fc.property(pattern, text, (source, given) => compilePattern(source)(given) === new RegExp(source).test(given)),
    { numRuns: 2000 },
  );
});

test('what is not understood is refused', () => {
  for (const pattern of [
    '(',
    ')',
    '[',
    '[a',
    '*',
    '+a',
    'a{3,1}',
    '\\',
    '(?=a)',
    '\\1',
    '[z-a]',
    '\\b',
    'x'.repeat(256),
    `${'('.repeat(60)}${')'.repeat(60)}`,
    '((((a{99}){99}){99}){99})',
  ]) {
    assert.throws(() => compilePattern(pattern), { status: 400 }, pattern);
  }
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab()[]{}|*+?^$\\.-,0123') }), fc.string(), (pattern, text) => {
      try {
        compilePattern(pattern)(text);
        return true;
      } catch (error) {
        return (error as { status?: number }).status === 400;
      }
    }),
    { numRuns: 2000 },
  );
});

test('nothing takes long', () => {
  const start = performance.now();
  for (const pattern of ['(a+)+$', '(a*)*b', '(a|a)*c', '(.*.*.*.*)x$', `(a?){200}`, '((a{1,9}){1,9}){1,9}b']) {
    try {
      const matches = compilePattern(pattern);
      for (let count = 0; count < 2000; count++) matches('a'.repeat(255));
    } catch (error) {
      assert.equal((error as { status?: number }).status, 400);
    }
  }
  assert.ok(performance.now() - start < 10_000);
});
