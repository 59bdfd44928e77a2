import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, type TestHost, withHost } from '@portward/test/test-host.ts';
import type { DhcpService } from '../layout/dhcp.ts';
import type { Machine } from './machine.ts';

const ID = 'aaaaaaaa-0000-4000-8000-000000000001';
const NETWORK = 'bbbbbbbb-0000-4000-8000-000000000001';

const MACHINE: Machine = {
  id: ID,
  namespace: `machine-${ID}`,
  hostName: 'VM1',
  publicKey: null,
  cards: [{ tap: 'tap11111111-11', mac: 'fa:16:3e:00:00:11', mtu: 1400 }],
  digest: 'first',
};

const DHCP: DhcpService = {
  id: NETWORK,
  namespace: `qdhcp-${NETWORK}`,
  device: 'eth0',
  argv: [
    ...['dnsmasq', '--conf-file=', '--no-hosts', '--no-resolv', '--interface=eth0', '--bind-dynamic', '--port=0'],
    ...['--dhcp-authoritative', '--dhcp-range=set:s,192.168.2.0,static,255.255.255.0,600s'],
  ],
  hosts: 'fa:16:3e:00:00:11,vm1,192.168.2.79\n',
  options: 'tag:s,option:router,192.168.2.1\ntag:s,121,10.5.0.0/16,192.168.2.9,0.0.0.0/0,192.168.2.1\n',
  names: '',
  leases: { '192.168.2.79': 'fa:16:3e:00:00:11' },
  duid: '00:04',
  digest: 'first',
};

/** Calls a driver in a process of its own, as an agent that has just been started would. */
const machines = <T = void>(host: TestHost, call: string, machine: Machine = MACHINE): Promise<T> =>
  host.evaluate(
    `const { Machines } = await import(input.file);
    const driver = new Machines({ stateDir: input.stateDir });
    const found = await driver.${call};
    return found instanceof Map ? [...found] : found;`,
    { file: import.meta.resolve('./machines.ts'), stateDir: join(host.directory, 'state'), machine },
  );

async function addDhcp(host: TestHost): Promise<void> {
  await host.addBridge('br0');
  await host.ip([
    `netns add ${DHCP.namespace}`,
    `link add dhcp type veth peer name eth0 netns ${DHCP.namespace}`,
    'link set dhcp master br0 up',
  ]);
  await host.ip(['link set eth0 up', 'addr add 192.168.2.2/24 dev eth0'], DHCP.namespace);
  await host.evaluate(
    `const { Dnsmasq } = await import(input.file);
    await new Dnsmasq({ stateDir: input.stateDir }).apply(input.service);`,
    { file: import.meta.resolve('../kernel/dnsmasq.ts'), stateDir: join(host.directory, 'state'), service: DHCP },
  );
}

