import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressGroup, network, port, securityGroup, securityGroupRule, subnet, uuid } from '../testing/cloud.ts';
import { kindsOf, matching, RULES, type RuleParts } from '../testing/rules-and-packets.ts';
import { worldOf } from '../testing/world.ts';
import { Admission, type FirstPacket } from './admission.ts';

const [GROUP, OTHER, ADDRESSES, VM, MEMBER] = [0xc0, 0xc1, 0xad, 0xd1, 0xd2];

function admissionOf(rule: RuleParts, direction: 'ingress' | 'egress' = 'ingress') {
  const vm = port(VM, 0xa0, { '10.0.0.1': 0xa1 }, { security_groups: [uuid(GROUP)] });
  const world = worldOf(
    [
      network(0xa0),
      subnet(0xa1, 0xa0, '10.0.0.0/24', null),
      securityGroup(GROUP),
      securityGroup(OTHER),
      vm,
      port(
        MEMBER,
        0xa0,
        { '10.0.0.2': 0xa1, 'fd00::2': 0xa1 },
        {
          security_groups: [uuid(OTHER)],
          allowed_address_pairs: [
            { ip_address: '10.9.0.0/16', mac_address: 'fa:16:3e:00:00:d2' },
            { ip_address: 'FD09::/64', mac_address: 'fa:16:3e:00:00:d2' },
          ],
        },
      ),
      addressGroup(ADDRESSES, '10.8.0.0/16', '192.0.2.1/32', 'fd08::/32'),
      securityGroupRule(1, GROUP, direction, rule),
    ],
    [VM],
  );
  const admission = new Admission(world);
  const subject = world.replica.get('port', uuid(VM));
  assert.ok(subject);
  return (packet: FirstPacket, way: 'ingress' | 'egress' = direction) => admission.admits(subject, way, packet);
}

const packet = (parts: Partial<FirstPacket>): FirstPacket => ({
  version: 4,
  protocol: 6,
  peer: '10.0.0.9',
  sourcePort: 1024,
  destinationPort: 0,
  type: 0,
  code: 0,
  ...parts,
});

test('it says of each packet what the kernel says', () => {
  for (const direction of ['ingress', 'egress'] as const) {
    for (const [what, rule, ofV4, ofV6] of RULES) {
      const admits = admissionOf(rule, direction);
      for (const [version, pattern, peer] of [
        [4, ofV4, '10.0.0.9'],
        [6, ofV6, 'fd00::9'],
      ] as const) {
        const admitted = Object.entries(kindsOf(version))
          .filter(([, kind]) => admits(packet({ version, peer, ...kind })))
          .map(([name]) => name);
        assert.deepEqual(admitted.sort(), matching(version, pattern), `${direction}: ${what}`);
      }
      const back = direction === 'ingress' ? 'egress' : 'ingress';
      assert.equal(admits(packet({ destinationPort: 80 }), back), false, 'the other direction');
    }
  }
});

const PEERS: [rule: RuleParts, admitted: string[], refused: string[]][] = [
  [{}, ['10.0.0.9', '192.0.2.1'], ['fd00::9']],
  [{ remote_ip_prefix: '10.0.0.7/24' }, ['10.0.0.9'], ['10.0.1.9', 'fd00::9']],
  [{ remote_ip_prefix: '0.0.0.0/0' }, ['10.0.0.9'], ['fd00::9']],
  [{ remote_ip_prefix: 'fd00::/64', ethertype: 'IPv6' }, ['fd00::9'], ['fd01::9', '10.0.0.9']],
  [{ remote_ip_prefix: 'fd00::/64' }, [], ['fd00::9', '10.0.0.9']],
  [{ remote_group_id: uuid(OTHER) }, ['10.0.0.2', '10.9.7.7'], ['10.0.0.1', '10.10.0.1', 'fd00::2']],
  [{ remote_group_id: uuid(OTHER), ethertype: 'IPv6' }, ['fd00::2', 'fd09::7:7'], ['10.0.0.2', 'fd09:0:0:1::1']],
  [{ remote_group_id: uuid(0xc9) }, [], ['10.0.0.2']],
  [{ remote_address_group_id: uuid(ADDRESSES) }, ['10.8.1.1', '192.0.2.1'], ['192.0.2.2', 'fd08::1']],
  [{ remote_address_group_id: uuid(ADDRESSES), ethertype: 'IPv6' }, ['fd08:0:1::1'], ['10.8.1.1']],
  [{ remote_address_group_id: uuid(0xae) }, [], ['10.8.1.1']],
  [{ protocol: 'unheard-of' }, [], ['10.0.0.9']],
  [{ protocol: '256' }, [], ['10.0.0.9']],
];

test('peers are looked up as the kernel’s sets have them', () => {
  for (const [rule, admitted, refused] of PEERS) {
    const admits = admissionOf(rule);
    const reach = (peer: string) => admits(packet({ peer, version: peer.includes(':') ? 6 : 4 }));
    assert.deepEqual([...admitted, ...refused].filter(reach), admitted, JSON.stringify(rule));
  }
});

test('what every port may has no need of rules', () => {
  const admits = admissionOf({ protocol: 'tcp' });
  const dhcp = { protocol: 17, sourcePort: 68, destinationPort: 67 };
  const answer = { protocol: 17, sourcePort: 547, destinationPort: 546, version: 6, peer: 'fe80::1' } as const;
  assert.deepEqual(
    [
      admits(packet(dhcp), 'egress'),
      admits(packet(dhcp), 'ingress'),
      admits(packet(answer), 'ingress'),
      admits(packet(answer), 'egress'),
    ],
    [true, false, true, false],
  );
});
