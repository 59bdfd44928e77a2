import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedDelete, FeedPut } from '@portward/model/feed.ts';
import { eventually, type TestHost, withHost } from '../../../test/test-host.ts';
import { AgentHost } from './testing/agent-host.ts';
import {
  addressGroup,
  externalNetwork,
  gone,
  port,
  securityGroup,
  securityGroupRule,
  subnet,
  uuid,
} from './testing/cloud.ts';
import { type GuardedVms, groupOf, type Vm, v4, v6, vmPort, withGuardedVms } from './testing/guarded-vms.ts';
import { VmProbe } from './testing/vm-probe.ts';

const SHARED = 0x3000;
const FRIENDS = 0x3001;
const V6 = { ethertype: 'IPv6' } as const;
const tcp = (port: number) => ({ protocol: 'tcp', port_range_min: port, port_range_max: port });

/** Numbers of the rules of `a`. */
const R = { ssh: 1, ssh6: 2, web: 3, group: 4, friends: 5, udp: 6, send: 8, send6: 9 } as const;

/**
 * `a` sends whatever it wants, and takes SSH, the web and UDP 53 from everybody; on port 90 whoever is
 * in the shared group, on port 91 whoever is in the address group. `b` and `c` send, and are in the shared group.
 */
const CLOUD: FeedPut[] = [
  securityGroup(SHARED),
  addressGroup(FRIENDS, `${v4('b')}/32`, `${v4('c')}/32`),
  securityGroupRule(R.ssh, groupOf('a'), 'ingress', tcp(22)),
  securityGroupRule(R.ssh6, groupOf('a'), 'ingress', { ...tcp(22), ...V6 }),
  securityGroupRule(R.web, groupOf('a'), 'ingress', tcp(80)),
  securityGroupRule(R.group, groupOf('a'), 'ingress', { ...tcp(90), remote_group_id: uuid(SHARED) }),
  securityGroupRule(R.friends, groupOf('a'), 'ingress', { ...tcp(91), remote_address_group_id: uuid(FRIENDS) }),
  securityGroupRule(R.udp, groupOf('a'), 'ingress', { protocol: 'udp', port_range_min: 53, port_range_max: 53 }),
  securityGroupRule(R.send, groupOf('a'), 'egress'),
  securityGroupRule(R.send6, groupOf('a'), 'egress', V6),
  ...(['b', 'c'] as const).flatMap((vm, index) => [
    securityGroupRule(0x20 + index, groupOf(vm), 'egress'),
    securityGroupRule(0x30 + index, groupOf(vm), 'egress', V6),
  ]),
  vmPort('b', { security_groups: [uuid(groupOf('b')), uuid(SHARED)] }),
  vmPort('c', { security_groups: [uuid(groupOf('c')), uuid(SHARED)] }),
];

interface Open {
  from: Vm;
  to: Vm;
  port: number;
  protocol?: 'udp';
  version?: 6;
}

/** Connections that stay open through each change, by name. */
const OPEN: Record<string, Open> = {
  'open ssh': { from: 'open', to: 'a', port: 22 },
  'open ssh6': { from: 'open', to: 'a', port: 22, version: 6 },
  'open web': { from: 'open', to: 'a', port: 80 },
  'b shared': { from: 'b', to: 'a', port: 90 },
  'c shared': { from: 'c', to: 'a', port: 90 },
  'b friend': { from: 'b', to: 'a', port: 91 },
  'c friend': { from: 'c', to: 'a', port: 91 },
  'b udp': { from: 'b', to: 'a', port: 53, protocol: 'udp' },
  'a out': { from: 'a', to: 'open', port: 22 },
  'a out6': { from: 'a', to: 'open', port: 22, version: 6 },
};

const address = (vm: Vm, { version }: Open): string => (version === 6 ? v6 : v4)(vm);

async function serve({ vm }: GuardedVms): Promise<void> {
  for (const name of ['a', 'open'] as const) {
    await vm[name].listen(v4(name), [22, 80, 90, 91]);
    await vm[name].listen(v6(name), [22]);
    await vm[name].listen(v4(name), [53], 'udp');
  }
}

async function openAll({ vm }: GuardedVms): Promise<void> {
  await Promise.all(
    Object.entries(OPEN).map(async ([name, open]) => {
      const flow = { to: address(open.to, open), port: open.port, protocol: open.protocol ?? ('tcp' as const) };
      assert.equal(await vm[open.from].open(name, flow), 'answered', name);
    }),
  );
}

