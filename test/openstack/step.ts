import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type ApiCloud, type CloudName, withApiCloud } from '../api-cloud.ts';
import { OpenstackShell } from '../openstack-shell.ts';

/** One command of `openstack`, and what it has to print. */
export interface Step {
  /** The words. `'in quotes'` is one word; `{net.id}` is the key `id` of the answer that was kept as `net`. */
  readonly run: string;
  /** The name under which the answer is kept. */
  readonly as?: string;
  /** Who types it; the admin unless set. */
  readonly by?: CloudName;
  /** A list: its columns, which are the keys of its items in JSON. There must be an item. */
  readonly columns?: readonly string[];
  /** An object: its rows, which are its keys in JSON. */
  readonly rows?: readonly string[];
  /** Of an object, some of its values; of a list, some values of each of its items, in any order. */
  readonly has?: Values | readonly Values[];
  /** Everything it prints, without format; nothing when there are neither columns nor rows. */
  readonly says?: string | RegExp;
}

/** Values by their key; texts may hold `{net.id}`, and a RegExp matches a text or the JSON of another value. */
export type Values = Readonly<Record<string, unknown>>;

/** Answers by the name they were kept under. */
export type Kept = Map<string, Record<string, unknown>>;

/** Runs the steps in order in a cloud of their own, each as a subtest. */
export async function runSteps(context: TestContext, steps: readonly Step[]): Promise<void> {
  await withApiCloud(async (cloud) => {
    await cloud.reportHost('host1');
    const shells = new Map<CloudName, OpenstackShell>();
    const kept: Kept = new Map();
    try {
      for (const step of steps) {
        await context.test(step.run, () => runStep(step, shellOf(shells, cloud, step.by ?? 'portward-admin'), kept));
      }
    } finally {
      for (const shell of shells.values()) await shell.close();
    }
  });
}

function shellOf(shells: Map<CloudName, OpenstackShell>, cloud: ApiCloud, name: CloudName): OpenstackShell {
  const shell = shells.get(name) ?? new OpenstackShell(cloud, name);
  shells.set(name, shell);
  return shell;
}

async function runStep(step: Step, shell: OpenstackShell, kept: Kept): Promise<void> {
  const words = wordsOf(step.run).map((word) => filled(word, kept) as string);
  const keys = step.columns ?? step.rows;
  if (keys === undefined) {
    const says = filled(step.says ?? '', kept);
    const said = (await shell.run(words)).trim();
    if (says instanceof RegExp) assert.match(said, says);
    else assert.equal(said, says);
    return;
  }
  const said = await shell.run([...words, '-f', 'json']);
  const answer = parsed(said);
  if (step.columns === undefined) {
    assert.deepEqual(Object.keys(answer), keys);
    if (step.has !== undefined) agrees(answer, step.has as Values, kept);
    if (step.as !== undefined) kept.set(step.as, answer);
    // Only what changes nothing can be asked once more.
    if (words.includes('show')) assert.deepEqual(cells(await shell.run(words)), ['Field', 'Value']);
    return;
  }
  assert.ok(Array.isArray(answer) && answer.length > 0, `nothing is listed: ${said}`);
  for (const item of answer) assert.deepEqual(Object.keys(item), keys);
  assert.deepEqual(cells(await shell.run(words)), keys);
  if (step.has !== undefined) listAgrees(answer, step.has as readonly Values[], kept);
  if (step.as !== undefined) kept.set(step.as, answer[0]);
}

// biome-ignore lint/suspicious/noExplicitAny: answers have every shape
function parsed(said: string): any {
  try {
    return JSON.parse(said);
  } catch {
    throw new Error(`No JSON: ${said}`);
  }
}

/** The words of a command as typed. */
export const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|\S+/g)].map((match) => match[1] ?? match[0]);

/** What `openstack` prints as the head of a table. */
const cells = (table: string): string[] =>
  (table.split('\n').find((line) => line.startsWith('|')) ?? table)
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** A value with everything of the shape `{name.key}` replaced by what was kept. */
export function filled(value: unknown, kept: Kept): unknown {
  if (value instanceof RegExp) return new RegExp(filled(value.source, kept) as string);
  if (Array.isArray(value)) return value.map((item) => filled(item, kept));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, kept)]));
  }
  if (typeof value !== 'string') return value;
  return value.replaceAll(/\{([a-z]\w*)\.([^}]+)\}/gi, (whole, name: string, key: string) => {
    const found = kept.get(name)?.[key];
    if (found === undefined) throw new Error(`Nothing was kept for ${whole}.`);
    return String(found);
  });
}

function agrees(answer: Values, expected: Values, kept: Kept): void {
  for (const [key, value] of Object.entries(expected)) {
    const actual = answer[key];
    const wanted = filled(value, kept);
    if (wanted instanceof RegExp)
      assert.match(typeof actual === 'string' ? actual : JSON.stringify(actual), wanted, key);
    else assert.deepEqual(actual, wanted, key);
  }
}

/** Each expectation has an item of its own, and no item is left over. */
function listAgrees(items: readonly Values[], expected: readonly Values[], kept: Kept): void {
  const left = [...items];
  for (const wanted of expected) {
    const index = left.findIndex((item) => {
      try {
        agrees(item, wanted, kept);
        return true;
      } catch {
        return false;
      }
    });
    assert.notEqual(index, -1, `no item has ${JSON.stringify(filled(wanted, kept))} among ${JSON.stringify(left)}`);
    left.splice(index, 1);
  }
  assert.deepEqual(left, [], 'items that nobody expects');
}
