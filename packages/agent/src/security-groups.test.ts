import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, type TestHost, withHost } from '../../../test/test-host.ts';
import { AgentHost } from './testing/agent-host.ts';
import { connected } from './testing/article.ts';
import {
  addressGroup,
  externalNetwork,
  gone,
  macOf,
  network,
  port,
  router,
  routerPort,
  securityGroup,
  securityGroupRule,
  subnet,
  uuid,
} from './testing/cloud.ts';

const NET = 0xa0;
const SUBNET = 0xa1;
const WEB = 0xc0;
const OTHER = 0xc8;
const [A, B, C, OPEN] = [0xd1, 0xd2, 0xd3, 0xd4];

/** One network with two VMs in a group, one in another, one without filter. The groups let out, and in from themselves. */
const cloud = () => [
  network(NET),
  subnet(SUBNET, NET, '192.168.2.0/24', null),
  ...[WEB, OTHER].flatMap((group) => [
    securityGroup(group),
    securityGroupRule(group + 1, group, 'egress'),
    securityGroupRule(group + 2, group, 'ingress', { remote_group_id: uuid(group) }),
  ]),
  port(A, NET, { '192.168.2.11': SUBNET }, { security_groups: [uuid(WEB)] }),
  port(B, NET, { '192.168.2.12': SUBNET }, { security_groups: [uuid(WEB)] }),
  port(C, NET, { '192.168.2.13': SUBNET }, { security_groups: [uuid(OTHER)] }),
  port(OPEN, NET, { '192.168.2.14': SUBNET }, { port_security_enabled: false }),
];

async function withVms(use: (host: TestHost, agent: AgentHost) => Promise<void>): Promise<void> {
  await withHost(async (host) => {
    const agent = new AgentHost(host, { bridgeMappings: [] });
    const vms = {
      a: [A, '192.168.2.11'],
      b: [B, '192.168.2.12'],
      c: [C, '192.168.2.13'],
      open: [OPEN, '192.168.2.14'],
    } as const;
    for (const [name, [number, ip]] of Object.entries(vms)) await agent.addVm(number, name, `${ip}/24`, '192.168.2.1');
    await Promise.all([
      agent.start(cloud()),
      ...Object.entries(vms).flatMap(([name, [, ip]]) => [
        host.serve(name, ip, [80, 81]),
        host.serve(name, ip, [53], 'udp'),
      ]),
    ]);
    await use(host, agent);
    assert.deepEqual(agent.complaints(), []);
  });
}

const QUICK = { timeoutMs: 400 };

test('only what a rule admits reaches a VM', async () => {
  await withVms(async (host, agent) => {
    const [inGroup, outside, unfiltered, toUnfiltered, ping, udp] = await Promise.all([
      host.probe('a', '192.168.2.12', 80),
      host.probe('c', '192.168.2.11', 80, QUICK),
      host.probe('open', '192.168.2.11', 80, QUICK),
      host.probe('a', '192.168.2.14', 80),
      host.run(['sh', '-c', 'ping -c 1 -W 1 192.168.2.11 || busybox ping -c 1 -W 1 192.168.2.11 || true'], {
        namespace: 'c',
      }),
      host.probe('b', '192.168.2.11', 53, { protocol: 'udp', send: 'hello' }),
    ]);
    assert.deepEqual(inGroup, connected('192.168.2.12:80 sees 192.168.2.11'));
    assert.equal(outside.outcome, 'timeout');
    assert.equal(unfiltered.outcome, 'timeout');
    assert.deepEqual(toUnfiltered, connected('192.168.2.14:80 sees 192.168.2.11'), 'answers come back');
    assert.match(ping, /0 (packets )?received/);
    assert.deepEqual(udp, connected('192.168.2.11:53 sees 192.168.2.12 hello'));

    await agent.feed(
      securityGroupRule(0xcf, WEB, 'ingress', {
        protocol: 'tcp',
        port_range_min: 80,
        port_range_max: 80,
        remote_ip_prefix: '192.168.2.13/32',
      }),
    );
    assert.deepEqual(await host.probe('c', '192.168.2.11', 80), connected('192.168.2.11:80 sees 192.168.2.13'));
    assert.equal((await host.probe('c', '192.168.2.11', 81, QUICK)).outcome, 'timeout', 'another port');
    assert.equal((await host.probe('open', '192.168.2.11', 80, QUICK)).outcome, 'timeout', 'another peer');
    await agent.feed(gone('security_group_rule', 0xcf));
    assert.equal((await host.probe('c', '192.168.2.11', 80, QUICK)).outcome, 'timeout');

    await agent.feed(port(C, NET, { '192.168.2.13': SUBNET }, { security_groups: [uuid(OTHER), uuid(WEB)] }));
    assert.equal((await host.probe('c', '192.168.2.11', 80)).outcome, 'connected', 'it joined the group');
    await agent.feed(gone('security_group_rule', WEB + 1));
    assert.equal((await host.probe('a', '192.168.2.14', 80, QUICK)).outcome, 'timeout', 'nothing lets it send');
  });
});