/** Who of the open connections is no longer answered. `cut`: those of which that is expected. */
async function silent({ vm }: GuardedVms, cut: RegExp): Promise<string[]> {
  const answers = await Promise.all(
    Object.entries(OPEN).map(async ([name, { from }]) => [name, await vm[from].talk(name, !cut.test(name))] as const),
  );
  return answers.filter(([, answer]) => answer !== 'answered').map(([name]) => name);
}

/** Waits until the kernel no longer has those connections. */
async function forgotten(host: TestHost, cut: RegExp): Promise<void> {
  await eventually(
    async () => {
      const entries = (
        await Promise.all(['ipv4', 'ipv6'].map((family) => host.run(['conntrack', '-L', '-f', family])))
      ).join('');
      return Object.entries(OPEN)
        .filter(([name]) => cut.test(name))
        .every(([, open]) => {
          const [from, to] = [address(open.from, open), address(open.to, open)];
          return !new RegExp(`src=${from} dst=${to} sport=\\d+ dport=${open.port} `).test(entries);
        });
    },
    { what: `no connection of ${cut}` },
  );
}

type Line = FeedPut | Omit<FeedPut, 'seq'> | FeedDelete;

/** A change, and which connections it cuts; all others live. Of these, those that the kernel forgets, unless all. */
const CHANGES: [what: string, change: Line[], cut: RegExp, forgotten?: RegExp][] = [
  ['a rule that admitted it goes', [gone('security_group_rule', R.ssh)], /^open ssh$/],
  ['a rule of IPv6 goes', [gone('security_group_rule', R.ssh6)], /ssh6/],
  ['a rule of UDP goes', [gone('security_group_rule', R.udp)], /udp/],
  [
    'a rule is narrowed',
    [securityGroupRule(R.web, groupOf('a'), 'ingress', { ...tcp(80), remote_ip_prefix: '10.0.0.0/8' })],
    /web/,
  ],
  ['a rule about what is sent goes', [gone('security_group_rule', R.send)], /out$/],
  ['a member leaves a remote group', [vmPort('c', { security_groups: [uuid(groupOf('c'))] })], /c shared/],
  ['a member of a remote group goes, and is unplugged', [gone('port', 0xd3)], /^c /, /c shared/],
  ['an address group loses an address', [addressGroup(FRIENDS, `${v4('c')}/32`)], /b friend/],
  ['an address group loses all', [addressGroup(FRIENDS)], /friend/],
  ['the port leaves its group', [vmPort('a', { security_groups: [] })], /./],
  ['the port gets another group', [vmPort('a', { security_groups: [uuid(SHARED)] })], /./],
  ['the port gets one more group', [vmPort('a', { security_groups: [uuid(groupOf('a')), uuid(SHARED)] })], /^$/],
  ['port security goes on', [vmPort('open', { port_security_enabled: true, security_groups: [] })], /open|out/],
  ['port security goes off', [vmPort('a', { port_security_enabled: false, security_groups: [] })], /^$/],
  ['a rule comes', [securityGroupRule(0x40, groupOf('a'), 'ingress', { protocol: 'udp' })], /^$/],
  [
    'another rule admits it, too',
    [
      securityGroupRule(0x40, groupOf('a'), 'ingress', { protocol: 'tcp' }),
      gone('security_group_rule', R.ssh),
      gone('security_group_rule', R.friends),
    ],
    /^$/,
  ],
  [
    'a rule and the group that has it are others at once',
    [gone('security_group_rule', R.web), gone('security_group_rule', R.group)],
    /web|shared/,
  ],
];

test('what no rule admits any more is cut, and nothing else', () =>
  withGuardedVms(CLOUD, async (vms) => {
    const { agent, host, cloud } = vms;
    await serve(vms);
    for (const [what, change, cut, forgets = cut] of CHANGES) {
      if (what !== CHANGES[0]?.[0]) await agent.feed(...cloud, gone('security_group_rule', 0x40));
      await openAll(vms);
      await agent.feed(...(change as FeedPut[]));
      await forgotten(host, forgets);
      const expected = Object.keys(OPEN).filter((name) => cut.test(name));
      assert.deepEqual(await silent(vms, cut), expected, what);
    }
  }));

