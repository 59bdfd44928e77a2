import assert from 'node:assert/strict';
import type { FeedObjects, FeedPut } from '@portward/model/feed.ts';
import { eventually, type TestHost, withHost } from '../../../../test/test-host.ts';
import { AgentHost } from './agent-host.ts';
import { macOf, network, port, securityGroup, subnet, uuid } from './cloud.ts';
import { arpFrame } from './frame.ts';
import { VmProbe } from './vm-probe.ts';

export const NET = 0xa0;
export const SUBNET = 0xa1;
export const SUBNET6 = 0xa6;

/** VMs of the tests of security groups: `a` to `c` are guarded, `open` is not. */
export const VMS = { a: 0xd1, b: 0xd2, c: 0xd3, open: 0xd4 } as const;
export type Vm = keyof typeof VMS;
const NAMES = Object.keys(VMS) as Vm[];

/** A group for each VM, with the same number + 0x1000. */
export const groupOf = (vm: Vm): number => VMS[vm] + 0x1000;

export const v4 = (vm: Vm): string => `192.168.2.${VMS[vm] - 0xc0}`;
export const v6 = (vm: Vm): string => `fd00::${(VMS[vm] - 0xc0).toString(16)}`;
export const mac = (vm: Vm): string => macOf(VMS[vm]);

/** The port of a VM, in its own group unless told otherwise. */
export const vmPort = (vm: Vm, more: Partial<FeedObjects['port']> = {}): FeedPut =>
  port(
    VMS[vm],
    NET,
    { [v4(vm)]: SUBNET, [v6(vm)]: SUBNET6 },
    vm === 'open' ? { port_security_enabled: false, ...more } : { security_groups: [uuid(groupOf(vm))], ...more },
  );

export interface GuardedVms {
  host: TestHost;
  agent: AgentHost;
  vm: Record<Vm, VmProbe>;
  /** The cloud that the agent was started with. */
  cloud: FeedPut[];
  /**
   * Sends frames, which must be told apart by token, and gives the tokens of those that arrive. The last frame, an ARP
   * request unless given, is one that passes: when it is there, so is all that has passed before.
   */
  pass(from: Vm, to: Vm, frames: readonly Buffer[], last?: (token: string) => Buffer): Promise<string[]>;
}

/** A network of IPv4 and IPv6 with the VMs on it. `more` is in the cloud from the start: rules of the groups. */
export async function withGuardedVms(
  more: readonly FeedPut[],
  use: (vms: GuardedVms) => Promise<void>,
  auditSeconds = 60,
): Promise<void> {
  await withHost(async (host) => {
    const agent = new AgentHost(host, { bridgeMappings: [], auditSeconds });
    const cloud = [
      network(NET),
      subnet(SUBNET, NET, '192.168.2.0/24', null),
      subnet(SUBNET6, NET, 'fd00::/64', null),
      ...NAMES.map((vm) => securityGroup(groupOf(vm))),
      ...NAMES.map((vm) => vmPort(vm)),
      ...more,
    ];
    for (const vm of NAMES) {
      await agent.addVm(VMS[vm], vm, `${v4(vm)}/24`, '192.168.2.1');
      await host.ip([`addr add ${v6(vm)}/64 dev eth0 nodad`], vm);
    }
    await agent.start(cloud);
    const vm = Object.fromEntries(NAMES.map((name) => [name, new VmProbe(host, name)])) as Record<Vm, VmProbe>;
    // They listen when they do what they are asked for, and a bridge forwards when it has noticed that its port is up.
    await Promise.all([
      ...NAMES.map((name) => vm[name].send([])),
      eventually(async () => (await host.run(['bridge', 'link'])).match(/state forwarding/g)?.length === NAMES.length, {
        what: 'all VMs on the bridge',
      }),
    ]);
    let round = 0;
    const pass: GuardedVms['pass'] = async (from, to, frames, lastFrame) => {
      const token = `last ${++round}`;
      const request = { fromMac: mac(from), from: v4(from), to: v4(to), token };
      await vm[from].send([...frames, lastFrame?.(token) ?? arpFrame(request)]);
      return (await vm[to].arrived(token)).filter((name) => name !== token);
    };
    await use({ host, agent, vm, cloud, pass });
    assert.deepEqual(agent.complaints(), []);
  });
}
