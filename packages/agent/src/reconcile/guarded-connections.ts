import { tapDevice } from '@portward/model/device-names.ts';
import { type Cidr, formatIp, parseCidr, parseIp } from '@portward/model/ip-address.ts';
import type { Logger } from 'pino';
import type { Connection, ConnectionFilter } from '../kernel/conntrack.ts';
import type { Namespaces } from '../kernel/namespaces.ts';
import { Admission, type FirstPacket } from '../layout/admission.ts';
import { HOST, type Item } from '../layout/item.ts';
import type { Direction } from '../layout/rule-match.ts';
import { groupOfChain, groupOfSet } from '../layout/security-group.ts';
import { bridgeOf, isGuarded, isOwnDevice, isStateful, type Port, type World } from '../layout/world.ts';
import type { Operation } from './operation.ts';

/** More addresses of one zone than this are looked at together: each look is a search of all the kernel's connections. */
const SEPARATE_LOOKS = 3;

/**
 * Ends the connections of guarded ports that no rule admits any more: the kernel asks the rules about the first packet
 * of a connection, so one that is open outlives its rule. To be called when the rules are in. What happens while a look
 * is under way waits for the next one, so a burst costs one look.
 */
export class GuardedConnections {
  readonly #namespaces: Namespaces;
  readonly #world: () => World;
  readonly #log: Logger;
  /** Ports whose connections are to be looked at. */
  #ports = new Set<string>();
  #everything = false;
  #work: Promise<void> = Promise.resolve();
  #isWaiting = false;

  constructor(namespaces: Namespaces, world: () => World, log: Logger) {
    this.#namespaces = namespaces;
    this.#world = world;
    this.#log = log;
  }

  /** Looks at the connections that a round's changes concern, in the background. */
  follow(operations: readonly Operation[]): void {
    for (const port of portsOf(this.#world(), operations)) this.#ports.add(port.id);
    if (this.#ports.size > 0) this.#start();
  }

  /** Looks at the connections of all guarded ports, in the background. */
  checkAll(): void {
    this.#everything = true;
    this.#start();
  }

  /** Settles when all that was asked for is done. */
  async idle(): Promise<void> {
    await this.#work;
  }

  #start(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#work = this.#work.then(async () => {
      this.#isWaiting = false;
      try {
        await this.#look();
      } catch (error) {
        this.#log.warn({ error }, 'connections of guarded ports could not be looked at');
      }
    });
  }

  async #look(): Promise<void> {
    const world = this.#world();
    const wanted = this.#everything ? undefined : this.#ports;
    this.#everything = false;
    this.#ports = new Set();
    const { conntrack } = this.#namespaces.of(HOST);
    if (conntrack.isEmpty) return;
    const admission = new Admission(world);
    for (const zone of zonesOf(world)) {
      for (const filter of looksAt(zone, wanted)) {
        const count = await conntrack.deleteWrong(
          filter,
          (connection) => !isAdmitted(world, admission, zone, connection),
        );
        if (count > 0) this.#log.info({ zone: zone.number, count }, 'connections ended that no rule admits');
      }
    }
  }
}

/** The ports of this host whose packets have one conntrack zone. */
export class Zone {
  readonly number: number;
  readonly ports: Port[] = [];
  readonly #byAddress = new Map<string, Port[]>();
  readonly #byNetwork: { network: Cidr; port: Port }[] = [];

  constructor(number: number) {
    this.number = number;
  }

  add(port: Port): void {
    this.ports.push(port);
    for (const { ip_address: text } of [...port.fixed_ips, ...port.allowed_address_pairs]) {
      const cidr = parseCidr(text);
      if (cidr === undefined) continue;
      if (cidr.first !== cidr.last) {
        this.#byNetwork.push({ network: cidr, port });
        continue;
      }
      const address = formatIp(cidr.first, cidr.version);
      const found = this.#byAddress.get(address);
      if (found) found.push(port);
      else this.#byAddress.set(address, [port]);
    }
  }

