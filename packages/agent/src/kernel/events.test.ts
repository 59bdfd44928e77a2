import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { eventually, type TestHost, withHost } from '@portward/test/test-host.ts';
import { readEvents } from './event-messages.ts';

/**
 * Prints what it is told, a line each. Its input are lines: `watch NAMESPACE`, `forget NAMESPACE`, `await NAME PID`, `own`,
 * which changes things itself, and `stop`.
 */
const LISTENER = `
  const { KernelEvents } = await import(process.argv[1]);
  const { Nftables } = await import(process.argv[2]);
  const { run } = await import(process.argv[3]);
  const say = (...words) => console.log(JSON.stringify(words));
  const events = new KernelEvents({
    devices: (namespace, links) => say('devices', namespace, links),
    changed: (namespace) => say('changed', namespace),
    addressLost: (...what) => say('lost', ...what),
    namespaceGone: (namespace) => say('gone', namespace),
    ended: (name) => say('ended', name),
  });
  const own = async (namespace) => {
    const nftables = new Nftables(namespace);
    for (let count = 0; count < 3; count += 1) await nftables.run('add table ip own\\nadd chain ip own c\\ndelete table ip own\\n');
    nftables.close();
    await run(['ip', '-n', namespace, '-batch', '-'], { input: 'addr add 10.9.0.1/24 dev one\\nroute add 10.8.0.0/16 via 10.9.0.9\\n' });
    await run(['iptables', '-t', 'nat', '-A', 'POSTROUTING', '-j', 'ACCEPT'], { namespace });
    say('own is done');
  };
  require('node:readline').createInterface(process.stdin).on('line', (line) => {
    const [word, name, pid] = line.split(' ');
    if (word === 'watch') events.watchNamespace(name);
    if (word === 'forget') events.forgetNamespace(name);
    if (word === 'await') events.watchProcess(name, pid === undefined ? undefined : Number(pid));
    if (word === 'own') void own(name);
    if (word === 'stop') { events.stop(); events.stop(); process.stdin.destroy(); }
    if (word !== 'own') say('did', line);
  });
  say('ready');`;

class Listener {
  readonly process: ChildProcess;
  told: unknown[][] = [];

  static async start(host: TestHost, program = LISTENER): Promise<Listener> {
    const files = ['events', 'nftables', 'run'].map((name) => import.meta.resolve(`./${name}.ts`));
    const start = `const { createRequire } = await import('node:module');
      const require = createRequire(process.cwd() + '/');`;
    const listener = new Listener(
      host.spawn([process.execPath, '--input-type=module', '-e', `${start}${program}`, ...files], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    await listener.tells('ready');
    return listener;
  }

  private constructor(process: ChildProcess) {
    this.process = process;
    let text = '';
    process.stdout?.on('data', (chunk) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) this.told.push(JSON.parse(line));
    });
  }

  async say(line: string): Promise<void> {
    this.process.stdin?.write(`${line}\n`);
    await this.tells('did', line);
  }

  tells(...words: string[]): Promise<unknown[]> {
    return eventually(() => this.told.find((told) => words.every((word, index) => told[index] === word)), {
      what: words.join(' '),
    });
  }

  tellsOf(device: string, is: Record<string, unknown> = {}): Promise<boolean> {
    const links = () =>
      this.told.flatMap(([word, , told]) => (word === 'devices' ? (told as Record<string, unknown>[]) : []));
    const matches = (link: Record<string, unknown>) =>
      Object.entries({ name: device, ...is }).every(([key, value]) => link[key] === value);
    return eventually(() => links().some(matches), { what: `${device} ${JSON.stringify(is)}` });
  }
}

test('devices of the host that come, change and go are told, and listening can end', { timeout: 30_000 }, async () => {
  await withHost(async (host) => {
    const listener = await Listener.start(host);
    await host.ip(['link add br0 type bridge', 'link add tapaaaaaaaa-bb type veth peer name other']);
    await listener.tellsOf('br0', { gone: false, up: false });
    await listener.tellsOf('tapaaaaaaaa-bb');
    await host.ip(['link set other up master br0']);
    await listener.tellsOf('other', { up: true });
    listener.told = [];
    await host.ip(['link set other nomaster']);
    await listener.tellsOf('other', { master: 0 });
    await host.ip(['link del other']);
    await listener.tellsOf('other', { gone: true });
    const exit = once(listener.process, 'exit');
    await listener.say('stop');
    assert.deepEqual(await exit, [0, null]);
  });
});

