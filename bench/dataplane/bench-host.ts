import { Sandbox } from '@portward/cli/sandbox.ts';
import { gatewayDevice, internalDevice, routerNamespace, tapDevice } from '@portward/model/device-names.ts';
import { AgentHost } from '../../packages/agent/src/testing/agent-host.ts';
import { macOf, uuid } from '../../packages/agent/src/testing/cloud.ts';
import { TestHost } from '../../test/test-host.ts';
import { type Kind, Load, type Path, type Slice } from './load.ts';
import {
  type BenchRouter,
  CLIENT_ADDRESS,
  CLIENTS,
  firstFloatingAddress,
  gatewayAddress,
  inside,
  objects,
  outside,
  ROUTER_ADDRESS,
  staticRule,
  VM_ADDRESS,
  VMS,
} from './routers.ts';
import type { Variant } from './variants.ts';

/** A host of a variant: its routers as the agent made them, each between a client and a VM. */
export class BenchHost implements AsyncDisposable {
  readonly variant: Variant;
  /** Seconds that the agent took from its start until all was in the kernel. */
  readonly loading: number;
  readonly #host: TestHost;
  readonly #load: Load;

  private constructor(variant: Variant, loading: number, host: TestHost, load: Load) {
    this.variant = variant;
    this.loading = loading;
    this.#host = host;
    this.#load = load;
  }

  /** Builds one, with files in `directory`. Throws when the agent takes longer than `loadSeconds`. */
  static async build(variant: Variant, directory: string, program: string, loadSeconds: number): Promise<BenchHost> {
    const host = new TestHost(await Sandbox.start({ name: 'benchhost' }), directory);
    try {
      const { layout, misses, forwardings } = variant;
      const routers = PROTOCOLS.map((protocol, index) => ({ number: index + 1, protocol, forwardings }));
      await host.addBridge('br-ex');
      const agent = new AgentHost(host, {
        natBackend: layout === 'one rule' ? 'nftables' : layout,
        misses,
        checks: false,
        settleMs: loadSeconds * 1000,
      });
      const feed = [...outside(), ...routers.flatMap((router) => [...inside(router)])];
      const start = performance.now();
      const elapsed = (): number => (performance.now() - start) / 1000;
      await agent.start(feed).catch((error) => {
        if (elapsed() < loadSeconds) throw error;
        throw new Error(`the agent had not brought them into the kernel after ${loadSeconds} s`);
      });
      const loading = elapsed();
      // From here on it would only take processor time, and mend what is about to be taken apart.
      await agent.kill();
      if (agent.complaints().length > 0) throw new Error(`the agent complained:\n${agent.complaints().join('\n')}`);
      const paths: Path[] = [];
      for (const router of routers) paths.push(await rewire(host, router));
      if (layout === 'one rule') for (const router of routers) await leaveOneRule(host, router);
      return new BenchHost(variant, loading, host, await Load.start(host, program, paths));
    } catch (error) {
      await host.sandbox.stop();
      throw error;
    }
  }

  /** Misses are sent to the router that forwards TCP. */
  slice(kind: Kind, ms: number): Promise<Slice> {
    return this.#load.slice(kind, kind === 'udp' ? 'udp' : 'tcp', ms);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#host.sandbox.stop();
  }
}

const PROTOCOLS = ['tcp', 'udp'] as const;

/**
 * Puts a client and a VM straight at the two ends of a router's devices, in place of the bridges. What load then
 * crosses is the router's namespace as the agent made it, and nothing that is the same for all variants hides it.
 */
async function rewire(host: TestHost, { number, protocol, forwardings }: BenchRouter): Promise<Path> {
  const its = objects(number);
  const [client, vm] = [`client-${number}`, `vm-${number}`];
  const router = routerNamespace(uuid(its.router));
  const [outer, inner] = [gatewayDevice(uuid(its.gateway)), internalDevice(uuid(its.interface))];
  const [clientMac, vmMac] = [`02:00:00:00:01:0${number}`, `02:00:00:00:02:0${number}`];
  const routerMac = macOf(its.gateway);
  await host.ip([
    `netns add ${client}`,
    `netns add ${vm}`,
    `link set ${tapDevice(uuid(its.gateway))} netns ${client} name eth0 address ${clientMac}`,
    `link set ${tapDevice(uuid(its.interface))} netns ${vm} name eth0 address ${vmMac}`,
  ]);
  // Neighbours are known beforehand: nobody asks for addresses while it is measured.
  const neighbour = (address: string, mac: string, device: string): string =>
    `neigh replace ${address} lladdr ${mac} dev ${device} nud permanent`;
  const ends = [
    [client, `${CLIENT_ADDRESS}/8`, gatewayAddress(number), routerMac, `10.${number}.0.0/16`, CLIENTS],
    [vm, `${VM_ADDRESS}/24`, ROUTER_ADDRESS, macOf(its.interface), 'default', VMS],
  ] as const;
  for (const [namespace, address, next, mac, destination, own] of ends) {
    await host.ip(
      [
        'link set lo up',
        'link set eth0 up',
        `addr add ${address} dev eth0`,
        neighbour(next, mac, 'eth0'),
        `route add ${destination} via ${next}`,
        `route add local ${own} dev lo`,
      ],
      namespace,
    );
    await host.run(['sysctl', '-qw', ...SETTINGS], { namespace });
  }
  await host.ip([neighbour(CLIENT_ADDRESS, clientMac, outer), neighbour(VM_ADDRESS, vmMac, inner)], router);
  const firstAddress = firstFloatingAddress(number);
  return { label: protocol, client, router, vm, clientMac, routerMac, firstAddress, forwardings };
}

/** Settings of clients and VMs. */
const SETTINGS = [
  'net.ipv4.conf.all.rp_filter=0',
  'net.ipv4.conf.eth0.rp_filter=0',
  'net.ipv4.tcp_syncookies=0',
  'net.ipv4.ip_local_port_range=1024 65535',
];

/** Takes out all rules of a router, and puts in one. */
async function leaveOneRule(host: TestHost, router: BenchRouter): Promise<void> {
  const chain = 'type nat hook prerouting priority dstnat;';
  const input = `flush ruleset\ntable ip one {\n chain prerouting {\n ${chain}\n ${staticRule(router)}\n }\n}\n`;
  await host.run(['nft', '-f', '-'], { namespace: routerNamespace(uuid(objects(router.number).router)), input });
}