test('a rule about an address group admits the addresses that the group has', async () => {
  await withVms(async (host, agent) => {
    const GROUP = 0xad;
    const outcome = async (name: string, wait = {}) => (await host.probe(name, '192.168.2.11', 80, wait)).outcome;
    const reaches = async (name: string) => (await outcome(name)) === 'connected';
    const isKeptOut = async (name: string) => (await outcome(name, QUICK)) === 'timeout';
    await agent.feed(securityGroupRule(0xcf, WEB, 'ingress', { remote_address_group_id: uuid(GROUP) }));
    assert.ok(await isKeptOut('c'), 'nothing is known of the group yet');
    await agent.feed(addressGroup(GROUP, '192.168.2.12/31', '192.168.2.13/32', 'fd00::/64'));
    assert.ok(await reaches('c'));
    assert.ok(await isKeptOut('open'), 'another address');
    await agent.feed(addressGroup(GROUP, '192.168.2.12/31', '192.168.2.8/29', '192.168.2.0/25'));
    assert.ok((await reaches('c')) && (await reaches('open')));
    await agent.feed(addressGroup(GROUP, '192.168.2.14/32'));
    assert.ok((await isKeptOut('c')) && (await reaches('open')));
    await agent.feed(gone('security_group_rule', 0xcf));
    await agent.feed(gone('address_group', GROUP));
    assert.ok(await isKeptOut('open'));
  });
});

test('a VM sends only with its own addresses', async () => {
  await withVms(async (host, agent) => {
    await host.ip(['addr add 192.168.2.99/24 dev eth0'], 'a');
    assert.equal((await host.probe('a', '192.168.2.14', 80, { ...QUICK, from: '192.168.2.99' })).outcome, 'timeout');
    assert.equal((await host.probe('a', '192.168.2.14', 80)).outcome, 'connected');
    await host.run(['ip', 'neigh', 'flush', 'all'], { namespace: 'open' });
    const claimed = await host.run(
      ['sh', '-c', 'ping -c 1 -W 1 192.168.2.99 >/dev/null || true; ip neigh show 192.168.2.99'],
      { namespace: 'open' },
    );
    assert.doesNotMatch(claimed, /lladdr/, 'nor answers for another');
    await host.ip(['link set eth0 address 02:00:00:00:00:99'], 'a');
    assert.equal(
      (await host.probe('a', '192.168.2.14', 80, QUICK)).outcome !== 'connected',
      true,
      'nor with another MAC',
    );
    await host.ip([`link set eth0 address ${macOf(A)}`], 'a');
    await agent.feed(
      port(
        A,
        NET,
        { '192.168.2.11': SUBNET },
        {
          security_groups: [uuid(WEB)],
          allowed_address_pairs: [{ ip_address: '192.168.2.0/25', mac_address: macOf(A) }],
        },
      ),
    );
    assert.equal(
      (await host.probe('a', '192.168.2.14', 80, { from: '192.168.2.99' })).outcome,
      'connected',
      'a pair allows it',
    );
  });
});