test('what others change in a namespace is told, what the agent does itself is not', { timeout: 60_000 }, async () => {
  await withHost(async (host) => {
    await host.ip(['netns add n', 'link add one type veth peer name two netns n', 'link set one netns n']);
    await host.ip(['link set one up', 'link set two up'], 'n');
    const listener = await Listener.start(host);
    await listener.say('watch n');
    listener.process.stdin?.write('own n\n');
    await listener.tells('own is done');
    const changes: string[][] = [
      ['nft', 'add', 'table', 'ip', 'theirs'],
      ['nft', 'flush', 'ruleset'],
      ['iptables', '-t', 'nat', '-A', 'POSTROUTING', '-j', 'ACCEPT'],
      ['ip', 'address', 'add', '10.7.0.1/24', 'dev', 'one'],
      ['ip', 'route', 'add', '10.6.0.0/16', 'via', '10.7.0.9'],
      ['ip', 'route', 'del', '10.6.0.0/16'],
      ['ip', 'rule', 'add', 'from', '10.7.0.0/24', 'lookup', '7'],
      ['ip', '-6', 'rule', 'add', 'from', 'fd00::/64', 'lookup', '7'],
      ['ip', 'address', 'del', '10.7.0.1/24', 'dev', 'one'],
    ];
    // All before the first of them is the agent's own, and was told by now if it is told at all.
    await host.run(changes[0] ?? [], { namespace: 'n' });
    await listener.tells('changed', 'n');
    assert.deepEqual(listener.told.filter(([word]) => word === 'changed').length, 1);
    for (const argv of changes.slice(1)) {
      listener.told = [];
      await host.run(argv, { namespace: 'n' });
      await listener.tells('changed', 'n').catch((error) => assert.fail(`${argv.join(' ')}: ${error}`));
    }
    await host.run(['ip', '-6', 'address', 'add', 'fd00::1/64', 'dev', 'one', 'nodad'], { namespace: 'n' });
    await host.run(['ip', '-6', 'address', 'del', 'fd00::1/64', 'dev', 'one'], { namespace: 'n' });
    await listener.tells('lost', 'n', 'one', 'fd00::1/64');
    listener.told = [];
    await host.ip(['link set one down'], 'n');
    await listener.tellsOf('one', { up: false });
    await host.run(['nft', 'add', 'table', 'inet', 'on-the-host']);
    await listener.tells('changed', '');
    await host.ip(['netns del n']);
    await listener.tells('gone', 'n');
    // Another one of the same name is listened to as well.
    await host.ip(['netns add n']);
    await listener.say('watch n');
    listener.told = [];
    await host.run(['nft', 'add', 'table', 'ip', 'theirs'], { namespace: 'n' });
    await listener.tells('changed', 'n');
    await listener.say('forget n');
    listener.told = [];
    await host.ip(['netns del n', 'link add later type bridge']);
    await listener.tellsOf('later');
    assert.deepEqual(
      listener.told.filter(([word]) => word !== 'devices'),
      [],
    );
  });
});

test('the end of a process is told, whoever started it', { timeout: 30_000 }, async () => {
  await withHost(async (host) => {
    const start = async (): Promise<{ pid: string; end(): void }> => {
      const child = host.spawn(['sh', '-c', 'echo $$; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [text] = (await once(child.stdout as NodeJS.EventEmitter, 'data')) as [Buffer];
      return { pid: text.toString().trim(), end: () => void child.kill('SIGKILL') };
    };
    const listener = await Listener.start(host);
    const [one, two, three] = [await start(), await start(), await start()];
    await listener.say(`await one ${one.pid}`);
    await listener.say(`await two ${two.pid}`);
    // Another takes its place; the end of the first is of no interest any more.
    await listener.say(`await one ${three.pid}`);
    one.end();
    two.end();
    await listener.tells('ended', 'two');
    assert.deepEqual(
      listener.told.filter(([word]) => word === 'ended'),
      [['ended', 'two']],
    );
    three.end();
    await listener.tells('ended', 'one');
    listener.told = [];
    await listener.say('await gone 4194303');
    await listener.tells('ended', 'gone');
  });
});

test('a list of everything is asked for when events were lost', { timeout: 30_000 }, async () => {
  await withHost(async (host) => {
    await host.ip(['link add one type bridge']);
    const listener = await Listener.start(host);
    listener.process.kill('SIGSTOP');
    await host.ip(Array.from({ length: 6000 }, (_, index) => `link set one mtu ${1000 + (index % 2)}`));
    listener.process.kill('SIGCONT');
    await eventually(() => listener.told.some(([word, , links]) => word === 'devices' && (links as []).length === 0), {
      what: 'an empty list',
    });
    await host.ip(['link add later type bridge']);
    await listener.tellsOf('later');
  });
});

test('a program that listens can end without stopping first', { timeout: 30_000 }, async () => {
  await withHost(async (host) => {
    for (const end of ['process.exit(3)', 'process.exitCode = 3']) {
      const program = `
        const { KernelEvents } = await import(process.argv[1]);
        new KernelEvents({});
        setTimeout(() => { ${end} }, 50);
        console.log('["ready"]');`;
      const { process: ended } = await Listener.start(host, program);
      if (ended.exitCode === null) await once(ended, 'exit');
      assert.equal(ended.exitCode, 3);
    }
  });
});

test('a truncated message does no harm', () => {
  assert.deepEqual(readEvents(Buffer.from([3, 0, 0, 0])).links, []);
  const message = Buffer.alloc(40);
  message.writeUInt32LE(40, 0);
  message.writeUInt16LE(16, 4);
  message.writeUInt16LE(8, 32);
  message.writeUInt16LE(3, 34);
  message.write('lo\0', 36);
  const { links, hands } = readEvents(Buffer.concat([message, message.subarray(0, 20)]));
  assert.deepEqual(links, [{ name: 'lo', gone: false, up: false, master: 0, group: 0 }]);
  assert.equal(hands.size, 0);
  assert.deepEqual(readEvents(Buffer.alloc(32)).links, []);
});
