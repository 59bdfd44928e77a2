import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Sandbox } from './sandbox.ts';

const alive = (pid: number): boolean => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};

const gone = async (pid: number): Promise<void> => {
  const deadline = Date.now() + 5000;
  while (alive(pid)) {
    assert.ok(Date.now() < deadline, `process ${pid} still is there`);
    await sleep(10);
  }
};

test('a sandbox has a network, a host name, a /run and processes of its own', async () => {
  await using sandbox = await Sandbox.start({ name: 'here' });
  const script = 'hostname; ip -o link | wc -l; ls /run/netns; echo $$; pwd; cat; ip netns add one && ls /run/netns';
  const { stdout, code } = await sandbox.run(['sh', '-c', script], { input: 'told\n', cwd: '/usr' });
  const [name, links, pid, directory, told, namespace] = stdout.trim().split('\n');
  assert.deepEqual([code, name, links, directory, told, namespace], [0, 'here', '1', '/usr', 'told', 'one']);
  assert.ok(Number(pid) < 100);
  assert.notEqual(readlinkSync(`/proc/${sandbox.pid}/ns/net`), readlinkSync('/proc/self/ns/net'));
});

test('exit codes, complaints and time limits of commands come through', async () => {
  await using sandbox = await Sandbox.start();
  assert.deepEqual(await sandbox.run(['sh', '-c', 'echo bad >&2; exit 4']), { stdout: '', stderr: 'bad\n', code: 4 });
  // 126 where a directory of the PATH is closed to this user.
  assert.ok([126, 127].includes((await sandbox.run(['no-such-command'])).code ?? 0));
  // The background process holds the output open; that must not hold up the time limit.
  await assert.rejects(sandbox.run(['sh', '-c', 'sleep 60 & sleep 60'], { timeoutMs: 100 }), /took longer than 100 ms/);
});

test('signals reach the command itself', async () => {
  await using sandbox = await Sandbox.start();
  const polite = sandbox.spawn(['sh', '-c', 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done']);
  await once(polite.stdout ?? polite, 'data');
  polite.kill();
  assert.deepEqual(await once(polite, 'exit'), [7, null]);
  const stubborn = sandbox.spawn(['sh', '-c', 'echo ready; exec sleep 60']);
  await once(stubborn.stdout ?? stubborn, 'data');
  stubborn.kill('SIGKILL');
  assert.deepEqual(await once(stubborn, 'exit'), [null, 'SIGKILL']);
  const { stdout } = await sandbox.run(['ps', '-eo', 'args']);
  assert.doesNotMatch(stdout, /sleep 60|defunct/);
});

test('stopped commands go on, and hold nothing up', async () => {
  const sandbox = await Sandbox.start();
  const counting = sandbox.spawn(['sh', '-c', 'while :; do echo more; sleep 0.02; done']);
  await once(counting.stdout ?? counting, 'data');
  const stateOf = () => /State:\t(\w)/.exec(readFileSync(`/proc/${counting.pid}/status`, 'utf8'))?.[1];
  for (const _ of [1, 2]) {
    counting.kill('SIGSTOP');
    while (stateOf() !== 'T') await sleep(5);
    counting.stdout?.read();
    counting.kill('SIGCONT');
    await once(counting.stdout ?? counting, 'data');
  }
  counting.kill('SIGSTOP');
  while (stateOf() !== 'T') await sleep(5);
  const start = Date.now();
  await sandbox.stop();
  assert.ok(Date.now() - start < 2000);
});

test('orphans are reaped', async () => {
  await using sandbox = await Sandbox.start();
  await sandbox.run(['sh', '-c', '(true &); (sleep 0.01 >/dev/null 2>&1 &); sleep 0.1']);
  assert.doesNotMatch((await sandbox.run(['ps', '-eo', 'args'])).stdout, /defunct/);
});

test('stop ends every process inside', async () => {
  const sandbox = await Sandbox.start();
  await sandbox.run(['sh', '-c', 'setsid sleep 60 >/dev/null 2>&1 &']);
  await Promise.all([sandbox.stop(), sandbox.stop()]);
  assert.equal(alive(sandbox.pid), false);
  assert.notEqual((await sandbox.run(['true'])).code, 0);
});

test('a sandbox ends with the process that made it, even a killed one', async () => {
  const program = `
    const { Sandbox } = await import(process.argv[1]);
    const sandbox = await Sandbox.start();
    await sandbox.run(['sh', '-c', 'setsid sleep 60 >/dev/null 2>&1 &']);
    console.log(sandbox.pid);
    await new Promise((resolve) => setTimeout(resolve, 60_000));`;
  const file = new URL('./sandbox.ts', import.meta.url).href;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  assert.ok(alive(pid));
  parent.kill('SIGKILL');
  await gone(pid);
});

test('a program that forgets its sandbox ends, and the sandbox with it', async () => {
  const program = `
    const { Sandbox } = await import(process.argv[1]);
    console.log((await Sandbox.start()).pid);`;
  const file = new URL('./sandbox.ts', import.meta.url).href;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(parent, 'exit');
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  assert.deepEqual(await exit, [0, null]);
  await gone(Number(line.toString()));
});
