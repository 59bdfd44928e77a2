import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandsUnder, matchCommand } from './command-index.ts';
import { runWith } from './stand-in-terminal.ts';

test('the longest name wins', async () => {
  const words = ['floating', 'ip', 'port', 'forwarding', 'list', '10.11.7.4'];
  assert.equal((await matchCommand(words))?.command.words, 'floating ip port forwarding list');
  assert.equal((await matchCommand(['network', 'agent', 'list']))?.command.words, 'network agent list');
  assert.equal((await matchCommand(['network', 'list']))?.command.words, 'network list');
  assert.equal(await matchCommand(['network']), undefined);
});

test('every command has a name of its own, an example that begins with it, and options that differ', async () => {
  const commands = await commandsUnder([]);
  assert.ok(commands.length > 60);
  assert.equal(new Set(commands.map(({ words }) => words)).size, commands.length);
  for (const command of commands) {
    assert.ok(command.example.startsWith(command.words), command.words);
    const flags = (command.options ?? []).map(({ flag }) => flag);
    assert.equal(new Set(flags).size, flags.length, command.words);
  }
});

test('help of a command shows its options and an example', async () => {
  const ran = await runWith(['floating', 'ip', 'port', 'forwarding', 'create', '--help'], {});
  assert.equal(ran.code, 0);
  assert.match(ran.out, /^usage: portward floating ip port forwarding create \[-h\]/);
  assert.match(ran.out, /--external-protocol-port <port-number> +.*\(required\)/);
  assert.match(
    ran.out,
    /example:\n {2}portward floating ip port forwarding create --internal-ip-address 192\.168\.2\.79/,
  );
  assert.deepEqual(await runWith(['help', 'floating', 'ip', 'port', 'forwarding', 'create'], {}), ran);
});

test('help of a group lists its commands; without --help it is a usage error', async () => {
  const asked = await runWith(['security', 'group', '--help'], {});
  assert.equal(asked.code, 0);
  assert.match(asked.out, /security group rule create +Add a rule/);
  assert.doesNotMatch(asked.out, /floating/);
  const bare = await runWith(['security', 'group'], {});
  assert.equal(bare.code, 2);
  assert.equal(bare.out, '');
  assert.match(bare.err, /security group list/);
});

test('a mistyped command gets the nearest ones', async () => {
  const ran = await runWith(['floating', 'ip', 'lst'], {});
  assert.equal(ran.code, 2);
  assert.match(ran.err, /'floating ip lst' is not a portward command/);
  assert.match(ran.err, /Did you mean one of these\?\n {2}floating ip list/);
  const typo = await runWith(['security', 'grup', 'show', 'web'], {});
  assert.match(typo.err, /security group show/);
});

test('a usage error prints the usage, the reason and a suggestion', async () => {
  const ran = await runWith(['port', 'list', '--sever', 'web1'], {});
  assert.equal(ran.code, 2);
  assert.match(ran.err, /^usage: portward port list /);
  assert.match(ran.err, /portward port list: error: unrecognized arguments: --sever web1\nDid you mean --server\?\n$/);
});

test('a mistyped global option gets the nearest', async () => {
  const ran = await runWith(['--os-clod', 'x', 'port', 'list'], {});
  assert.equal(ran.code, 2);
  assert.match(ran.err, /unrecognized arguments: --os-clod\nDid you mean --os-cloud/);
});
