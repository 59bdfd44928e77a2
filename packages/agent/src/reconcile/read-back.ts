import { formatCidr, parseCidr } from '@portward/model/ip-address.ts';
import { hasLegacyTables, readIptables } from '../kernel/iptables.ts';
import { type LinkState, type NetworkState, readLinks, readNetwork } from '../kernel/links.ts';
import type { Namespaces } from '../kernel/namespaces.ts';
import { deleteNetns, inNetns, isNetns, listNetns } from '../kernel/netns.ts';
import type { NftListing } from '../kernel/nftables.ts';
import { readSysctl } from '../kernel/sysctl.ts';
import { HOST, type IptablesRuleItem, type Item, OWNER, type ServiceItem, type SysctlItem } from '../layout/item.ts';
import {
  address,
  binding,
  bridge,
  device,
  iptablesChain,
  iptablesRule,
  MAIN_TABLE,
  namespaceItem,
  nftElement,
  route,
  rule,
  service,
  sysctl,
} from '../layout/make-item.ts';
import { nftItems } from './nft-listing.ts';
import type { Services } from './services.ts';
import type { Audited } from './suspects.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const OWN_NAMESPACE = new RegExp(`^(qrouter|snat|qdhcp)-${UUID}$`);
const OWN_DEVICE = /^(?:qr|qg|sg|ns)-([0-9a-f-]{11})$/;
const TAP = /^tap[0-9a-f-]{11}$/;
const IPTABLES_CHAIN = /^neutron-/;

/** What reading the kernel back needs to know. */
export interface ReadBackContext {
  readonly namespaces: Namespaces;
  readonly services: Services;
  /** Bridges of the operator's that the agent attaches to. */
  readonly mappedBridges: ReadonlySet<string>;
  /** Whether a tap on a bridge of the operator's is a port of ours. */
  isKnownTap(tap: string): boolean;
  /** Namespace in which the other end of a pair is wanted of which this tap is the host's. */
  namespaceOfPair(tap: string): string | undefined;
}

/** What is in the kernel of the agent's own making. */
export interface Found {
  readonly items: Item[];
  /** Devices named like taps in the host's namespace, whoever made them, with their index. */
  readonly taps: Map<string, number>;
  /** Namespaces that could not be read, with the reason: nothing is known of them. */
  readonly unread: Map<string, string>;
  /** Whether what was found of a namespace is all that it has. */
  isRead(namespace: string): boolean;
}

/** Reads what is the agent's on this host, in all namespaces or in some of them. */
export async function readBack(context: ReadBackContext, audited: Audited): Promise<Found> {
  const links = await readLinks(HOST);
  const isAsked = (name: string): boolean => audited === 'everything' || audited.has(name);
  const names = listNetns().filter((name) => OWN_NAMESPACE.test(name) && isAsked(name));
  // A name without a namespace is what a killed agent may leave.
  for (const name of names) {
    try {
      if (!isNetns(name)) deleteNetns(name);
    } catch {
      // What cannot be made where it stands will say so, and keeps nobody else waiting.
    }
  }
  const found: Found = {
    items: [],
    taps: new Map(),
    unread: new Map(),
    isRead: (name) => isAsked(name) && !found.unread.has(name),
  };
  const ours = new Set<string>([HOST]);
  const queue = names.filter((name) => isNetns(name));
  const readers = Array.from({ length: 4 }, async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const items = await readNamespace(context, name, links).catch((error) => {
        if (isNetns(name)) found.unread.set(name, (error as Error).message);
        return undefined;
      });
      if (found.unread.has(name)) ours.add(name);
      if (items === undefined) continue;
      ours.add(name);
      for (const item of items) found.items.push(item);
    }
  });
  await Promise.all(readers);
  if (audited === 'everything') context.namespaces.retain(ours);
  for (const link of links) if (TAP.test(link.ifname)) found.taps.set(link.ifname, link.ifindex);
  if (isAsked(HOST)) {
    const isWhole = audited === 'everything' && found.unread.size === 0;
    const isOtherEndRead = (tap: string): boolean => {
      const namespace = context.namespaceOfPair(tap);
      return isWhole || (namespace !== undefined && found.isRead(namespace));
    };
    for (const item of await hostItems(context, links, found.items, isOtherEndRead)) found.items.push(item);
  }
  for (const item of await runningServices(context.services)) found.items.push(item);
  return found;
}

