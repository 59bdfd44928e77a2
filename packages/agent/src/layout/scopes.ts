import type { FeedKind, FeedObjects } from '@portward/model/feed.ts';
import type { Change } from '../replica.ts';
import { dhcpItems } from './dhcp-items.ts';
import { firewallItems } from './firewall.ts';
import { floatingIpItems, forwardingItems } from './floating-ip.ts';
import type { Item } from './item.ts';
import { machineItems } from './machine-items.ts';
import { networkItems } from './network.ts';
import { portItems } from './port.ts';
import { routerItems } from './router.ts';
import { advertisementItems } from './router-advertisement.ts';
import { addressGroupItems, groupMemberItems, securityGroupItems } from './security-group.ts';
import { isDhcp, isGateway, isInterface, isSnat, type World } from './world.ts';

/**
 * The desired state is made in pieces, each by one pure function of the world: `network:<id>` its bridge, `port:<id>`
 * the filter of a VM's port, and so on. A change of an object makes only the scopes that look at it anew.
 */
const SCOPES = {
  host: firewallItems as (world: World, id: string) => Item[],
  network: networkItems,
  dhcp: dhcpItems,
  router: routerItems,
  advertisement: advertisementItems,
  floatingip: floatingIpItems,
  port_forwarding: forwardingItems,
  security_group: securityGroupItems,
  group_members: groupMemberItems,
  address_group: addressGroupItems,
  port: portItems,
  server: machineItems,
} as const;

export type ScopeKind = keyof typeof SCOPES;
export type Scope = `${ScopeKind}:${string}`;

export const HOST_SCOPE: Scope = 'host:';

/** Takes a scope's name apart. */
export function parseScope(scope: Scope): { kind: ScopeKind; id: string } {
  const colon = scope.indexOf(':');
  return { kind: scope.slice(0, colon) as ScopeKind, id: scope.slice(colon + 1) };
}

/** The scope whose namespace it is, by its name; undefined for a name that is none of the agent's. */
export function scopeOfNamespace(namespace: string): Scope | undefined {
  const [, kind, id] = /^(qrouter|snat|qdhcp)-(.+)$/.exec(namespace) ?? [];
  if (id === undefined) return undefined;
  return kind === 'qdhcp' ? `dhcp:${id}` : `router:${id}`;
}

/** The desired items of one scope; none when its object is gone or not for this host. */
export function itemsOf(world: World, scope: Scope): Item[] {
  const { kind, id } = parseScope(scope);
  return SCOPES[kind](world, id);
}

/** All scopes that may have items: what a full recompute runs through. */
export function* allScopes(world: World): Generator<Scope> {
  yield HOST_SCOPE;
  const { replica } = world;
  for (const { id } of replica.all('network')) {
    yield `network:${id}`;
    yield `dhcp:${id}`;
  }
  for (const { id } of replica.all('router')) {
    yield `router:${id}`;
    yield `advertisement:${id}`;
  }
  for (const { id } of replica.all('floatingip')) yield `floatingip:${id}`;
  for (const { id } of replica.all('port_forwarding')) yield `port_forwarding:${id}`;
  for (const { id } of replica.all('security_group')) {
    yield `security_group:${id}`;
    yield `group_members:${id}`;
  }
  for (const { id } of replica.all('address_group')) yield `address_group:${id}`;
  // A rule may name a group that is gone: its set of members has to be there all the same.
  for (const rule of replica.all('security_group_rule')) yield* peerScopes(rule);
  for (const { id } of replica.all('port')) yield `port:${id}`;
  for (const { id } of replica.all('server')) yield `server:${id}`;
}

/** Scopes whose items may differ because of a change, with the replica already changed. */
export function scopesTouchedBy(world: World, change: Change): Set<Scope> {
  const touched = new Set<Scope>();
  TOUCHED[change.kind](world, change as never, touched);
  return touched;
}

/** Scopes that look at whether a device made by someone else is there. */
export function scopesTouchedByTap(world: World, tap: string): Set<Scope> {
  const touched = new Set<Scope>();
  for (const port of world.replica.portsByTap.of(tap)) portTouches(world, port, touched);
  return touched;
}

type PortOf = Extract<Change, { kind: 'port' }>['after'] & object;

function portTouches(world: World, port: PortOf, touched: Set<Scope>): void {
  touched.add(`port:${port.id}`).add(`network:${port.network_id}`).add(`dhcp:${port.network_id}`);
  if (isInterface(port) || isSnat(port)) interfaceTouches(port, touched);
  else if (isGateway(port)) routerTouches(world, port.device_id, touched);
  else if (port.device_id !== '') touched.add(`server:${port.device_id}`);
  for (const groupId of port.security_groups) groupTouches(world, groupId, touched);
}

