import type { Logger } from 'pino';
import type { Connection } from '../kernel/conntrack.ts';
import type { Namespaces } from '../kernel/namespaces.ts';
import type { Item } from '../layout/item.ts';
import type { Operation } from './operation.ts';

/** Connections to look at: all of a floating IP, or those of one protocol and port of it. */
export interface Flow {
  readonly address: string;
  readonly protocol?: number;
  readonly port?: number;
}

/** Where the desired state leads a connection (`address:port`, or `address`); undefined: nowhere. */
export type Translation = (namespace: string, address: string, protocol: number, port: number) => string | undefined;

/** More ports of one address than this are looked at together: each look is a search of all the kernel's connections. */
const SEPARATE_LOOKS = 4;
const PROTOCOLS: Record<string, number> = { tcp: 6, udp: 17, sctp: 132 };

/**
 * Ends the connections that go elsewhere than the rules say: the kernel translates only the first packet of a
 * connection, so one that is open outlives its rule. To be called when the rules are in; nothing else is ended.
 */
export class Connections {
  readonly #namespaces: Namespaces;
  readonly #translation: Translation;
  readonly #log: Logger;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(namespaces: Namespaces, translation: Translation, log: Logger) {
    this.#namespaces = namespaces;
    this.#translation = translation;
    this.#log = log;
  }

  /** Looks at the connections that a round's changes concern, in the background. */
  follow(operations: readonly Operation[]): void {
    for (const [namespace, flows] of flowsOf(operations)) {
      for (const flow of flows) this.#enqueue(namespace, flow);
    }
  }

  /** Looks at all connections to and from an address of a namespace, in the background. */
  check(namespace: string, address: string): void {
    this.#enqueue(namespace, { address });
  }

  /** Settles when all that was asked for is done. */
  async idle(): Promise<void> {
    await this.#queue;
  }

  #enqueue(namespace: string, flow: Flow): void {
    this.#queue = this.#queue.then(async () => {
      try {
        const count = await this.#end(namespace, flow);
        if (count > 0) this.#log.info({ namespace, ...flow, count }, 'connections ended that no rule leads');
      } catch (error) {
        // A namespace that went took its connections along.
        this.#log.debug({ namespace, error }, 'connections not looked at');
      }
    });
  }

  async #end(namespace: string, { address, protocol, port }: Flow): Promise<number> {
    const { conntrack } = this.#namespaces.of(namespace);
    const inward = await conntrack.deleteWrong(
      {
        direction: 'original',
        destination: address,
        ...(protocol === undefined ? {} : { protocol }),
        ...(port === undefined ? {} : { port }),
      },
      (connection) => this.#isWrongInward(namespace, connection),
    );
    if (protocol !== undefined) return inward;
    const outward = await conntrack.deleteWrong({ direction: 'reply', destination: address }, (connection) =>
      this.#isWrongOutward(namespace, connection),
    );
    return inward + outward;
  }

  #isWrongInward(namespace: string, { original, reply }: Connection): boolean {
    const wanted = this.#translation(namespace, original.destination, original.protocol, original.destinationPort);
    if (wanted === undefined) return reply.source !== original.destination;
    return wanted.includes(':') ? wanted !== `${reply.source}:${reply.sourcePort}` : wanted !== reply.source;
  }

  /** What left with the floating IP as its source, although the VM no longer has it. */
  #isWrongOutward(namespace: string, { original, reply }: Connection): boolean {
    if (original.source === reply.destination) return false;
    return (
      this.#translation(namespace, reply.destination, original.protocol, reply.destinationPort) !== original.source
    );
  }
}

/** The connections that changes of rules concern, by namespace. */
export function flowsOf(operations: readonly Operation[]): Map<string, Flow[]> {
  const byAddress = new Map<string, { namespace: string; whole: boolean; flows: Map<string, Flow> }>();
  for (const { item } of operations) {
    for (const flow of flowsOfItem(item)) {
      const place = `${item.namespace}|${flow.address}`;
      const found = byAddress.get(place) ?? { namespace: item.namespace, whole: false, flows: new Map() };
      byAddress.set(place, found);
      found.whole ||= flow.port === undefined;
      if (found.flows.size <= SEPARATE_LOOKS) found.flows.set(`${flow.protocol}|${flow.port}`, flow);
    }
  }
  const flows = new Map<string, Flow[]>();
  for (const [place, { namespace, whole, flows: separate }] of byAddress) {
    const list =
      whole || separate.size > SEPARATE_LOOKS ? [{ address: place.split('|')[1] ?? '' }] : [...separate.values()];
    flows.set(namespace, [...(flows.get(namespace) ?? []), ...list]);
  }
  return flows;
}

function flowsOfItem(item: Item): Flow[] {
  if (item.type === 'nft-element' && item.family === 'ip' && item.set === 'floating-ips')
    return [{ address: item.element }];
  if (item.type === 'nft-element' && item.family === 'ip' && item.set === 'forwardings') {
    const [address = '', protocol = '', port = ''] = item.element.split(' . ');
    return [{ address, protocol: PROTOCOLS[protocol] ?? 0, port: Number(port) }];
  }
  if (item.type !== 'iptables-rule') return [];
  const rule = /^-d (\S+)\/32 (?:-p (\w+) -m \w+ --dport (\d+)(?::(\d+))? )?-j DNAT /.exec(item.rule);
  const address = rule?.[1];
  if (rule === null || address === undefined) return [];
  const protocol = PROTOCOLS[rule[2] ?? ''];
  if (protocol === undefined) return [{ address }];
  const first = Number(rule[3]);
  const last = Number(rule[4] ?? rule[3]);
  return Array.from({ length: Math.min(last - first + 1, SEPARATE_LOOKS + 1) }, (_, index) => ({
    address,
    protocol,
    port: first + index,
  }));
}
