import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commandsUnder } from './command-index.ts';
import { cliDocument, manPage } from './reference.ts';

const written = (path: string): string => readFileSync(new URL(`../../../../docs/${path}`, import.meta.url), 'utf8');

test('docs/cli.md and the man page are as the descriptions say: npm run docs', async () => {
  assert.equal(written('cli.md'), await cliDocument());
  assert.equal(written('man/portward.1'), await manPage());
});

test('every command has help, an example that begins with its words, and options that are told apart', async () => {
  for (const { words, help, example, options = [], arguments: args = [] } of await commandsUnder([])) {
    assert.ok(help.length > 0 && !help.endsWith('.'), words);
    assert.ok(example.startsWith(words), `${words}: ${example}`);
    const flags = options.map(({ flag }) => flag);
    assert.equal(new Set(flags).size, flags.length, words);
    assert.ok(
      args.slice(0, -1).every(({ optional, many }) => optional !== true && many !== true),
      words,
    );
  }
});

test('the man page is ASCII and has a section for each command', async () => {
  const page = await manPage();
  assert.match(page, /^[\n -~]*$/);
  const sections = page.split('\n').filter((line) => line.startsWith('.SS portward '));
  assert.equal(sections.length, (await commandsUnder([])).length);
});