  /** Ports that have an address; those that have it within a network of a pair count where nobody has it itself. */
  ownersOf(address: string): readonly Port[] {
    const found = this.#byAddress.get(address);
    if (found || this.#byNetwork.length === 0) return found ?? [];
    const version = address.includes(':') ? 6 : 4;
    const value = parseIp(address);
    return this.#byNetwork
      .filter(({ network }) => network.version === version && network.first <= value && value <= network.last)
      .map(({ port }) => port);
  }
}

function zonesOf(world: World): Iterable<Zone> {
  const zones = new Map<number, Zone>();
  for (const tap of world.taps) {
    for (const port of world.replica.portsByTap.of(tap)) {
      if (isOwnDevice(port) || !port.admin_state_up) continue;
      const bridge = bridgeOf(world, world.replica.get('network', port.network_id));
      if (bridge === undefined) continue;
      const number = bridge.own ? world.numbers.of(bridge.name) : 0;
      const zone = zones.get(number) ?? new Zone(number);
      zones.set(number, zone);
      zone.add(port);
    }
  }
  return zones.values();
}

/** How to find the connections of some ports (undefined: of all) in a zone; empty when none of them is guarded. */
export function looksAt({ number: zone, ports }: Zone, wanted: ReadonlySet<string> | undefined): ConnectionFilter[] {
  const concerned = ports.filter((port) => isGuarded(port) && wanted?.has(port.id) !== false);
  if (concerned.length === 0) return [];
  const whole: ConnectionFilter[] = [{ zone, direction: 'any' }];
  if (wanted === undefined) return whole;
  const addresses = new Set<string>();
  for (const port of concerned) {
    for (const { ip_address: ip } of port.fixed_ips) addresses.add(ip);
    for (const { ip_address: text } of port.allowed_address_pairs) {
      const cidr = parseCidr(text);
      if (cidr === undefined || cidr.first !== cidr.last) return whole;
      addresses.add(text.split('/')[0] ?? '');
    }
    if (addresses.size > SEPARATE_LOOKS) return whole;
  }
  return [...addresses].flatMap((destination): ConnectionFilter[] => [
    { zone, direction: 'original', destination },
    { zone, direction: 'reply', destination },
  ]);
}

/** Whether both ends, as far as they are ports of the zone on this host, let the connection begin. */
export function isAdmitted(world: World, admission: Admission, zone: Zone, { original, reply }: Connection): boolean {
  const packet = (peer: string, destinationPort: number): FirstPacket => ({
    version: original.source.includes(':') ? 6 : 4,
    protocol: original.protocol,
    peer,
    sourcePort: original.sourcePort,
    destinationPort,
    type: original.type,
    code: original.code,
  });
  const ends: [address: string, Direction, FirstPacket][] = [
    [original.source, 'egress', packet(original.destination, original.destinationPort)],
    // Where the operator's own rules translate, the port saw the address that answers.
    [reply.source, 'ingress', packet(original.source, reply.sourcePort || original.destinationPort)],
  ];
  return ends.every(([address, direction, first]) => {
    const owners = zone.ownersOf(address);
    return owners.length === 0 || owners.some((port) => letsBegin(world, admission, port, direction, first));
  });
}

const letsBegin = (
  world: World,
  admission: Admission,
  port: Port,
  direction: Direction,
  packet: FirstPacket,
): boolean =>
  // A stateless port's packets are judged one by one, whatever the kernel remembers.
  !isGuarded(port) || !isStateful(world, port) || admission.admits(port, direction, packet);

/** Ports of this host that may admit less after a round's changes. */
export function portsOf(world: World, operations: readonly Operation[]): Set<Port> {
  const ports = new Set<Port>();
  const groups = new Set<string>();
  for (const { action, item } of operations) {
    if (item.namespace !== HOST) continue;
    if (item.type === 'nft-chain' && item.family === 'inet') {
      const group = groupOfChain(item.name);
      if (group !== undefined && action !== 'add') groups.add(group);
      else if (action !== 'remove') for (const port of portsByChain(world, item)) ports.add(port);
    } else if (item.type === 'nft-element' && item.family === 'inet' && action !== 'add') {
      for (const group of groupsAdmitting(world, item.set)) groups.add(group);
    }
  }
  for (const group of groups) {
    for (const port of world.replica.portsByGroup.of(group)) if (world.taps.has(tapDevice(port.id))) ports.add(port);
  }
  return ports;
}

const TAP_CHAIN = /^(?:from|to)-(tap.+)$/;

function portsByChain(world: World, { name }: Extract<Item, { type: 'nft-chain' }>): Iterable<Port> {
  const tap = TAP_CHAIN.exec(name)?.[1];
  return tap === undefined ? [] : world.replica.portsByTap.of(tap);
}

/** Groups with a rule that admits the addresses of a set. */
function groupsAdmitting(world: World, set: string): Set<string> {
  const groups = new Set<string>();
  const peers = groupOfSet(set);
  if (peers === undefined) return groups;
  const { rulesByRemoteGroup, rulesByAddressGroup } = world.replica;
  const index = peers.kind === 'group' ? rulesByRemoteGroup : rulesByAddressGroup;
  for (const rule of index.of(peers.id)) groups.add(rule.security_group_id);
  return groups;
}
