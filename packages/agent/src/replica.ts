import { tapDevice } from '@portward/model/device-names.ts';
import { FEED_KINDS, type FeedKind, type FeedObjects, type FeedPut } from '@portward/model/feed.ts';

/** What a line of the feed did to one object: created (`before` absent), changed, or gone (`after` absent). */
export type Change = {
  [K in FeedKind]: {
    kind: K;
    id: string;
    before: FeedObjects[K] | undefined;
    after: FeedObjects[K] | undefined;
  };
}[FeedKind];

/** Ids of objects under a value that they carry: all ports of a network, all forwardings of a floating IP. */
class Index<T extends { id: string }> {
  readonly #keysOf: (object: T) => Iterable<string | null>;
  readonly #byKey = new Map<string, Map<string, T>>();

  constructor(keysOf: (object: T) => Iterable<string | null>) {
    this.#keysOf = keysOf;
  }

  replace(before: T | undefined, after: T | undefined): void {
    if (before) for (const key of this.#keysOf(before)) this.#remove(key, before.id);
    if (after) for (const key of this.#keysOf(after)) this.#add(key, after);
  }

  /** Objects under a key. The collection is live: copy it before changing the replica. */
  of(key: string): Iterable<T> {
    return this.#byKey.get(key)?.values() ?? [];
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  #add(key: string | null, object: T): void {
    if (key === null || key === '') return;
    const found = this.#byKey.get(key);
    if (found) found.set(object.id, object);
    else this.#byKey.set(key, new Map([[object.id, object]]));
  }

  #remove(key: string | null, id: string): void {
    if (key === null || key === '') return;
    const found = this.#byKey.get(key);
    if (found?.delete(id) && found.size === 0) this.#byKey.delete(key);
  }
}

/** Number of the block of 256 ports that a port is in. */
const blockOf = (port: number): number => port >> 8;

type Objects = { readonly [K in FeedKind]: Map<string, FeedObjects[K]> };

/** The feed's objects in memory, with the look-ups that the layout needs. It does no I/O. */
export class Replica {
  readonly #objects: Objects = {
    network: new Map(),
    subnet: new Map(),
    address_group: new Map(),
    security_group: new Map(),
    security_group_rule: new Map(),
    router: new Map(),
    port: new Map(),
    floatingip: new Map(),
    port_forwarding: new Map(),
    server: new Map(),
  };

  readonly subnetsByNetwork = new Index<FeedObjects['subnet']>((subnet) => [subnet.network_id]);
  readonly portsByNetwork = new Index<FeedObjects['port']>((port) => [port.network_id]);
  readonly portsByDevice = new Index<FeedObjects['port']>((port) => [port.device_id]);
  readonly portsByGroup = new Index<FeedObjects['port']>((port) => port.security_groups);
  readonly portsByTap = new Index<FeedObjects['port']>((port) => [tapDevice(port.id)]);
  readonly rulesByGroup = new Index<FeedObjects['security_group_rule']>((rule) => [rule.security_group_id]);
  /** Rules that admit the members of a group. */
  readonly rulesByRemoteGroup = new Index<FeedObjects['security_group_rule']>((rule) => [rule.remote_group_id]);
  /** Rules that admit the addresses of an address group. */
  readonly rulesByAddressGroup = new Index<FeedObjects['security_group_rule']>((rule) => [
    rule.remote_address_group_id,
  ]);
  readonly floatingIpsByRouter = new Index<FeedObjects['floatingip']>((floatingIp) => [floatingIp.router_id]);
  readonly floatingIpsByAddress = new Index<FeedObjects['floatingip']>((floatingIp) => [
    floatingIp.floating_ip_address,
  ]);
  readonly forwardingsByFloatingIp = new Index<FeedObjects['port_forwarding']>((forwarding) => [
    forwarding.floatingip_id,
  ]);

  readonly #forwardingsByPorts = new Index<FeedObjects['port_forwarding']>(function* (forwarding) {
    for (let block = blockOf(forwarding.external_first); block <= blockOf(forwarding.external_last); block++) {
      yield `${forwarding.floatingip_id}|${block}`;
    }
  });

  /** Few forwardings of a floating IP, those of the port among them, however many it has. */
  forwardingsNear(floatingIpId: string, externalPort: number): Iterable<FeedObjects['port_forwarding']> {
    return this.#forwardingsByPorts.of(`${floatingIpId}|${blockOf(externalPort)}`);
  }

  get<K extends FeedKind>(kind: K, id: string | null): FeedObjects[K] | undefined {
    return id === null ? undefined : this.#objects[kind].get(id);
  }

  all<K extends FeedKind>(kind: K): IterableIterator<FeedObjects[K]> {
    return this.#objects[kind].values();
  }

  /** Takes an object in. A kind that this version does not know changes nothing and gives undefined. */
  put(line: Pick<FeedPut, 'kind' | 'object'>): Change | undefined {
    if (!isKnown(line.kind)) return undefined;
    const objects = this.#objects[line.kind] as Map<string, { id: string }>;
    const before = objects.get(line.object.id);
    objects.set(line.object.id, line.object);
    return this.#indexed({ kind: line.kind, id: line.object.id, before, after: line.object } as Change);
  }

  /** Forgets an object; undefined when it was not there. */
  delete(kind: FeedKind, id: string): Change | undefined {
    if (!isKnown(kind)) return undefined;
    const before = this.#objects[kind].get(id);
    if (before === undefined) return undefined;
    this.#objects[kind].delete(id);
    return this.#indexed({ kind, id, before, after: undefined } as Change);
  }

  #indexed(change: Change): Change {
    switch (change.kind) {
      case 'subnet':
        this.subnetsByNetwork.replace(change.before, change.after);
        break;
      case 'port':
        for (const index of [this.portsByNetwork, this.portsByDevice, this.portsByGroup, this.portsByTap]) {
          index.replace(change.before, change.after);
        }
        break;
      case 'security_group_rule':
        this.rulesByGroup.replace(change.before, change.after);
        this.rulesByRemoteGroup.replace(change.before, change.after);
        this.rulesByAddressGroup.replace(change.before, change.after);
        break;
      case 'floatingip':
        this.floatingIpsByRouter.replace(change.before, change.after);
        this.floatingIpsByAddress.replace(change.before, change.after);
        break;
      case 'port_forwarding':
        this.forwardingsByFloatingIp.replace(change.before, change.after);
        this.#forwardingsByPorts.replace(change.before, change.after);
        break;
      default:
    }
    return change;
  }
}

const isKnown = (kind: string): kind is FeedKind => (FEED_KINDS as readonly string[]).includes(kind);
