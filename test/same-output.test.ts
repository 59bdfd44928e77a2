import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { outputKind } from '@portward/cli/client/command.ts';
import { commandsUnder } from '@portward/cli/client/command-index.ts';
import { DIFFERENCES } from '@portward/cli/client/differences.ts';
import { optionsOf } from '@portward/cli/client/extra-properties.ts';
import { outputOptions } from '@portward/cli/client/help.ts';
import { type ApiCloud, type CloudName, withApiCloud } from './api-cloud.ts';
import { AREAS } from './openstack/areas.ts';
import { OPERATOR_STEPS } from './openstack/operator.ts';
import { filled, type Kept, type Step, wordsOf } from './openstack/step.ts';
import { OpenstackShell, openstackOnce, portwardOnce } from './openstack-shell.ts';
import { EXCEPTIONS, type Exception, folded, LEFT_OUT, portward, sameReason, withoutRequest } from './two-clients.ts';

/** Formats that a list and an object are compared in, beside JSON. */
const LIST_FORMATS = ['table', 'csv', 'value', 'yaml'];
const SHOW_FORMATS = ['table', 'value', 'shell', 'yaml'];

/** Differences that were met. */
const met = new Set<string>();
/** How many areas were run: not all of them, when a pattern chooses tests. */
let areasRun = 0;

/**
 * Two clouds that begin alike. `openstack` changes the first and `portward` the second, by the same commands: what
 * they print has to be the same but for ids and times. What is read is read by both from the first cloud, in every
 * format, and has to be the same to the byte.
 */
class Twins {
  readonly #first: ApiCloud;
  readonly #second: ApiCloud;
  readonly #shells = new Map<CloudName, OpenstackShell>();
  readonly #kept: Kept = new Map();
  readonly #keptOfSecond: Kept = new Map();

  constructor(first: ApiCloud, second: ApiCloud) {
    this.#first = first;
    this.#second = second;
  }

  async close(): Promise<void> {
    for (const shell of this.#shells.values()) await shell.close();
  }

  #openstack(by: CloudName, words: readonly string[]): Promise<string> {
    const shell = this.#shells.get(by) ?? new OpenstackShell(this.#first, by);
    this.#shells.set(by, shell);
    return shell.run(words).then((said) => said.trimEnd());
  }

