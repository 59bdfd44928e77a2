import {
  type BindingItem,
  type BridgeItem,
  type DeviceItem,
  OWNER,
  type RouteItem,
  type RuleItem,
} from '../layout/item.ts';
import type { Operation } from './operation.ts';

/** Lines for `ip -batch` that carry an operation on links, routes or rules out. */
export type LinkItem = BridgeItem | DeviceItem | BindingItem | RouteItem | RuleItem;

/** What `ip` says when something that shall go is gone already, or went with something else. */
export const ALREADY_GONE = /No such process|Cannot find device|No such file or directory|No such device/;

export function bridgeLines({ action, item }: Operation<BridgeItem>): string[] {
  if (action === 'remove') return [`link del dev ${item.name}`];
  return [
    // No spanning tree: a port forwards at once. No snooping: nobody here asks who listens to what.
    ...(action === 'add'
      ? [`link add name ${item.name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`]
      : []),
    `link set dev ${item.name} alias ${OWNER} mtu ${item.mtu} addrgenmode none up`,
  ];
}

/** Lines for the host's namespace. */
export function deviceLines({ action, item, before }: Operation<DeviceItem>): string[] {
  if (action === 'remove') return [`link del dev ${item.tap}`];
  // What is there but is no pair with this tap cannot be mended.
  const anew = action === 'add' || before?.tap !== item.tap;
  return [
    ...(anew
      ? [
          `link add name ${item.tap} mtu ${item.mtu} type veth ` +
            `peer name ${item.name} address ${item.mac} mtu ${item.mtu} netns ${item.namespace}`,
        ]
      : []),
    `link set dev ${item.tap} alias ${OWNER} mtu ${item.mtu} addrgenmode none`,
    `link set dev ${item.tap} master ${item.bridge}`,
    `link set dev ${item.tap} up`,
  ];
}

/** Lines for the device's own namespace. */
export function deviceEndLines({ action, item }: Operation<DeviceItem>): string[] {
  if (action === 'remove') return [];
  return [
    `link set dev ${item.name} address ${item.mac} mtu ${item.mtu} alias ${OWNER} group ${item.group}`,
    `link set dev ${item.name} up`,
  ];
}

export function bindingLines({ action, item }: Operation<BindingItem>): string[] {
  if (action === 'remove') return [`link set dev ${item.tap} nomaster`];
  return [
    `link set dev ${item.tap} mtu ${item.mtu} addrgenmode none`,
    `link set dev ${item.tap} master ${item.bridge}`,
    `link set dev ${item.tap} up`,
  ];
}

export function routeLines({ action, item }: Operation<RouteItem>): string[] {
  const destination = item.destination === 'default' && item.version === 6 ? '::/0' : item.destination;
  if (action === 'remove') return [`route del ${destination} table ${item.table}`];
  const via = item.via === null ? '' : ` via ${item.via}`;
  const device = item.device === null ? '' : ` dev ${item.device}`;
  return [`route replace ${destination}${via}${device} table ${item.table} proto static`];
}

export function ruleLines({ action, item }: Operation<RuleItem>): string[] {
  const gone = `rule del priority ${item.priority}`;
  if (action === 'remove') return [gone];
  const added = `rule add from ${item.from} table ${item.table} priority ${item.priority}`;
  return action === 'change' ? [gone, added] : [added];
}
