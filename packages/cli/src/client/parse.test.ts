import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Values } from './command.ts';
import { UsageError } from './errors.ts';
import { type Grammar, keyValues, parseCommandLine } from './parse.ts';

const grammar: Grammar = {
  arguments: [{ name: 'floating-ip', help: '' }],
  options: [
    { flag: '--port', metavar: '<port>', help: '' },
    { flag: '--project', metavar: '<project>', help: '' },
    { flag: '--project-domain', metavar: '<domain>', help: '' },
    { flag: '--tag', metavar: '<tag>', repeat: true, help: '' },
    { flag: '--long', help: '' },
    { flag: '--enable', help: '', group: 'state' },
    { flag: '--disable', help: '', group: 'state' },
    { flag: '--status', metavar: '<status>', help: '', choices: ['ACTIVE', 'DOWN'] },
    { flag: '--icmp-type', metavar: '<type>', help: '', integer: true },
    { flag: '--fixed-ip', metavar: '<x>', help: '', keys: { required: ['subnet'], optional: ['ip-address'] } },
    { flag: '--format', short: '-f', metavar: '<format>', help: '' },
  ],
};

function values(words: string[], used: Grammar = grammar): Values {
  const parsed = parseCommandLine(used, words);
  assert.ok(!parsed.help);
  return parsed.values;
}

function refused(words: string[], message: string | RegExp, used: Grammar = grammar): void {
  assert.throws(
    () => parseCommandLine(used, words),
    (error: unknown) => {
      assert.ok(error instanceof UsageError);
      if (typeof message === 'string') assert.equal(error.message, message);
      else assert.match(error.message, message);
      assert.equal(error.exitCode, 2);
      return true;
    },
  );
}

test('options before and after arguments, with a space or =', () => {
  const read = values(['--port', 'p1', '10.11.7.4', '--tag=a', '--tag', 'b', '--long', '-f', 'json']);
  assert.equal(read.text('--port'), 'p1');
  assert.equal(read.text('floating-ip'), '10.11.7.4');
  assert.deepEqual(read.texts('--tag'), ['a', 'b']);
  assert.ok(read.has('--long'));
  assert.equal(read.text('--format'), 'json');
  assert.equal(values(['-fjson', 'x']).text('--format'), 'json');
  assert.equal(values(['--port=', 'x']).text('--port'), '');
});

test('the last of a repeated option that is not a list counts', () => {
  assert.deepEqual(values(['--port', 'a', '--port', 'b', 'x']).texts('--port'), ['b']);
});

test('unambiguous beginnings of options; an exact name wins over longer ones', () => {
  assert.equal(values(['--po', 'p1', 'x']).text('--port'), 'p1');
  assert.equal(values(['--project', 'p', 'x']).text('--project'), 'p');
  refused(['--pro', 'p', 'x'], 'ambiguous option: --pro could match --project, --project-domain');
});

test('a value may not look like an option unless it is attached; numbers may', () => {
  refused(['--port', '--long', 'x'], 'argument --port: expected one argument');
  refused(['x', '--port'], 'argument --port: expected one argument');
  refused(['-f', '--long', 'x'], 'argument -f/--format: expected one argument');
  assert.equal(values(['--port=--long', 'x']).text('--port'), '--long');
  assert.equal(values(['--icmp-type', '-1', 'x']).text('--icmp-type'), '-1');
});

test('-- ends the options', () => {
  assert.equal(values(['--', '--long']).text('floating-ip'), '--long');
});

test('choices, integers, key=value texts and groups are checked', () => {
  refused(['--status', 'UP', 'x'], "argument --status: invalid choice: 'UP' (choose from 'ACTIVE', 'DOWN')");
  refused(['--icmp-type', 'a', 'x'], "argument --icmp-type: invalid int value: 'a'");
  refused(['--enable', '--disable', 'x'], 'argument --disable: not allowed with argument --enable');
  refused(['--long=1', 'x'], "argument --long: ignored explicit argument '1'");
  refused(['--fixed-ip', 'a', 'x'], /Expected comma separated 'key=value' pairs, but got: a/);
  refused(['--fixed-ip', 'subnet=s,net=n', 'x'], /Invalid keys net specified/);
  refused(['--fixed-ip', 'ip-address=1.2.3.4', 'x'], /Missing required keys subnet/);
  assert.deepEqual(keyValues('subnet=s,ip-address=a=b'), { subnet: 's', 'ip-address': 'a=b' });
});

test('missing and unknown words', () => {
  refused([], 'the following arguments are required: <floating-ip>');
  refused(['a', 'b'], 'unrecognized arguments: b');
  refused(['a', '--prot', 'tcp'], 'unrecognized arguments: --prot tcp\nDid you mean --port?');
  refused(['a', '--zzzzzzzz'], 'unrecognized arguments: --zzzzzzzz');
  const required: Grammar = { arguments: [], options: [{ flag: '--port', metavar: 'p', help: '', required: true }] };
  refused([], 'the following arguments are required: --port', required);
});

test('repeatable and optional arguments', () => {
  const many: Grammar = {
    arguments: [
      { name: 'first', help: '' },
      { name: 'rest', help: '', many: true },
    ],
    options: [],
  };
  const read = values(['a', 'b', 'c'], many);
  assert.equal(read.text('first'), 'a');
  assert.deepEqual(read.texts('rest'), ['b', 'c']);
  refused(['a'], 'the following arguments are required: <rest>', many);
  const optional: Grammar = { arguments: [{ name: 'group', help: '', optional: true }], options: [] };
  assert.equal(values([], optional).has('group'), false);
});

test('help wins over what is missing', () => {
  assert.deepEqual(parseCommandLine(grammar, ['--port', 'p', '--help']), { help: true });
  assert.deepEqual(parseCommandLine(grammar, ['-h']), { help: true });
});
