/** The agent's own network namespace, where bridges and taps are. */
export const HOST = '';

/** Families of nftables tables that the agent has. */
export type NftFamily = 'ip' | 'inet' | 'bridge';

/** Name of all the agent's nftables tables, and alias of its links. */
export const OWNER = 'portward';

/** A named network namespace. */
export interface NamespaceItem {
  readonly type: 'namespace';
  readonly key: string;
  readonly namespace: string;
}

/** A kernel parameter. `optional`: of a module that need not be there. */
export interface SysctlItem {
  readonly type: 'sysctl';
  readonly key: string;
  readonly namespace: string;
  /** Path below /proc/sys: `net/ipv4/ip_forward`. */
  readonly name: string;
  readonly value: string;
  readonly optional: boolean;
}

/** A bridge of the agent's own in the host's namespace. */
export interface BridgeItem {
  readonly type: 'bridge';
  readonly key: string;
  readonly namespace: typeof HOST;
  readonly name: string;
  readonly mtu: number;
}

/** A veth pair: one end in a namespace, the other on a bridge of the host. */
export interface DeviceItem {
  readonly type: 'device';
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly tap: string;
  readonly bridge: string;
  /** Device group by which rules may know it; 0 is everyone's. */
  readonly group: number;
}

/** An address of a device, with prefix length. `announce`: tell the neighbours when it is new. */
export interface AddressItem {
  readonly type: 'address';
  readonly key: string;
  readonly namespace: string;
  readonly device: string;
  readonly address: string;
  readonly announce: boolean;
}

/** A route; `via` or `device` may be absent, not both. */
export interface RouteItem {
  readonly type: 'route';
  readonly key: string;
  readonly namespace: string;
  readonly version: 4 | 6;
  /** Number of the table; 254 is the main one. */
  readonly table: number;
  /** CIDR, or `default`. */
  readonly destination: string;
  readonly via: string | null;
  readonly device: string | null;
}

/** A policy routing rule, one per priority. */
export interface RuleItem {
  readonly type: 'rule';
  readonly key: string;
  readonly namespace: string;
  readonly priority: number;
  readonly from: string;
  readonly table: number;
}

/** A set, or, with `dataType`, a map. `typeof` types are written as nft writes them in a declaration. */
export interface NftSetItem {
  readonly type: 'nft-set';
  readonly key: string;
  readonly namespace: string;
  readonly family: NftFamily;
  readonly name: string;
  /** Declaration inside the braces: `type ipv4_addr : verdict;`. */
  readonly declaration: string;
  readonly map: boolean;
}

/** A chain with all its rules; with `hook`, a base chain. `marks` alone is known of a chain that is read back. */
export interface NftChainItem {
  readonly type: 'nft-chain';
  readonly key: string;
  readonly namespace: string;
  readonly family: NftFamily;
  readonly name: string;
  readonly hook: NftHook | null;
  readonly rules: readonly string[];
  /** Mark of each rule, which it carries in the kernel as its comment. */
  readonly marks: readonly string[];
}

export interface NftHook {
  readonly type: 'filter' | 'nat';
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  readonly priority: number;
}

/** One element of a set (`data` null) or map. */
export interface NftElementItem {
  readonly type: 'nft-element';
  readonly key: string;
  readonly namespace: string;
  readonly family: NftFamily;
  readonly set: string;
  /** Parts joined by ` . `, in the form in which the kernel's list is read back: `10.0.0.1 . tcp . 22`. */
  readonly element: string;
  readonly data: string | null;
}

/** A chain of iptables that is not built in. */
export interface IptablesChainItem {
  readonly type: 'iptables-chain';
  readonly key: string;
  readonly namespace: string;
  readonly table: string;
  readonly chain: string;
}

