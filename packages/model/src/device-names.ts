/**
 * Names of namespaces and devices, as Neutron's agents give them, so that operators' habits and scripts hold.
 * A device name has 14 characters: a prefix and the first 11 of the port's id.
 */
const ID_CHARACTERS = 11;
const device = (prefix: string, id: string): string => `${prefix}${id.slice(0, ID_CHARACTERS)}`;

export const routerNamespace = (routerId: string): string => `qrouter-${routerId}`;
/** Where a distributed router translates addresses. */
export const snatNamespace = (routerId: string): string => `snat-${routerId}`;
export const dhcpNamespace = (networkId: string): string => `qdhcp-${networkId}`;
/** A namespace that plays a VM (demo and tests). */
export const machineNamespace = (serverId: string): string => `machine-${serverId}`;

/** Where a router has its gateway, floating IPs and forwardings. */
export const gatewayNamespace = (router: { id: string; distributed: boolean }): string =>
  router.distributed ? snatNamespace(router.id) : routerNamespace(router.id);

export const internalDevice = (portId: string): string => device('qr-', portId);
export const gatewayDevice = (portId: string): string => device('qg-', portId);
export const snatDevice = (portId: string): string => device('sg-', portId);
export const dhcpDevice = (portId: string): string => device('ns-', portId);
/** The host's end of any port: what hypervisors create for a VM, and the other end of a router's or DHCP's device. */
export const tapDevice = (portId: string): string => device('tap', portId);
/** The bridge of a network that is not on a bridge of the operator's. */
export const bridgeDevice = (networkId: string): string => device('brq', networkId);
