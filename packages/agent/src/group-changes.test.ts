import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedPut } from '@portward/model/feed.ts';
import { eventually } from '../../../test/test-host.ts';
import { addressGroup, gone, port, securityGroup, securityGroupRule, uuid } from './testing/cloud.ts';
import { ipFrame } from './testing/frame.ts';
import {
  type GuardedVms,
  groupOf,
  mac,
  NET,
  SUBNET,
  SUBNET6,
  type Vm,
  v4,
  v6,
  vmPort,
  withGuardedVms,
} from './testing/guarded-vms.ts';
import { VmProbe } from './testing/vm-probe.ts';

const SHARED = 0x3000;
const tcp = (number: number) => ({ protocol: 'tcp', port_range_min: number, port_range_max: number });

/** Which of some addresses of `open` get a datagram through to `a`. */
function admitted({ pass }: GuardedVms, addresses: readonly string[]): Promise<string[]> {
  const frame = (from: string) =>
    ipFrame({
      fromMac: mac('open'),
      toMac: mac('a'),
      from,
      to: from.includes(':') ? v6('a') : v4('a'),
      protocol: 17,
      sourcePort: 1234,
      destinationPort: 53,
      token: from,
    });
  return pass('open', 'a', addresses.map(frame));
}

test('thousands of members come, change and go in few transactions', () =>
  withGuardedVms(
    [
      securityGroup(SHARED),
      securityGroupRule(1, groupOf('a'), 'ingress', { remote_group_id: uuid(SHARED) }),
      securityGroupRule(2, groupOf('a'), 'ingress', { remote_group_id: uuid(SHARED), ethertype: 'IPv6' }),
      securityGroupRule(3, groupOf('a'), 'ingress', { remote_address_group_id: uuid(0x3001) }),
    ],
    async (vms) => {
      const { agent } = vms;
      const COUNT = 3000;
      const ip = (n: number) => `10.${n >> 8}.${n & 255}.7`;
      const member = (n: number, isMember = true): FeedPut =>
        port(
          0x10_0000 + n,
          NET,
          { [ip(n)]: SUBNET, [`fd01::${n.toString(16)}:1`]: SUBNET6 },
          { 'binding:host_id': 'host-2', security_groups: isMember ? [uuid(SHARED)] : [] },
        );
      const numbers = Array.from({ length: COUNT }, (_, n) => n);
      const last = [ip(0), ip(COUNT - 1), 'fd01::1:1', `fd01::${(COUNT - 1).toString(16)}:1`];
      assert.deepEqual(await admitted(vms, last), []);
      const rounds = () => agent.log.filter(({ msg }) => msg === 'applied').length;
      const before = rounds();
      await agent.feed(...numbers.map((n) => member(n)));
      assert.deepEqual(await admitted(vms, last), last);
      assert.ok(rounds() - before < 100, `${rounds() - before} transactions for ${COUNT} members`);
      await agent.feed(...numbers.filter((n) => n % 2 === 1).map((n) => member(n, false)));
      assert.deepEqual(await admitted(vms, [ip(0), ip(1), ip(2998), ip(2999)]), [ip(0), ip(2998)]);
      await agent.feed(...numbers.map((n) => gone('port', 0x10_0000 + n)));
      assert.deepEqual(await admitted(vms, last), []);

      const networks = numbers.map((n) => `10.${n >> 8}.${n & 255}.0/28`);
      await agent.feed(addressGroup(0x3001, ...networks));
      assert.deepEqual(await admitted(vms, [ip(0), ip(2999), '10.0.0.16']), [ip(0), ip(2999)]);
      await agent.feed(addressGroup(0x3001, ...networks.slice(0, 10)));
      assert.deepEqual(await admitted(vms, [ip(9), ip(10)]), [ip(9)]);
      const operations = agent.operations();
      await agent.feed({ op: 'reset', seq: 0 }, ...vms.cloud, addressGroup(0x3001, ...networks.slice(0, 10)), {
        op: 'synced',
        seq: 0,
      });
      assert.equal(agent.operations(), operations, 'to say it all again changes nothing');
    },
  ));