/** Sends a frame of type 0x8100 (a VLAN tag, with an IPv4 packet behind) from `vm`; whether one comes to `open`. */
async function vlanFrameArrives(host: TestHost, vm: string): Promise<boolean> {
  const receive = `import socket,sys
s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.ntohs(3)); s.bind(('eth0',0)); s.settimeout(1.5)
print('ready',flush=True)
try:
  while b'hidden' not in s.recv(2000): pass
  print('arrived')
except Exception: print('nothing')`;
  const send = `import socket
s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW); s.bind(('eth0',0))
s.send(b'\\xff'*6+bytes.fromhex('${macOf(A).replaceAll(':', '')}')+bytes.fromhex('8100000708004500')+b'hidden'*20)`;
  const receiver = host.spawn(['python3', '-c', receive], { namespace: 'open', stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const ended = new Promise((resolve) => receiver.once('exit', resolve));
  receiver.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  await eventually(() => output.includes('ready'));
  await host.run(['python3', '-c', send], { namespace: vm });
  await ended;
  return output.includes('arrived');
}

test('frames that hide a packet do not pass', async () => {
  await withVms(async (host, agent) => {
    assert.equal(await vlanFrameArrives(host, 'a'), false);
    await agent.feed(port(A, NET, { '192.168.2.11': SUBNET }, { port_security_enabled: false }));
    assert.equal(await vlanFrameArrives(host, 'a'), true, 'without port security they do');
  });
});

test('a device is plugged in filtered when it comes, and told of when it goes', async () => {
  await withVms(async (host, agent) => {
    const late = 0xd9;
    await agent.feed(port(late, NET, { '192.168.2.19': SUBNET }, { security_groups: [uuid(WEB)] }));
    assert.equal(agent.status('port', uuid(late))?.status, 'DOWN');
    await agent.addVm(late, 'late', '192.168.2.19/24', '192.168.2.1');
    await agent.plugged(late);
    await eventually(() => agent.status('port', uuid(late))?.status === 'ACTIVE');
    assert.equal((await host.probe('late', '192.168.2.11', 80)).outcome, 'connected');
    await host.run(['ip', 'link', 'del', 'tap000000d9-00']);
    await eventually(() => agent.status('port', uuid(late))?.status === 'DOWN');
    await eventually(async () => !(await host.run(['nft', 'list', 'ruleset'])).includes('tap000000d9-00'));
  });
});

test('networks with the same addresses do not disturb each other', async () => {
  await withHost(async (host) => {
    const agent = new AgentHost(host);
    const objects = [externalNetwork(0xe0), subnet(0xe1, 0xe0, '10.11.7.0/24', '10.11.7.1')];
    await host.addBridge('br-ex');
    for (const n of [1, 2]) {
      const [net, sub, group, client, server] = [
        n * 0x1000,
        n * 0x1000 + 1,
        n * 0x1000 + 2,
        n * 0x1000 + 3,
        n * 0x1000 + 4,
      ];
      objects.push(
        network(net),
        subnet(sub, net, '192.168.2.0/24', '192.168.2.1'),
        securityGroup(group),
        securityGroupRule(n * 0x1000 + 5, group, 'egress'),
        ...(n === 1 ? [securityGroupRule(n * 0x1000 + 6, group, 'ingress', { protocol: 'tcp' })] : []),
        port(client, net, { '192.168.2.11': sub }, { security_groups: [uuid(group)] }),
        port(server, net, { '192.168.2.12': sub }, { security_groups: [uuid(group)] }),
        router(n * 0x1000 + 7, { distributed: n === 1 }),
        routerPort(
          n * 0x1000 + 8,
          net,
          { '192.168.2.1': sub },
          n * 0x1000 + 7,
          n === 1 ? 'router_interface_distributed' : 'router_interface',
        ),
      );
      await agent.addVm(client, `client${n}`, '192.168.2.11/24', '192.168.2.1');
      await agent.addVm(server, `server${n}`, '192.168.2.12/24', '192.168.2.1');
      await host.serve(`server${n}`, '192.168.2.12', [80]);
    }
    await agent.start(objects);
    const connection = host.connect('client1', '192.168.2.12', 80);
    await connection.read();
    // The same addresses and ports on the other network: with one table of connections this would count as established.
    const from = (await host.run(['ss', '-Htn', 'dst', '192.168.2.12'], { namespace: 'client1' })).match(
      /192\.168\.2\.11:(\d+)/,
    )?.[1];
    const spoofed = await host.run(
      [
        'python3',
        '-c',
        `import socket\ns=socket.socket(); s.settimeout(0.4); s.bind(('192.168.2.11', ${from}))\ntry:\n s.connect(('192.168.2.12', 80)); print('connected')\nexcept Exception as e: print('no', e)`,
      ],
      { namespace: 'client2' },
    );
    assert.match(spoofed, /^no/);
    connection.write('undisturbed');
    assert.match(await connection.read(), /undisturbed/);
    connection.close();
    assert.deepEqual(agent.complaints(), []);
  });
});