test('a cut connection does not come back, whoever speaks first', () =>
  withGuardedVms(CLOUD, async (vms) => {
    const { agent, vm, host } = vms;
    await vm.a.listen(v4('a'), [22, 80], 'tcp', true);
    for (const [name, port] of [
      ['cut', 22],
      ['kept', 80],
    ] as const) {
      assert.equal(await vm.open.listenTo(name, { to: v4('a'), port }), 'open');
      assert.equal(await vm.open.hears(name), 'answered');
    }
    await agent.feed(gone('security_group_rule', R.ssh));
    await forgotten(host, /^open ssh$/);
    assert.equal(await vm.open.hears('cut', false), 'silent', 'the server goes on sending, and may');
    assert.equal(await vm.open.hears('kept'), 'answered');
    await agent.feed(securityGroupRule(R.ssh, groupOf('a'), 'ingress', tcp(22)));
    assert.equal(await vm.open.reach({ to: v4('a'), port: 22 }), 'answered', 'a new one is welcome again');
  }));

test('connections outlive the agent; those that its successor finds without a rule do not', () =>
  withGuardedVms(CLOUD, async (vms) => {
    const { agent, host, cloud } = vms;
    await serve(vms);
    await openAll(vms);
    await agent.kill();
    await agent.start(cloud);
    assert.deepEqual(await silent(vms, /^$/), [], 'a restart');
    await agent.feed({ op: 'reset', seq: 0 }, ...cloud, { op: 'synced', seq: 0 });
    assert.deepEqual(await silent(vms, /^$/), [], 'a resync');
    await agent.kill();
    await agent.start(cloud.filter(({ object }) => object.id !== uuid(R.ssh) && object.id !== uuid(R.friends)));
    await forgotten(host, /^open ssh$|friend/);
    assert.deepEqual(await silent(vms, /^open ssh$|friend/), ['open ssh', 'b friend', 'c friend']);
    await agent.feed(
      { op: 'reset', seq: 0 },
      ...cloud.filter(
        ({ object }) => object.id !== uuid(R.ssh) && object.id !== uuid(R.friends) && object.id !== uuid(R.udp),
      ),
      { op: 'synced', seq: 0 },
    );
    await forgotten(host, /udp/);
    assert.deepEqual(await silent(vms, /^open ssh$|friend|udp/), ['open ssh', 'b friend', 'c friend', 'b udp']);
  }));

test('on a bridge of the operator’s the port’s connections are cut, and the host’s own are not', () =>
  withHost(async (host) => {
    const [NET, SUBNET, GROUP, VM] = [0xe0, 0xe1, 0xc0, 0xd1];
    await host.addBridge('br-ex');
    await host.ip(['addr add 10.11.7.1/24 dev br-ex']);
    await host.addClient('br-ex', 'client', '10.11.7.100/24');
    const agent = new AgentHost(host);
    await agent.addVm(VM, 'vm', '10.11.7.20/24', '10.11.7.1');
    await agent.start([
      externalNetwork(NET),
      subnet(SUBNET, NET, '10.11.7.0/24', '10.11.7.1'),
      securityGroup(GROUP),
      securityGroupRule(1, GROUP, 'ingress', tcp(22)),
      securityGroupRule(2, GROUP, 'ingress', tcp(80)),
      port(VM, NET, { '10.11.7.20': SUBNET }, { security_groups: [uuid(GROUP)] }),
    ]);
    const [vm, client] = [new VmProbe(host, 'vm'), new VmProbe(host, 'client')];
    await vm.listen('10.11.7.20', [22, 80]);
    await client.listen('10.11.7.100', [22]);
    assert.equal(await client.open('cut', { to: '10.11.7.20', port: 22 }), 'answered');
    assert.equal(await client.open('kept', { to: '10.11.7.20', port: 80 }), 'answered');
    const own = host.connect(undefined, '10.11.7.100', 22);
    own.write('before');
    assert.equal(await own.read(), 'before');
    await agent.feed(gone('security_group_rule', 1));
    await eventually(async () => !/dst=10.11.7.20 sport=\d+ dport=22 /.test(await host.run(['conntrack', '-L'])));
    assert.equal(await client.talk('cut', false), 'silent');
    assert.equal(await client.talk('kept'), 'answered');
    own.write('after');
    assert.equal(await own.read(), 'after');
    own.close();
    assert.deepEqual(agent.complaints(), []);
  }));