test('a port of many groups has what each of them admits, and a flow is not disturbed by changes', () =>
  withGuardedVms(
    [
      securityGroupRule(1, groupOf('a'), 'ingress', tcp(22)),
      ...Array.from({ length: 40 }, (_, n) => [
        securityGroup(0x4000 + n),
        securityGroupRule(0x5000 + n, 0x4000 + n, 'ingress', {
          protocol: 'udp',
          port_range_min: 100 + n,
          port_range_max: 100 + n,
        }),
      ]).flat(),
    ],
    async ({ agent, vm, pass }) => {
      await vm.a.listen(v4('a'), [22], 'tcp', true);
      assert.equal(await vm.open.listenTo('flow', { to: v4('a'), port: 22 }), 'open');
      const through = async () =>
        (
          await pass(
            'open',
            'a',
            Array.from({ length: 41 }, (_, n) =>
              ipFrame({
                fromMac: mac('open'),
                toMac: mac('a'),
                from: v4('open'),
                to: v4('a'),
                protocol: 17,
                sourcePort: 4000,
                destinationPort: 100 + n,
                token: String(n),
              }),
            ),
          )
        ).length;
      for (const count of [0, 1, 40, 13]) {
        const groups = Array.from({ length: count }, (_, n) => uuid(0x4000 + n));
        await agent.feed(vmPort('a', { security_groups: [uuid(groupOf('a')), ...groups] }));
        assert.equal(await through(), count);
        assert.equal(await vm.open.hears('flow'), 'answered');
      }
      for (let n = 0; n < 100; n++) {
        await agent.feed(
          securityGroupRule(0x6000 + n, groupOf('a'), 'ingress', tcp(1000 + n)),
          ...(n > 0 ? [gone('security_group_rule', 0x6000 + n - 1)] : []),
        );
      }
      assert.equal(await vm.open.hears('flow'), 'answered');
      assert.equal(await vm.open.reach({ to: v4('a'), port: 1098 }, false), 'silent');
      assert.equal(await vm.open.reach({ to: v4('a'), port: 1099 }), 'refused');
    },
  ));

test('a VM that comes is filtered before its first packet, and its address is nobody’s when it has gone', () =>
  withGuardedVms(
    [securityGroupRule(1, groupOf('a'), 'ingress', { remote_group_id: uuid(groupOf('a')) })],
    async ({ host, agent, vm }) => {
      await vm.a.listen(v4('a'), [80]);
      const NEW = 0xd8;
      const newcomer = (groups: number[]) =>
        port(NEW, NET, { '192.168.2.24': SUBNET }, { security_groups: groups.map(uuid) });
      await agent.feed(securityGroupRule(2, groupOf('b'), 'egress'), newcomer([groupOf('a'), groupOf('b')]));
      for (const round of [1, 2]) {
        await agent.addVm(NEW, `new${round}`, '192.168.2.24/24', '192.168.2.1');
        await agent.plugged(NEW);
        const probe = new VmProbe(host, `new${round}`);
        await host.ip([`addr add 192.168.2.99/24 dev eth0`], `new${round}`);
        assert.equal(await probe.reach({ to: v4('a'), port: 80 }), 'answered');
        assert.equal(await probe.reach({ to: v4('a'), port: 80, source: '192.168.2.99' }, false), 'silent');
        await agent.feed(newcomer([groupOf('b')]));
        assert.equal(await probe.reach({ to: v4('a'), port: 80 }, false), 'silent');
        await agent.feed(newcomer([groupOf('a'), groupOf('b')]));
        await host.run(['ip', 'link', 'del', `tap${uuid(NEW).slice(0, 11)}`]);
        await eventually(() => agent.status('port', uuid(NEW))?.status === 'DOWN');
      }
    },
  ));

test('when the kernel ceases to show bridged packets, that is mended; flows live on', () =>
  withGuardedVms(
    [securityGroupRule(1, groupOf('a'), 'ingress', tcp(22))],
    async ({ host, agent, vm }) => {
      await vm.a.listen(v4('a'), [22, 80]);
      assert.equal(await vm.open.open('flow', { to: v4('a'), port: 22 }), 'answered');
      const switches = ['iptables', 'ip6tables'].map((name) => `/proc/sys/net/bridge/bridge-nf-call-${name}`);
      for (const path of switches) await host.run(['sh', '-c', `echo 0 >${path}`]);
      assert.equal(await vm.open.talk('flow'), 'answered');
      await eventually(async () => (await host.run(['cat', ...switches])).trim() === '1\n1', {
        what: 'the switches set again',
      });
      assert.equal(await vm.open.talk('flow'), 'answered');
      assert.equal(await vm.open.reach({ to: v4('a'), port: 80 }, false), 'silent');
      assert.ok(agent.log.some(({ msg }) => msg === 'the kernel was not as it should be'));
      agent.log.length = 0;
    },
    1,
  ));

test('spoofed packets are kept out even while the kernel shows bridged packets to nobody', () =>
  withGuardedVms([securityGroupRule(1, groupOf('a'), 'egress')], async ({ host, pass }) => {
    await host.run(['sh', '-c', 'echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables']);
    const frame = (from: Vm) =>
      ipFrame({
        fromMac: mac('a'),
        from: v4(from),
        to: v4('open'),
        protocol: 17,
        sourcePort: 1,
        destinationPort: 2,
        token: from,
      });
    assert.deepEqual(await pass('a', 'open', [frame('a'), frame('b')]), ['a']);
  }));
