import { type Cidr, type IpVersion, parseCidr, parseIp } from '@portward/model/ip-address.ts';
import { type Direction, type RuleMatch, ruleMatch } from './rule-match.ts';
import { memberAddresses } from './security-group.ts';
import { groupsOf, type Port, type World } from './world.ts';

/** What the first packet of a connection looks like to a rule. */
export interface FirstPacket {
  readonly version: IpVersion;
  readonly protocol: number;
  /** Address at the other end: whom it comes from, or goes to. */
  readonly peer: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly type: number;
  readonly code: number;
}

/** Addresses of a set, as a look-up. */
interface Peers {
  readonly singles: ReadonlySet<bigint>;
  readonly networks: readonly Cidr[];
}

const UDP = 17;

/**
 * Says of packets what the rules in the kernel say of them, for one moment: sets of peers are made ready on first use
 * and kept, so one that has lived while the world changed is to be thrown away.
 */
export class Admission {
  readonly #world: World;
  readonly #rules = new Map<string, RuleMatch[]>();
  readonly #peers = new Map<string, Peers>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Whether the groups of a port, or what every port may, let a connection begin. */
  admits(port: Port, direction: Direction, packet: FirstPacket): boolean {
    return (
      isAlwaysAdmitted(direction, packet) ||
      groupsOf(this.#world, port).some(({ id }) =>
        this.#rulesOf(id, direction).some((rule) => this.#matches(rule, packet)),
      )
    );
  }

  #rulesOf(groupId: string, direction: Direction): RuleMatch[] {
    const key = `${groupId}|${direction}`;
    let rules = this.#rules.get(key);
    if (rules === undefined) {
      rules = [...this.#world.replica.rulesByGroup.of(groupId)].flatMap((rule) =>
        rule.direction === direction ? (ruleMatch(rule) ?? []) : [],
      );
      this.#rules.set(key, rules);
    }
    return rules;
  }

  #matches({ version, protocol, ports, icmp, peer }: RuleMatch, packet: FirstPacket): boolean {
    if (version !== packet.version) return false;
    if (protocol !== null && protocol !== packet.protocol) return false;
    if (ports !== null && (packet.destinationPort < ports.first || packet.destinationPort > ports.last)) return false;
    if (icmp !== null && (icmp.type !== packet.type || (icmp.code ?? packet.code) !== packet.code)) return false;
    if (peer.kind === 'any') return true;
    const address = parseIp(packet.peer);
    if (peer.kind === 'network') return isWithin(peer.network, address);
    const { singles, networks } = this.#peersOf(peer.kind, peer.id, version);
    return singles.has(address) || networks.some((network) => isWithin(network, address));
  }

  #peersOf(kind: 'group' | 'addresses', id: string, version: IpVersion): Peers {
    const key = `${kind}|${id}|${version}`;
    const known = this.#peers.get(key);
    if (known) return known;
    const singles = new Set<bigint>();
    const networks: Cidr[] = [];
    const texts =
      kind === 'group'
        ? memberAddresses(this.#world, id)
        : (this.#world.replica.get('address_group', id)?.addresses ?? []);
    for (const text of texts) {
      const cidr = parseCidr(text);
      if (cidr === undefined || cidr.version !== version) continue;
      if (cidr.first === cidr.last) singles.add(cidr.first);
      else networks.push(cidr);
    }
    const peers = { singles, networks };
    this.#peers.set(key, peers);
    return peers;
  }
}

const isWithin = (network: Cidr, address: bigint): boolean => network.first <= address && address <= network.last;

/** What port.ts lets through without a rule, as far as the kernel follows it as a connection. */
function isAlwaysAdmitted(direction: Direction, packet: FirstPacket): boolean {
  if (packet.protocol !== UDP) return false;
  const [client, server] = packet.version === 4 ? [68, 67] : [546, 547];
  const [from, to] = direction === 'egress' ? [client, server] : [server, client];
  return packet.sourcePort === from && packet.destinationPort === to;
}
