import type { Logger } from 'pino';
import type { Connection, ConnectionFilter, Place } from '../kernel/conntrack.ts';
import type { Namespaces } from '../kernel/namespaces.ts';
import { HOST, type Item } from '../layout/item.ts';
import type { Agreement } from '../layout/translation.ts';
import type { Operation } from './operation.ts';

/**
 * Connections to look at: all of a namespace, those to and from an address, or those to one protocol and port of it;
 * of these only such as were led to one place, where nothing but them can be wrong.
 */
export interface Flow {
  readonly address?: string;
  readonly protocol?: number;
  readonly port?: number;
  readonly ledTo?: Place;
}

/** More ports of one address than this are looked at together: each look passes over all the kernel's connections. */
const SEPARATE_LOOKS = 8;
/** More looks than this into one namespace become a single one at all of its connections. */
const MOST_LOOKS = 32;
const PROTOCOLS: Record<string, number> = { tcp: 6, udp: 17, sctp: 132 };

/**
 * Ends the connections that go elsewhere than the rules say: the kernel translates only the first packet of a
 * connection, so one that is open outlives its rule. To be called when the rules are in; nothing else is ended.
 */
export class Connections {
  readonly #namespaces: Namespaces;
  readonly #agreementOf: (namespace: string) => Agreement;
  readonly #log: Logger;
  #queue: Promise<unknown> = Promise.resolve();

  /** `agreementOf` tells how connections of a namespace should go, at the moment of asking. */
  constructor(namespaces: Namespaces, agreement: (namespace: string) => Agreement, log: Logger) {
    this.#namespaces = namespaces;
    this.#agreementOf = agreement;
    this.#log = log;
  }

  /** Looks at the connections that carried out changes concern, in the background. */
  follow(operations: readonly Operation[]): void {
    for (const [namespace, flows] of flowsOf(operations)) {
      for (const flow of flows) this.#enqueue(namespace, flow);
    }
  }

  /** Looks at all connections of a namespace, in the background. */
  check(namespace: string): void {
    this.#enqueue(namespace, {});
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

  async #end(namespace: string, flow: Flow): Promise<number> {
    const { conntrack } = this.#namespaces.of(namespace);
    const { agrees, leads } = this.#agreementOf(namespace);
    const { address, protocol, port, ledTo } = flow;
    if (address !== undefined && protocol !== undefined && port !== undefined && ledTo !== undefined) {
      // It may lead there again by now.
      if (leads(protocol, { address, port }, ledTo)) return 0;
      if (await conntrack.deleteLed(protocol, { address, port }, ledTo)) return 0;
    }
    const isWrong = (connection: Connection): boolean => !agrees(connection);
    let count = 0;
    for (const filter of filtersOf(flow)) count += await conntrack.deleteWrong(filter, isWrong);
    return count;
  }
}

function filtersOf({ address, protocol, port }: Flow): (ConnectionFilter | undefined)[] {
  if (address === undefined) return [undefined];
  const inward: ConnectionFilter = {
    direction: 'original',
    destination: address,
    ...(protocol === undefined ? {} : { protocol }),
    ...(port === undefined ? {} : { port }),
  };
  return protocol === undefined ? [inward, { direction: 'reply', destination: address }] : [inward];
}

/** The connections that changes of rules concern, by namespace. */
export function flowsOf(operations: readonly Operation[]): Map<string, Flow[]> {
  const byNamespace = new Map<string, Map<string, Looks>>();
  const entirely = new Set<string>();
  for (const operation of operations) {
    const { item } = operation;
    if (leadsOut(item)) entirely.add(item.namespace);
    for (const flow of flowsOfOperation(operation)) {
      const looks = entryOf(byNamespace, item.namespace, () => new Map<string, Looks>());
      const found = entryOf(looks, flow.address, () => ({ whole: false, flows: new Map() }));
      found.whole ||= flow.port === undefined;
      if (found.flows.size <= SEPARATE_LOOKS) found.flows.set(keyOf(flow), flow);
    }
  }
  const flows = new Map<string, Flow[]>([...entirely].map((namespace) => [namespace, [{}]]));
  for (const [namespace, looks] of byNamespace) {
    if (entirely.has(namespace)) continue;
    const list = [...looks].flatMap(([address, { whole, flows: separate }]): Flow[] =>
      whole || separate.size > SEPARATE_LOOKS ? [{ address }] : [...separate.values()],
    );
    flows.set(namespace, list.length > MOST_LOOKS ? [{}] : list);
  }
  return flows;
}

const keyOf = ({ protocol, port, ledTo }: Flow): string => [protocol, port, ledTo?.address, ledTo?.port].join('|');

interface Looks {
  whole: boolean;
  readonly flows: Map<string, Flow>;
}

function entryOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

/** Whether an item decides under which address everything leaves a router. */
const leadsOut = (item: Item): boolean =>
  item.namespace !== HOST &&
  ((item.type === 'nft-chain' && item.family === 'ip' && item.name === 'postrouting') ||
    (item.type === 'iptables-rule' && item.chain === 'neutron-l3-agent-snat'));

type FlowOfAddress = Flow & { readonly address: string };

/** What was led to a place before, which is no longer; of what is new, what went untranslated. */
function flowsOfOperation({ action, item, before }: Operation): FlowOfAddress[] {
  return flowsOfItem(before ?? item, action !== 'add');
}

/** `was`: whether it led connections before the operation. */
function flowsOfItem(item: Item, was: boolean): FlowOfAddress[] {
  if (item.type === 'nft-element' && item.family === 'ip' && item.set === 'floating-ips')
    return [{ address: item.element }];
  if (item.type === 'nft-element' && item.family === 'ip' && item.set === 'forwardings') {
    const [address = '', protocol = '', port = ''] = item.element.split(' . ');
    const [target = '', targetPort = ''] = item.data?.split(' . ') ?? [];
    return [flowOf(address, protocol, Number(port), was ? { address: target, port: Number(targetPort) } : undefined)];
  }
  if (item.type !== 'iptables-rule') return [];
  const rule =
    /^-d (\S+)\/32 (?:-p (\w+) -m \w+ --dport (\d+)(?::(\d+))? )?-j DNAT --to-destination ([\d.]+)(?::(\d+)$)?/.exec(
      item.rule,
    );
  const [, address, protocol, first, last, target = '', targetPort] = rule ?? [];
  if (address === undefined) return [];
  if (protocol === undefined || first === undefined) return [{ address }];
  if (last === undefined && targetPort !== undefined) {
    return [flowOf(address, protocol, Number(first), was ? { address: target, port: Number(targetPort) } : undefined)];
  }
  // Of a range the ports are looked at one by one, or the address as a whole.
  const count = Math.min(Number(last ?? first) - Number(first) + 1, SEPARATE_LOOKS + 1);
  return Array.from({ length: count }, (_, index) => ({
    address,
    protocol: PROTOCOLS[protocol] ?? 0,
    port: Number(first) + index,
  }));
}

/** Without a place to which they were led: those that nothing translated. */
const flowOf = (address: string, protocol: string, port: number, ledTo: Place | undefined): FlowOfAddress => ({
  address,
  protocol: PROTOCOLS[protocol] ?? 0,
  port,
  ledTo: ledTo ?? { address, port },
});
