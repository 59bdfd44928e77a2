import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { readPlainYaml } from './plain-yaml.ts';

test('what is read plainly is what the YAML library reads', () => {
  const texts = [
    'clouds:\n  one:\n    auth:\n      auth_url: http://127.0.0.1:5000/v3\n      username: "admin"\n    region_name: R1\n  two:\n    verify: false\n',
    "# a comment\n---\nclouds:\n\n  a.b-c:\n    # inside\n    identity_api_version: 3\n    auth:\n      password: 'x y # z'\nempty:\nlast: end\n",
    'a:\n    b:\n        c: d\n    e: f\ng: true\n',
    'a:\nb: c\r\nd: http://[::1]/\n'.replace('[::1]', 'host'),
  ];
  for (const text of texts) {
    const read = readPlainYaml(text);
    assert.notEqual(read, undefined, text);
    assert.deepEqual(read, parse(text));
  }
});

test('everything else is left to the library', () => {
  const values = [
    '[1]',
    '{a: b}',
    '&x y',
    '*x',
    '!t x',
    '|',
    '>',
    '"a\\n"',
    "'it''s'",
    'a b',
    'a # c',
    'yes',
    'NULL',
    '~',
  ];
  for (const value of [
    ...values,
    '0x10',
    '010',
    '1.5',
    '-1',
    '1_000',
    '2026-11-25',
    'a: b',
    '@x',
    '%x',
    '-',
    '- x',
    '?',
  ]) {
    assert.equal(readPlainYaml(`key: ${value}\n`), undefined, value);
  }
  for (const text of [
    '- a\n',
    'a: b\n  c: d\n',
    'a: b\na: c\n',
    '  a: b\n',
    'a:\n   b: c\n  d: e\n',
    'a: b\n c\n',
    '"a": b\n',
  ]) {
    assert.equal(readPlainYaml(text), undefined, text);
  }
});
