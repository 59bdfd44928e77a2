import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from './errors.ts';
import { quotedWord, shellWords, typedLine } from './shell-words.ts';

test('quotes, backslashes and comments are read as a shell reads them', () => {
  assert.deepEqual(shellWords(`a 'b c' "d \\"e\\" \\n" f\\ g '' x#y # rest 'open`), [
    ...['a', 'b c', 'd "e" \\n', 'f g', '', 'x#y'],
  ]);
  assert.deepEqual(shellWords('  # nothing'), []);
});

test('an open quote is refused, and a backslash that protects nothing', () => {
  assert.throws(() => shellWords(`network create 'web`), UsageError);
  assert.throws(() => shellWords('network create "web'), UsageError);
  assert.throws(() => shellWords('network create web\\'), UsageError);
});

test('a line being typed tells where its last word begins', () => {
  assert.deepEqual(typedLine(`show 'my n`), { words: ['show', 'my n'], lastStart: 5, open: "'" });
  assert.deepEqual(typedLine('show '), { words: ['show'], lastStart: 5, open: undefined });
});

test('a quoted word is read as itself', () => {
  for (const word of ['web', `it's`, 'two words', '', '#', '$HOME', 'a\\b', '"']) {
    assert.deepEqual(shellWords(quotedWord(word)), [word]);
  }
});
