import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { eventually, type TestHost, withHost } from '@portward/test/test-host.ts';
import { linkNames } from './link-events.ts';

/** Prints each list of names as a line; stops on the first line of input, and then ends by itself. */
const WATCHER = `
  const { watchLinks } = await import(process.argv[1]);
  const watch = watchLinks((names) => console.log(JSON.stringify(names)));
  console.log('ready');
  process.stdin.once('data', () => { watch.stop(); watch.stop(); process.stdin.destroy(); });`;

interface Watcher {
  process: ChildProcess;
  /** Lists told so far. */
  told: string[][];
}

async function startWatcher(host: TestHost, program = WATCHER): Promise<Watcher> {
  const file = import.meta.resolve('./link-events.ts');
  const process_ = host.spawn([process.execPath, '--input-type=module', '-e', program, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const watcher: Watcher = { process: process_, told: [] };
  let text = '';
  process_.stdout?.on('data', (chunk) => {
    text += chunk;
    const lines = text.split('\n');
    watcher.told = lines.slice(0, -1).flatMap((line) => (line.startsWith('[') ? [JSON.parse(line) as string[]] : []));
  });
  await eventually(() => text.startsWith('ready'));
  return watcher;
}

test('devices that come, change and go are told, and the watch can be stopped', { timeout: 30_000 }, async () => {
  await withHost(async (host) => {
    const watcher = await startWatcher(host);
    const tellsOf = (name: string) =>
      eventually(() => watcher.told.some((names) => names.includes(name)), { what: name });
    await host.ip(['link add br0 type bridge', 'link add tapaaaaaaaa-bb type veth peer name other']);
    await tellsOf('br0');
    await tellsOf('tapaaaaaaaa-bb');
    await tellsOf('other');
    for (const line of ['link set other master br0', 'link set other nomaster', 'link del other']) {
      watcher.told.length = 0;
      await host.ip([line]);
      await tellsOf('other');
    }
    const exit = once(watcher.process, 'exit');
    watcher.process.stdin?.write('stop\n');
    assert.deepEqual(await exit, [0, null]);
  });
});

test('a list of everything is asked for when events were lost', { timeout: 30_000 }, async () => {
  await withHost(async (host) => {
    await host.ip(['link add one type bridge']);
    const watcher = await startWatcher(host);
    watcher.process.kill('SIGSTOP');
    await host.ip(Array.from({ length: 6000 }, (_, index) => `link set one mtu ${1000 + (index % 2)}`));
    watcher.process.kill('SIGCONT');
    await eventually(() => watcher.told.some((names) => names.length === 0), { what: 'an empty list' });
    await host.ip(['link add later type bridge']);
    await eventually(() => watcher.told.some((names) => names.includes('later')));
  });
});

test('a program that watches can end without stopping first', { timeout: 30_000 }, async () => {
  await withHost(async (host) => {
    for (const end of ['process.exit(3)', 'process.exitCode = 3']) {
      const program = `
        const { watchLinks } = await import(process.argv[1]);
        watchLinks(() => {});
        setTimeout(() => { ${end} }, 50);
        console.log('ready');`;
      const { process: ended } = await startWatcher(host, program);
      if (ended.exitCode === null) await once(ended, 'exit');
      assert.equal(ended.exitCode, 3);
    }
  });
});

test('a truncated message does no harm', () => {
  assert.deepEqual([...linkNames(Buffer.from([3, 0, 0, 0]))], []);
  const message = Buffer.alloc(40);
  message.writeUInt32LE(40, 0);
  message.writeUInt16LE(16, 4);
  message.writeUInt16LE(8, 32);
  message.writeUInt16LE(3, 34);
  message.write('lo\0', 36);
  assert.deepEqual([...linkNames(Buffer.concat([message, message.subarray(0, 20)]))], ['lo']);
  assert.deepEqual([...linkNames(Buffer.alloc(32))], []);
});
