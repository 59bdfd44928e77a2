import { createHash } from 'node:crypto';
import { formatCidr, formatIp, parseCidr } from '@portward/model/ip-address.ts';
import {
  type AddressItem,
  type BindingItem,
  type BridgeItem,
  type DeviceItem,
  HOST,
  type IptablesChainItem,
  type IptablesRuleItem,
  type NamespaceItem,
  type NftChainItem,
  type NftElementItem,
  type NftFamily,
  type NftHook,
  type NftSetItem,
  OWNER,
  type RouteItem,
  type RuleItem,
  type ServiceItem,
  type SysctlItem,
} from './item.ts';

/** Constructors of items: they give each its key. */

export const namespaceItem = (namespace: string): NamespaceItem => ({
  type: 'namespace',
  key: `namespace|${namespace}`,
  namespace,
});

export const sysctl = (namespace: string, name: string, value: string | number, optional = false): SysctlItem => ({
  type: 'sysctl',
  key: `sysctl|${namespace}|${name}`,
  namespace,
  name,
  value: String(value),
  optional,
});

export const bridge = (name: string, mtu: number): BridgeItem => ({
  type: 'bridge',
  key: `bridge|${name}`,
  namespace: HOST,
  name,
  mtu,
});

export const device = ({
  group = 0,
  ...fields
}: Omit<DeviceItem, 'type' | 'key' | 'group'> & { group?: number }): DeviceItem => ({
  type: 'device',
  key: `device|${fields.namespace}|${fields.name}`,
  ...fields,
  group,
});

export const address = (
  namespace: string,
  deviceName: string,
  addressAndPrefix: string,
  announce = false,
): AddressItem => ({
  type: 'address',
  key: `address|${namespace}|${deviceName}|${addressAndPrefix}`,
  namespace,
  device: deviceName,
  address: addressAndPrefix,
  announce,
});

export const MAIN_TABLE = 254;

export function route(fields: Omit<RouteItem, 'type' | 'key'>): RouteItem {
  const destination = asListed(fields.destination);
  return {
    type: 'route',
    key: `route|${fields.namespace}|${fields.version}|${fields.table}|${destination}`,
    ...fields,
    destination,
  };
}

/** A destination as the kernel's tools list it: everything is `default`, a single address has no length. */
function asListed(destination: string): string {
  const cidr = parseCidr(destination);
  if (cidr === undefined) return destination;
  if (cidr.prefix === 0) return 'default';
  return cidr.first === cidr.last ? formatIp(cidr.first, cidr.version) : formatCidr(cidr);
}

export const rule = (namespace: string, priority: number, from: string, table: number): RuleItem => ({
  type: 'rule',
  key: `rule|${namespace}|${priority}`,
  namespace,
  priority,
  from,
  table,
});

export const nftSet = (
  namespace: string,
  family: NftFamily,
  name: string,
  declaration: string,
  map = false,
): NftSetItem => ({
  type: 'nft-set',
  key: `nft-set|${namespace}|${family}|${name}`,
  namespace,
  family,
  name,
  declaration,
  map,
});

/** Comment of a rule in the kernel: it tells that the rule is ours, and which text it was made from. */
export const ruleMark = (text: string): string =>
  `${OWNER}:${createHash('sha256').update(text).digest('hex').slice(0, 10)}`;

export const nftChain = (
  namespace: string,
  family: NftFamily,
  name: string,
  rules: readonly string[],
  hook: NftHook | null = null,
): NftChainItem => ({
  type: 'nft-chain',
  key: `nft-chain|${namespace}|${family}|${name}`,
  namespace,
  family,
  name,
  hook,
  rules,
  marks: rules.map(ruleMark),
});

export const nftElement = (
  namespace: string,
  family: NftFamily,
  set: string,
  element: string,
  data: string | null = null,
): NftElementItem => ({
  type: 'nft-element',
  key: `nft-element|${namespace}|${family}|${set}|${element}`,
  namespace,
  family,
  set,
  element,
  data,
});

export const iptablesChain = (namespace: string, table: string, chain: string): IptablesChainItem => ({
  type: 'iptables-chain',
  key: `iptables-chain|${namespace}|${table}|${chain}`,
  namespace,
  table,
  chain,
});

export const iptablesRule = (
  namespace: string,
  table: string,
  chain: string,
  text: string,
  rank = 0,
): IptablesRuleItem => ({
  type: 'iptables-rule',
  key: `iptables-rule|${namespace}|${table}|${chain}|${text}`,
  namespace,
  table,
  chain,
  rule: text,
  rank,
});

export const binding = (tap: string, bridgeName: string, mtu: number): BindingItem => ({
  type: 'binding',
  key: `binding|${tap}`,
  namespace: HOST,
  tap,
  bridge: bridgeName,
  mtu,
});

export const service = (
  kind: ServiceItem['service'],
  id: string,
  namespace: string,
  digest: string,
  settings: unknown,
): ServiceItem => ({ type: 'service', key: `service|${kind}|${id}`, namespace, service: kind, id, digest, settings });