function interfaceTouches(port: PortOf, touched: Set<Scope>): void {
  touched.add(`router:${port.device_id}`).add(`advertisement:${port.device_id}`);
}

/** A group came into use, went out of use, or has other members. */
function groupTouches(world: World, groupId: string, touched: Set<Scope>): void {
  touched.add(`security_group:${groupId}`).add(`group_members:${groupId}`);
  for (const rule of world.replica.rulesByGroup.of(groupId)) {
    for (const scope of peerScopes(rule)) touched.add(scope);
  }
}

/** The sets of addresses that a rule looks into. */
function peerScopes(rule: FeedObjects['security_group_rule']): Scope[] {
  if (rule.remote_group_id !== null) return [`group_members:${rule.remote_group_id}`];
  return rule.remote_address_group_id === null ? [] : [`address_group:${rule.remote_address_group_id}`];
}

function routerTouches(world: World, routerId: string, touched: Set<Scope>): void {
  touched.add(`router:${routerId}`).add(`advertisement:${routerId}`);
  for (const port of world.replica.portsByDevice.of(routerId)) touched.add(`network:${port.network_id}`);
  for (const floatingIp of world.replica.floatingIpsByRouter.of(routerId)) {
    floatingIpTouches(world, floatingIp.id, touched);
  }
}

function floatingIpTouches(world: World, id: string, touched: Set<Scope>): void {
  touched.add(`floatingip:${id}`);
  for (const forwarding of world.replica.forwardingsByFloatingIp.of(id))
    touched.add(`port_forwarding:${forwarding.id}`);
}

function networkPortsTouch(world: World, networkId: string, touched: Set<Scope>): void {
  touched.add(`network:${networkId}`).add(`dhcp:${networkId}`);
  for (const port of world.replica.portsByNetwork.of(networkId)) {
    if (isInterface(port) || isSnat(port)) interfaceTouches(port, touched);
    else if (isGateway(port)) routerTouches(world, port.device_id, touched);
    else if (!isDhcp(port)) {
      touched.add(`port:${port.id}`);
      if (port.device_id !== '') touched.add(`server:${port.device_id}`);
    }
  }
}

const both = <T>(change: { before: T | undefined; after: T | undefined }): T[] =>
  [change.before, change.after].filter((object) => object !== undefined) as T[];

type Touching = {
  [K in FeedKind]: (world: World, change: Extract<Change, { kind: K }>, touched: Set<Scope>) => void;
};

const TOUCHED: Touching = {
  network: (world, change, touched) => networkPortsTouch(world, change.id, touched),
  subnet: (world, change, touched) => {
    for (const subnet of both(change)) networkPortsTouch(world, subnet.network_id, touched);
  },
  port: (world, change, touched) => {
    for (const port of both(change)) portTouches(world, port, touched);
  },
  router: (world, change, touched) => {
    routerTouches(world, change.id, touched);
    const { before, after } = change;
    // Floating IPs and forwardings look at the router only for where they are: a new name moves none of 60,000.
    if (
      before &&
      after &&
      before.agent_host === after.agent_host &&
      before.admin_state_up === after.admin_state_up &&
      before.distributed === after.distributed &&
      before.gateway_port_id === after.gateway_port_id
    ) {
      for (const scope of touched) {
        if (scope.startsWith('floatingip:') || scope.startsWith('port_forwarding:')) touched.delete(scope);
      }
    }
  },
  floatingip: (world, change, touched) => floatingIpTouches(world, change.id, touched),
  port_forwarding: (_world, change, touched) => {
    touched.add(`port_forwarding:${change.id}`);
    for (const forwarding of both(change)) touched.add(`floatingip:${forwarding.floatingip_id}`);
  },
  address_group: (_world, change, touched) => {
    touched.add(`address_group:${change.id}`);
  },
  security_group: (world, change, touched) => {
    groupTouches(world, change.id, touched);
    for (const port of world.replica.portsByGroup.of(change.id)) touched.add(`port:${port.id}`);
  },
  security_group_rule: (_world, change, touched) => {
    for (const rule of both(change)) {
      touched.add(`security_group:${rule.security_group_id}`);
      for (const scope of peerScopes(rule)) touched.add(scope);
    }
  },
  server: (_world, change, touched) => {
    touched.add(`server:${change.id}`);
  },
};