/** Reads one namespace; undefined when it is not there or not the agent's. */
export async function readNamespace(
  context: ReadBackContext,
  namespace: string,
  hostLinks: readonly LinkState[],
): Promise<Item[] | undefined> {
  const state = await readNetwork(namespace);
  if (state.links.find(({ ifname }) => ifname === 'lo')?.ifalias !== OWNER) return undefined;
  const items: Item[] = [
    namespaceItem(namespace),
    ...deviceItems(namespace, state, hostLinks),
    ...addressItems(namespace, state),
    ...routeItems(namespace, state),
    ...ruleItems(namespace, state),
  ];
  // These may be many, more than arguments of one call.
  for (const item of await natItems(context, namespace)) items.push(item);
  return items;
}

/** The rules of a router's namespace, of either back end. Its maps may be large and are read by a way of their own. */
async function natItems(context: ReadBackContext, namespace: string): Promise<Item[]> {
  const { nftables, elements } = context.namespaces.of(namespace);
  const outline = await nftables.outline('ip');
  const items = nftItems(namespace, outline, OWNER);
  for (const item of [...items]) {
    if (item.type !== 'nft-set') continue;
    for (const { element, data } of await elements.list(OWNER, item.name)) {
      items.push(nftElement(namespace, 'ip', item.name, element, item.map ? data : null));
    }
  }
  // Both forms of iptables: nftables' own list tells of one of them without starting a process.
  const tables = outline.map(({ table }) => table?.name);
  if (tables.includes('nat') || tables.includes('mangle') || hasLegacyTables(namespace)) {
    for (const item of await iptablesItems(namespace)) items.push(item);
  }
  return items;
}

async function hostItems(
  context: ReadBackContext,
  links: readonly LinkState[],
  inside: readonly Item[],
  isOtherEndRead: (tap: string) => boolean,
): Promise<Item[]> {
  const rules = (await hostTables(context)).flatMap((listing) => nftItems(HOST, listing, OWNER));
  const guarded = new Set(
    rules.flatMap((item) => (item.type === 'nft-element' && item.set === 'guarded' ? [item.element] : [])),
  );
  const own = new Set(links.filter((link) => isBridge(link) && link.ifalias === OWNER).map(({ ifname }) => ifname));
  const paired = new Set(inside.flatMap((item) => (item.type === 'device' ? [item.tap] : [])));
  const items: Item[] = [...rules];
  for (const link of links) {
    const { ifname, mtu, master } = link;
    if (own.has(ifname)) items.push(bridge(ifname, isUp(link) ? mtu : 0));
    if (master === undefined || !TAP.test(ifname) || paired.has(ifname)) continue;
    // The end of a pair whose other end was not looked at.
    if (link.ifalias === OWNER && !isOtherEndRead(ifname)) continue;
    const isOurs =
      own.has(master) || (context.mappedBridges.has(master) && (guarded.has(ifname) || context.isKnownTap(ifname)));
    if (isOurs) items.push(binding(ifname, isUp(link) ? master : '', mtu));
  }
  return items;
}

async function hostTables({ namespaces }: ReadBackContext): Promise<NftListing[][]> {
  const { nftables } = namespaces.of(HOST);
  return [await nftables.list('bridge', OWNER), await nftables.list('inet', OWNER)];
}

const isUp = (link: LinkState): boolean => link.flags.includes('UP');
const isBridge = (link: LinkState): boolean => link.linkinfo?.info_kind === 'bridge';

/**
 * Reads the parameters that are wanted, by namespace: there is no list of those that someone set. Namespaces that are
 * not there have none.
 */
export function readSysctls(wanted: Iterable<readonly [namespace: string, items: Iterable<SysctlItem>]>): Item[] {
  const found: Item[] = [];
  for (const [namespace, items] of wanted) {
    if (namespace !== HOST && !isNetns(namespace)) continue;
    inNetns(namespace, () => {
      for (const item of items) {
        const value = readSysctl(item.name);
        // What the kernel does not have and need not have is as wanted.
        if (value !== undefined) found.push(sysctl(namespace, item.name, value, item.optional));
        else if (item.optional) found.push(item);
      }
    });
  }
  return found;
}