test('a machine gets its port’s address by DHCP and lets its owner in by SSH', { timeout: 60_000 }, async () => {
  await withHost(async (host) => {
    const key = join(host.directory, 'key');
    await host.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const machine = { ...MACHINE, publicKey: (await readFile(`${key}.pub`, 'utf8')).trim() };
    await addDhcp(host);
    await host.addClient('br0', 'outside', '192.168.2.1/24');

    await machines(host, 'apply(input.machine)', machine);
    assert.deepEqual(await machines(host, 'running()'), [[ID, 'first']]);
    await host.ip([`link set ${machine.cards[0]?.tap} master br0`]);
    const inside = (argv: string[]) => host.run(argv, { namespace: machine.namespace });
    await eventually(async () =>
      (await inside(['ip', '-o', '-4', 'address', 'show', 'eth0'])).includes('192.168.2.79/24'),
    );
    assert.match(await inside(['ip', 'link', 'show', 'eth0']), /mtu 1400 .*fa:16:3e:00:00:11/s);
    const routes = await eventually(async () => {
      const text = await inside(['ip', 'route']);
      return text.includes('10.5.0.0/16') && text;
    });
    assert.match(routes, /^default via 192\.168\.2\.1 dev eth0/m);
    assert.match(routes, /^10\.5\.0\.0\/16 via 192\.168\.2\.9 dev eth0/m);

    const ssh = (...command: string[]) => [
      ...['ssh', '-i', key, '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-F', '/dev/null'],
      ...['-o', 'LogLevel=ERROR', '-o', 'BatchMode=yes', 'root@192.168.2.79', ...command],
    ];
    const login = await host.run(ssh('hostname; echo $SSH_CLIENT; ls -A ~; ps -e | wc -l'), { namespace: 'outside' });
    const [name, client, ...rest] = login.trim().split('\n');
    assert.equal(name, 'VM1');
    assert.match(client ?? '', /^192\.168\.2\.1 \d+ 22$/);
    assert.deepEqual(rest.slice(0, -1), ['.dhcp-event', '.ssh']);
    assert.ok(Number(rest.at(-1)) < 20);
    // With a terminal, as a user would come.
    const terminal = await host.run(ssh('-tt', 'tty; exit 5'), { namespace: 'outside' }).catch((error) => error);
    assert.match(String(terminal), /failed with 5: .*\/dev\/pts\/\d+/s);
    const stranger = ssh('true').filter((argument) => argument !== '-i' && argument !== key);
    await assert.rejects(host.run(stranger, { namespace: 'outside' }), /Permission denied/);

    // A new key takes effect; the card, its address and its place on the bridge stay.
    await machines(host, 'apply(input.machine)', { ...machine, publicKey: null, digest: 'second' });
    assert.deepEqual(await machines(host, 'running()'), [[ID, 'second']]);
    assert.match(await host.run(['ip', '-o', 'link', 'show', 'master', 'br0']), /tap11111111-11/);
    await eventually(async () => (await host.probe('outside', '192.168.2.79', 22)).data.startsWith('SSH-2.0'));
    await assert.rejects(host.run(ssh('true'), { namespace: 'outside' }), /Permission denied/);

    await machines(host, `remove('${ID}')`);
    await machines(host, `remove('${ID}')`);
    assert.deepEqual(await machines(host, 'running()'), []);
    assert.doesNotMatch(await host.run(['ls', '/run/netns']), /machine/);
    assert.doesNotMatch(await host.run(['ip', '-o', 'link']), /tap/);
    assert.doesNotMatch(await host.run(['ps', '-eo', 'args']), /dropbear|udhcpc|machine-/);
  });
});

test('a machine that lost a part is seen as not running, and is mended', { timeout: 60_000 }, async () => {
  await withHost(async (host) => {
    const second = { tap: 'tap22222222-22', mac: 'fa:16:3e:00:00:22', mtu: 1300 };
    await machines(host, 'apply(input.machine)');
    await host.ip(['link del tap11111111-11']);
    assert.deepEqual(await machines(host, 'running()'), [[ID, '']]);
    const grown = { ...MACHINE, cards: [second, ...MACHINE.cards], digest: 'grown' };
    await machines(host, 'apply(input.machine)', grown);
    assert.deepEqual(await machines(host, 'running()'), [[ID, 'grown']]);
    const links = await host.run(['ip', '-br', 'link'], { namespace: MACHINE.namespace });
    assert.match(links, /^eth0@.* fa:16:3e:00:00:22/m);
    assert.match(links, /^eth1@.* fa:16:3e:00:00:11/m);
    const shrunk = { ...MACHINE, digest: 'shrunk' };
    await machines(host, 'apply(input.machine)', shrunk);
    const [line] = (
      await host.run(['ip', '-br', 'link', 'show', 'type', 'veth'], { namespace: MACHINE.namespace })
    ).split('\n');
    assert.match(line ?? '', /^eth1@/);

    const [pid] = (await host.run(['pgrep', '-x', 'sleep'])).trim().split('\n');
    await host.run(['kill', '-9', pid ?? '']);
    await eventually(async () => !(await host.run(['ps', '-eo', 'args'])).includes('dropbear'));
    assert.deepEqual(await machines(host, 'running()'), [[ID, '']]);
    await machines(host, 'apply(input.machine)', shrunk);
    assert.deepEqual(await machines(host, 'running()'), [[ID, 'shrunk']]);
  });
});