  async step(step: Step): Promise<void> {
    const by = step.by ?? 'portward-admin';
    const exception = EXCEPTIONS.find(({ commands }) => commands.test(step.run));
    const words = wordsOf(step.run).map((word) => filled(word, this.#kept) as string);
    const twinWords = wordsOf(step.run).map((word) => filled(word, this.#keptOfSecond) as string);
    const asked = exception?.keys !== undefined && !words.includes('-f');
    const structured = asked || step.columns !== undefined || step.rows !== undefined;
    const json = structured ? ['-f', 'json'] : [];
    const theirs = await this.#openstack(by, [...words, ...json]);
    const ours = (await portward(this.#second, by, [...twinWords, ...json])).said;
    if (structured) this.#keep(step, theirs, ours);
    const shared = this.#compareChanged(theirs, ours, exception);
    if (exception?.undo !== undefined) await portward(this.#second, by, exception.undo(ours));
    if (shared === undefined || !/ (list|show)( |$)/.test(step.run)) return;
    const own = (await portward(this.#first, by, [...words, ...json, ...shared])).said;
    const again = shared.length === 0 ? theirs : await this.#openstack(by, [...words, ...json, ...shared]);
    if (!/^(token|limits) /.test(step.run)) this.#same(again, own, 'json');
    if (!structured || /^token /.test(step.run)) return;
    for (const format of step.columns === undefined ? SHOW_FORMATS : LIST_FORMATS) {
      const line = [...words, ...shared, '-f', format];
      this.#same(await this.#openstack(by, line), (await portward(this.#first, by, line)).said, format);
    }
  }

  #keep({ as }: Step, theirs: string, ours: string): void {
    if (as === undefined || !/^[[{]/.test(theirs)) return;
    for (const [kept, said] of [[this.#kept, theirs] as const, [this.#keptOfSecond, ours] as const]) {
      const answer = JSON.parse(said);
      kept.set(as, Array.isArray(answer) ? answer[0] : answer);
    }
  }

  #same(theirs: string, ours: string, format: string): void {
    assert.equal(withoutRequest(ours), withoutRequest(theirs), format);
  }

  /**
   * Compares what was printed in each cloud; answers the options that leave out what differs on purpose, and nothing
   * where there is no more to compare.
   */
  #compareChanged(theirs: string, ours: string, exception: Exception | undefined): readonly string[] | undefined {
    if (sameReason(theirs, ours)) {
      met.add('usage');
      return undefined;
    }
    if (exception?.says !== undefined) {
      assert.match(theirs, exception.says.openstack);
      assert.match(ours, exception.says.portward);
      met.add(exception.name);
      return undefined;
    }
    if (exception?.keys === undefined || !/^[[{]/.test(theirs)) {
      assert.equal(folded(withoutRequest(ours)), folded(withoutRequest(theirs)));
      return [];
    }
    met.add(exception.name);
    const [left, right] = [JSON.parse(theirs), JSON.parse(ours)].map((answer) =>
      Array.isArray(answer) ? answer : [answer],
    );
    const keys = Object.keys(left?.[0]).filter((key) => !exception.keys?.includes(key));
    const without = (rows: Record<string, unknown>[]): string =>
      folded(
        JSON.stringify(
          rows.map((row) => Object.fromEntries(Object.entries(row).filter(([key]) => !exception.keys?.includes(key)))),
          undefined,
          1,
        ),
      );
    assert.equal(without(right ?? []), without(left ?? []));
    return keys.flatMap((key) => ['-c', key]);
  }
}

/** Steps about what Portward does not serve: only those whose command it has. */
const HAS_COMMAND = /^(floating ip pool|network (create|list)) ?/;

async function compare(context: TestContext, steps: readonly Step[]): Promise<void> {
  areasRun += 1;
  await withApiCloud(async (first) =>
    withApiCloud(async (second) => {
      await first.reportHost('host1');
      await second.reportHost('host1');
      const twins = new Twins(first, second);
      try {
        for (const step of steps) await context.test(step.run, () => twins.step(step));
      } finally {
        await twins.close();
      }
    }),
  );
}

for (const [area, all] of Object.entries(AREAS)) {
  const steps = area === 'what is not served' ? all.filter(({ run }) => HAS_COMMAND.test(run)) : all;
  test(`portward prints what openstack prints: ${area}`, (context) => compare(context, steps));
}

test('portward prints what openstack prints: what operators do', (context) => compare(context, OPERATOR_STEPS));

test('as processes the two print and end alike, but for who cannot sign in', async () => {
  await withApiCloud(async (cloud) => {
    const lines = [
      ['network', 'list'],
      ['network', 'list', '-f', 'json'],
      ['network', 'show', 'nope'],
      ['project', 'list', '--long', '-f', 'csv'],
      ['floating', 'ip', 'delete', 'one', 'two'],
    ];
    for (const line of lines) {
      const theirs = await openstackOnce(cloud, 'portward-admin', line);
      assert.deepEqual(await portwardOnce(cloud, 'portward-admin', line), theirs, line.join(' '));
    }
    const mistyped = ['floating', 'ip', 'list', '--stats', 'DOWN'];
    const [theirs, ours] = [
      await openstackOnce(cloud, 'portward-admin', mistyped),
      await portwardOnce(cloud, 'portward-admin', mistyped),
    ];
    assert.deepEqual([ours.code, theirs.code], [2, 2]);
    assert.match(ours.stderr, /unrecognized arguments: --stats DOWN\nDid you mean --status/);
    assert.match(theirs.stderr, /unrecognized arguments: --stats DOWN/);
    const wrong = ['--os-password', 'wrong', 'token', 'issue'];
    const refused = await portwardOnce(cloud, 'portward-admin', wrong);
    assert.equal(refused.code, 3);
    assert.equal((await openstackOnce(cloud, 'portward-admin', wrong)).code, 1);
    assert.match(refused.stderr, /^The request you have made requires authentication\. \(HTTP 401\)/);
    met.add('exit-code');
  });
});

test('every option of the commands that both have is there, but for those that are written down', async () => {
  await withApiCloud(async (cloud) => {
    const shell = new OpenstackShell(cloud, 'portward-admin');
    try {
      for (const command of await commandsUnder([])) {
        const help = await shell.run([...command.words.split(' '), '--help']);
        // The image list is from a service whose options are other ones.
        if (command.words === 'image list') continue;
        const usage = help.split('\n\n')[0] ?? '';
        const theirs = new Set(usage.match(/--[a-z][a-z0-9-]+/g));
        assert.ok(usage.includes(command.words), `${command.words}: ${usage}`);
        const output = outputOptions(outputKind(command));
        const ours = new Set([...optionsOf(command), ...output].map(({ flag }) => flag));
        const missing = [...theirs].filter((flag) => !ours.has(flag) && flag !== '--help' && flag !== '--variable');
        assert.deepEqual(missing, LEFT_OUT[command.words]?.split(' ') ?? [], command.words);
        if (missing.length > 0) met.add('left-out');
      }
    } finally {
      await shell.close();
    }
  });
});

after(() => {
  const all = DIFFERENCES.map(({ name }) => name);
  // Only a run of everything can have met everything.
  if (areasRun < Object.keys(AREAS).length + 1) return;
  assert.deepEqual([...met].toSorted(), all.toSorted(), 'the written differences are those that there are');
});
