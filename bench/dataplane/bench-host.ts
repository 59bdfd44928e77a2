import { gatewayDevice, internalDevice, routerNamespace, tapDevice } from '@portward/model/device-names.ts';
import type { Misses, NatBackend } from '@portward/model/feed.ts';
import { AgentHost } from '../../packages/agent/src/testing/agent-host.ts';
import { macOf, uuid } from '../../packages/agent/src/testing/cloud.ts';
import type { TestHost } from '../../test/test-host.ts';
import type { Path } from './load.ts';
import {
  type BenchRouter,
  CLIENT_ADDRESS,
  CLIENTS,
  firstFloatingAddress,
  gatewayAddress,
  inside,
  objects,
  outside,
  VM_ADDRESS,
  VMS,
} from './routers.ts';

/**
 * Has the agent build routers, ends it, and puts a client and a VM at the two ends of each router's devices in place of
 * the bridges: what is left is the router's namespace as the agent made it, and what load takes is its own.
 */
export async function buildRouters(
  host: TestHost,
  natBackend: NatBackend,
  misses: Misses,
  routers: readonly BenchRouter[],
): Promise<Path[]> {
  await host.addBridge('br-ex');
  const agent = new AgentHost(host, { natBackend, misses, checks: false, settleMs: 300_000 });
  await agent.start([...outside(), ...routers.flatMap((router) => [...inside(router)])]);
  await agent.kill();
  const paths: Path[] = [];
  for (const router of routers) paths.push(await rewire(host, router));
  return paths;
}

async function rewire(host: TestHost, { label, number, forwardings }: BenchRouter): Promise<Path> {
  const its = objects(number);
  const [client, vm] = [`client-${number}`, `vm-${number}`];
  const router = routerNamespace(uuid(its.router));
  const [outer, inner] = [gatewayDevice(uuid(its.gateway)), internalDevice(uuid(its.interface))];
  const [clientMac, vmMac] = [`02:00:00:00:01:${hex(number)}`, `02:00:00:00:02:${hex(number)}`];
  const [outerMac, innerMac] = [macOf(its.gateway), macOf(its.interface)];
  await host.ip([
    `netns add ${client}`,
    `netns add ${vm}`,
    `link set ${tapDevice(uuid(its.gateway))} netns ${client} name eth0 address ${clientMac}`,
    `link set ${tapDevice(uuid(its.interface))} netns ${vm} name eth0 address ${vmMac}`,
  ]);
  await host.ip(
    [
      'link set lo up',
      'link set eth0 up',
      `addr add ${CLIENT_ADDRESS}/8 dev eth0`,
      `neigh replace ${gatewayAddress(number)} lladdr ${outerMac} dev eth0 nud permanent`,
      `route add 10.${number}.0.0/16 via ${gatewayAddress(number)}`,
      `route add local ${CLIENTS} dev lo`,
    ],
    client,
  );
  await host.ip(
    [
      'link set lo up',
      'link set eth0 up',
      `addr add ${VM_ADDRESS}/24 dev eth0`,
      `neigh replace 192.168.0.1 lladdr ${innerMac} dev eth0 nud permanent`,
      'route add default via 192.168.0.1',
      `route add local ${VMS} dev lo`,
    ],
    vm,
  );
  await host.ip(
    [
      `neigh replace ${CLIENT_ADDRESS} lladdr ${clientMac} dev ${outer} nud permanent`,
      `neigh replace ${VM_ADDRESS} lladdr ${vmMac} dev ${inner} nud permanent`,
    ],
    router,
  );
  const settings = ['net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.eth0.rp_filter=0', 'net.ipv4.tcp_syncookies=0'];
  for (const namespace of [client, vm]) {
    await host.run(['sysctl', '-qw', ...settings, 'net.ipv4.ip_local_port_range=1024 65535'], { namespace });
  }
  return {
    label,
    client,
    router,
    vm,
    clientMac,
    routerMac: outerMac,
    firstAddress: firstFloatingAddress(number),
    forwardings,
  };
}

const hex = (number: number): string => number.toString(16).padStart(2, '0');
