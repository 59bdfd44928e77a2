import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { eventually, withHost } from './test-host.ts';

test('clients of a host reach each other over its bridge and nothing else', async () => {
  let directory = '';
  await withHost(async (host) => {
    directory = host.directory;
    await host.addBridge('br0');
    await host.addClient('br0', 'left', '10.9.0.1/24');
    await host.addClient('br0', 'right', '10.9.0.2/24', '10.9.0.1');
    await host.serve('right', '10.9.0.2', [80, 81]);
    await host.serve('right', '10.9.0.2', [53], 'udp');
    const [open, closed, answer, silent, elsewhere, absent] = await Promise.all([
      host.probe('left', '10.9.0.2', 81),
      host.probe('left', '10.9.0.2', 82),
      host.probe('left', '10.9.0.2', 53, { protocol: 'udp', send: 'hello' }),
      host.probe('left', '10.9.0.2', 54, { protocol: 'udp', timeoutMs: 500 }),
      host.probe('left', '10.8.0.2', 80),
      host.probe('right', '10.8.0.2', 80, { timeoutMs: 300 }),
    ]);
    assert.deepEqual(open, { outcome: 'connected', data: '10.9.0.2:81 sees 10.9.0.1\n' });
    assert.equal(closed.outcome, 'refused');
    assert.deepEqual(answer, { outcome: 'connected', data: '10.9.0.2:53 sees 10.9.0.1 hello\n' });
    assert.equal(silent.outcome, 'refused');
    assert.equal(elsewhere.outcome, 'unreachable');
    assert.equal(absent.outcome, 'timeout');

    const connection = host.connect('left', '10.9.0.2', 80);
    assert.equal(await connection.read(), '10.9.0.2:80 sees 10.9.0.1');
    connection.write('still there?');
    assert.equal(await connection.read(), '10.9.0.2:80 sees 10.9.0.1 still there?');
    await host.ip(['link set c-left down']);
    connection.write('lost');
    await assert.rejects(connection.read(200), /silent/);
    connection.close();
    await assert.rejects(connection.read(), /ended/);
  });
  assert.equal(existsSync(directory), false);
});

test('a failing command says what it complained of', async () => {
  await withHost(async (host) => {
    await assert.rejects(host.run(['sh', '-c', 'echo no luck >&2; exit 3']), /failed with 3: no luck/);
  });
});

test('eventually gives what comes in time, and the last reason otherwise', async () => {
  let looks = 0;
  assert.equal(await eventually(() => ++looks === 3 && 'third', { intervalMs: 1 }), 'third');
  const never = eventually(() => Promise.reject(new Error('not yet')), { timeoutMs: 20, what: 'a miracle' });
  await assert.rejects(never, /Not after 20 ms: a miracle \(not yet\)/);
});
