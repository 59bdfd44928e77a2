import type { FeedPut } from '@portward/model/feed.ts';
import {
  externalNetwork,
  floatingIp,
  forwarding,
  network,
  port,
  router,
  routerPort,
  subnet,
  uuid,
} from '../../packages/agent/src/testing/cloud.ts';

/** A router with forwardings of one protocol, and what is around it. */
export interface BenchRouter {
  /** Tells it from the other routers of its host; 1 to 9. */
  readonly number: number;
  readonly protocol: 'tcp' | 'udp';
  readonly forwardings: number;
}

/** What load.c takes for granted. */
const FIRST_PORT = 1024;
const PORTS_PER_ADDRESS = 1000;
const VM_PORT = 8080;
/** Where clients come from: not next door to the router, so that it has one neighbour whatever their number. */
export const CLIENTS = '198.18.128.0/17';
/** Addresses of VMs, behind one next hop for the same reason. */
export const VMS = '198.19.0.0/16';
export const CLIENT_ADDRESS = '10.0.0.1';
export const VM_ADDRESS = '192.168.0.2';
export const ROUTER_ADDRESS = '192.168.0.1';

const EXTERNAL = 1;
const EXTERNAL_SUBNET = 2;
/** Numbers of the objects of the router `number`. */
export const objects = (number: number) => {
  const first = number << 24;
  return {
    router: first,
    gateway: first + 1,
    interface: first + 2,
    network: first + 3,
    subnet: first + 4,
    vm: first + 5,
  };
};

export const gatewayAddress = (number: number): string => `10.${number}.0.1`;
export const firstFloatingAddress = (number: number): string => floatingAddress(number, 0);
const floatingAddress = (number: number, index: number): string => `10.${number}.1.${10 + index}`;

/** The VM and port that forwarding `index` leads to: an address each, as if every VM had one. */
const target = (index: number): string => `198.19.${(index + 256) >> 8}.${index & 255}`;

/** The rule of nftables that does what the first forwarding of a router does. */
export const staticRule = ({ number, protocol }: BenchRouter): string =>
  `ip daddr ${floatingAddress(number, 0)} ${protocol} dport ${FIRST_PORT} dnat to ${target(0)}:${VM_PORT}`;

/** The external network of all routers of a host. */
export const outside = (): FeedPut[] => [
  externalNetwork(EXTERNAL),
  subnet(EXTERNAL_SUBNET, EXTERNAL, '10.0.0.0/8', CLIENT_ADDRESS),
];

/** A router as the feed tells it: its network with one VM, which stands for all, and its forwardings. */
export function* inside({ number, protocol, forwardings }: BenchRouter): Generator<FeedPut> {
  const its = objects(number);
  yield network(its.network);
  yield subnet(its.subnet, its.network, '192.168.0.0/24', ROUTER_ADDRESS);
  yield router(its.router, {
    gateway_port_id: uuid(its.gateway),
    gateway_network_id: uuid(EXTERNAL),
    routes: [{ destination: VMS, nexthop: VM_ADDRESS }],
  });
  yield routerPort(its.gateway, EXTERNAL, { [gatewayAddress(number)]: EXTERNAL_SUBNET }, its.router, 'router_gateway');
  yield routerPort(its.interface, its.network, { [ROUTER_ADDRESS]: its.subnet }, its.router, 'router_interface');
  yield port(its.vm, its.network, { [VM_ADDRESS]: its.subnet }, { port_security_enabled: false });
  for (let index = 0; index < forwardings; index++) {
    const address = Math.floor(index / PORTS_PER_ADDRESS);
    const floating = its.router + 0x1000 + address;
    if (index % PORTS_PER_ADDRESS === 0) {
      yield floatingIp(floating, EXTERNAL, floatingAddress(number, address), its.router);
    }
    const external = FIRST_PORT + (index % PORTS_PER_ADDRESS);
    const internal = { address: target(index), port: VM_PORT };
    yield forwarding(its.router + 0x10000 + index, floating, external, its.vm, internal, protocol);
  }
}