function deviceItems(namespace: string, state: NetworkState, hostLinks: readonly LinkState[]): Item[] {
  return state.links.flatMap((link) => {
    const id = OWN_DEVICE.exec(link.ifname)?.[1];
    if (id === undefined) return [];
    const tap = hostLinks.find(({ ifname }) => ifname === `tap${id}`);
    const isWhole = isUp(link) && tap !== undefined && isUp(tap) && tap.mtu === link.mtu && tap.ifalias === OWNER;
    return [
      device({
        namespace,
        name: link.ifname,
        mac: link.address ?? '',
        mtu: isWhole ? link.mtu : 0,
        tap: `tap${id}`,
        bridge: tap?.master ?? '',
        group: link.group === undefined || link.group === 'default' ? 0 : Number(link.group),
      }),
    ];
  });
}

/** An IPv4 address without the route to its subnet, which the kernel makes with it, counts as not there. */
function addressItems(namespace: string, state: NetworkState): Item[] {
  const connected = new Set(
    state.routes.flatMap(({ dst, dev, protocol, table }) =>
      protocol === 'kernel' && (table ?? 'main') === 'main' ? [`${dst} ${dev}`] : [],
    ),
  );
  const hasRoute = (address: string, prefix: number, device: string): boolean =>
    address.includes(':') || prefix > 30 || connected.has(`${subnetOf(address, prefix)} ${device}`);
  return state.links
    .filter(({ ifname }) => OWN_DEVICE.test(ifname))
    .flatMap(({ ifname, addr_info: addresses = [] }) =>
      addresses
        .filter(({ scope, local, prefixlen }) => scope !== 'link' && hasRoute(local, prefixlen, ifname))
        .map(({ local, prefixlen }) => address(namespace, ifname, `${local}/${prefixlen}`)),
    );
}

function subnetOf(address: string, prefix: number): string | undefined {
  const subnet = parseCidr(`${address}/${prefix}`);
  return subnet && formatCidr(subnet);
}

function routeItems(namespace: string, state: NetworkState): Item[] {
  return state.routes
    .filter(({ protocol, type }) => (protocol === 'static' || protocol === 'boot') && (type ?? 'unicast') === 'unicast')
    .map(({ dst, gateway, dev, table = 'main' }) => ({
      namespace,
      version: dst.includes(':') || gateway?.includes(':') ? (6 as const) : (4 as const),
      table: table === 'main' ? MAIN_TABLE : Number(table),
      destination: dst,
      via: gateway ?? null,
      device: dev ?? null,
    }))
    .map((fields) => route(fields));
}

function ruleItems(namespace: string, state: NetworkState): Item[] {
  return state.rules
    .filter(({ priority }) => priority !== 0 && priority !== 32_766 && priority !== 32_767)
    .map(({ priority, src = 'all', srclen, table }) =>
      rule(
        namespace,
        priority,
        srclen === undefined ? src : `${src}/${srclen}`,
        table === 'main' ? MAIN_TABLE : Number(table),
      ),
    );
}

async function iptablesItems(namespace: string): Promise<Item[]> {
  return (await readIptables(namespace)).flatMap(({ table, chains, rules }) => [
    ...chains.filter((chain) => IPTABLES_CHAIN.test(chain)).map((chain) => iptablesChain(namespace, table, chain)),
    ...rules
      .filter(({ chain, rule: text }) => IPTABLES_CHAIN.test(chain) || /-j neutron-/.test(text))
      .map(({ chain, rule: text }, place) => iptablesRule(namespace, table, chain, text, place))
      .map(numberRepeats()),
  ]);
}

/** The same rule a second time is another thing, which nobody wants. */
function numberRepeats(): (item: IptablesRuleItem) => IptablesRuleItem {
  const seen = new Map<string, number>();
  return (item) => {
    const count = (seen.get(item.key) ?? 0) + 1;
    seen.set(item.key, count);
    return count === 1 ? item : { ...item, key: `${item.key}|${count}` };
  };
}

async function runningServices({ drivers }: Services): Promise<Item[]> {
  const items: Item[] = [];
  for (const [kind, driver] of Object.entries(drivers)) {
    for (const [id, digest] of await driver.running()) {
      items.push(service(kind as ServiceItem['service'], id, driver.namespaceOf(id), digest, undefined));
    }
  }
  return items;
}