/** A rule of iptables, written as iptables-save prints it, without `-A chain`. */
export interface IptablesRuleItem {
  readonly type: 'iptables-rule';
  readonly key: string;
  readonly namespace: string;
  readonly table: string;
  readonly chain: string;
  readonly rule: string;
  /** Place among the chain's rules: lower comes first; equals stand in any order. Read back, it is the place itself. */
  readonly rank: number;
}

/** A device that someone else made, plugged into a bridge. */
export interface BindingItem {
  readonly type: 'binding';
  readonly key: string;
  readonly namespace: typeof HOST;
  readonly tap: string;
  readonly bridge: string;
  readonly mtu: number;
}

/** A helper process with its settings: DHCP of a network, advertisements of a router, a namespace that plays a VM. */
export interface ServiceItem {
  readonly type: 'service';
  readonly key: string;
  readonly namespace: string;
  readonly service: 'dhcp' | 'advertisement' | 'machine';
  readonly id: string;
  /** Identifies the settings: an equal digest needs nothing done. */
  readonly digest: string;
  /** The settings, as the service's own layout made them; absent in what is read back. */
  readonly settings: unknown;
}

/** One thing of the kernel's that the agent wants or has. `key` names it; the rest is its value. */
export type Item =
  | NamespaceItem
  | SysctlItem
  | BridgeItem
  | DeviceItem
  | AddressItem
  | RouteItem
  | RuleItem
  | NftSetItem
  | NftChainItem
  | NftElementItem
  | IptablesChainItem
  | IptablesRuleItem
  | BindingItem
  | ServiceItem;

export type ItemType = Item['type'];

/** Whether two items of one key need nothing done to turn one into the other. */
export function sameValue(a: Item, b: Item): boolean {
  switch (a.type) {
    case 'namespace':
    case 'address':
    case 'iptables-chain':
      return true;
    case 'iptables-rule':
      return b.type === 'iptables-rule' && a.rank === b.rank;
    case 'sysctl':
      return b.type === 'sysctl' && a.value === b.value;
    case 'bridge':
      return b.type === 'bridge' && a.mtu === b.mtu;
    case 'device':
      return (
        b.type === 'device' &&
        a.mac === b.mac &&
        a.mtu === b.mtu &&
        a.bridge === b.bridge &&
        a.tap === b.tap &&
        a.group === b.group
      );
    case 'route':
      return b.type === 'route' && a.via === b.via && a.device === b.device;
    case 'rule':
      return b.type === 'rule' && a.from === b.from && a.table === b.table;
    case 'nft-set':
      return b.type === 'nft-set' && a.map === b.map && setShape(a.declaration) === setShape(b.declaration);
    case 'nft-chain':
      return (
        b.type === 'nft-chain' &&
        sameHook(a.hook, b.hook) &&
        a.marks.length === b.marks.length &&
        a.marks.every((mark, index) => mark === b.marks[index])
      );
    case 'nft-element':
      return b.type === 'nft-element' && a.data === b.data;
    case 'binding':
      return b.type === 'binding' && a.bridge === b.bridge && a.mtu === b.mtu;
    case 'service':
      return b.type === 'service' && a.digest === b.digest;
  }
}

export const sameHook = (a: NftHook | null, b: NftHook | null): boolean =>
  a === b || (a !== null && b !== null && a.type === b.type && a.hook === b.hook && a.priority === b.priority);

/** What nft's list calls the types of expressions that declarations name with `typeof`. */
const TYPE_OF: Readonly<Record<string, string>> = { 'meta mark': 'mark', 'ct zone': 'integer' };

/** A set's declaration as nft's list tells it: the names of types, and its flags. */
function setShape(declaration: string): string {
  const named = declaration.replace(/^typeof ([^:;]*)( : ([^;]*))?;/, (_, key: string, __, data?: string) => {
    const typeOf = (expression: string): string => TYPE_OF[expression.trim()] ?? expression.trim();
    return `type ${typeOf(key)}${data === undefined ? '' : ` : ${typeOf(data)}`};`;
  });
  return named.replace(/\s+/g, ' ').trim();
}
