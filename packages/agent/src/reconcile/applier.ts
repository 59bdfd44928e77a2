import { restoreIptables } from '../kernel/iptables.ts';
import { runIpLines } from '../kernel/links.ts';
import type { Namespaces } from '../kernel/namespaces.ts';
import { addNetns, deleteNetns } from '../kernel/netns.ts';
import { ownLoopback } from '../kernel/rtnetlink.ts';
import { writeSysctls } from '../kernel/sysctl.ts';
import { type AddressItem, HOST, type Item, type NftFamily, OWNER } from '../layout/item.ts';
import { HOST_SCOPE, type Scope } from '../layout/scopes.ts';
import type { Announcements } from './announcements.ts';
import { iptablesTransaction } from './iptables-transaction.ts';
import {
  ALREADY_GONE,
  bindingLines,
  bridgeLines,
  deviceEndLines,
  deviceLines,
  routeLines,
  ruleLines,
} from './link-lines.ts';
import { elementChanges, isNft, nftTransaction } from './nft-transaction.ts';
import { type Operation, ofType } from './operation.ts';
import { type Failures, Round } from './round.ts';
import type { Services } from './services.ts';

/** What a round of operations is to know of the state around them. */
export interface Surroundings {
  /** The wanted item of a key. */
  wanted(key: string): Item | undefined;
  /** Whether nothing is wanted of a family's table in a namespace. */
  isEmptied(namespace: string, family: NftFamily): boolean;
  /** Rules of an iptables chain that are both wanted and there. */
  standingRules(namespace: string, table: string, chain: string): Extract<Item, { type: 'iptables-rule' }>[];
  /** Why a scope stands still from an earlier round. */
  failureOf(scope: Scope): string | undefined;
}

/**
 * Carries operations out, in an order in which nothing is open or leads astray in between: filters before the ports
 * they guard, translations before the addresses that attract packets, and what goes goes the other way round. What
 * fails is told and skipped; the rest goes on.
 */
export class Applier {
  readonly #namespaces: Namespaces;
  readonly #services: Services;
  readonly #announcements: Announcements;

  constructor(namespaces: Namespaces, services: Services, announcements: Announcements) {
    this.#namespaces = namespaces;
    this.#services = services;
    this.#announcements = announcements;
  }

  async apply(operations: readonly Operation[], around: Surroundings): Promise<Failures> {
    const round = new Round(operations);
    // The commonest of all: forwardings come and go, and nothing but their rules is concerned.
    if (operations.every(({ item }) => item.namespace !== HOST && isNft(item))) {
      for (const namespace of round.namespaces()) await this.#nftables(round, namespace, around);
      return round.failures;
    }
    const going = new Set<string>();
    for (const { item, action } of ofType(operations, 'namespace')) if (action === 'remove') going.add(item.namespace);
    await this.#endServices(round);
    await this.#hostLines(round, 'binding', bindingLines, ({ action }) => action === 'remove');
    await this.#hostLines(round, 'device', deviceLines, ({ action }) => action === 'remove');
    await this.#hostLines(round, 'bridge', bridgeLines, ({ action }) => action !== 'remove');
    this.#sysctls(round, HOST);
    await this.#nftables(round, HOST, around);
    this.#addNamespaces(round);
    // A device takes over what its namespace has by default when it is made.
    for (const { item, action } of round.all('namespace')) {
      if (action !== 'remove') this.#sysctls(round, item.namespace);
    }
    await this.#hostLines(round, 'device', deviceLines, ({ action }) => action !== 'remove');
    for (const namespace of round.namespaces()) {
      if (namespace !== HOST && !going.has(namespace)) await this.#inside(round, namespace, around);
    }
    this.#refuseUnfiltered(round, around);
    await this.#hostLines(round, 'binding', bindingLines, ({ action }) => action !== 'remove');
    await this.#startServices(round);
    await this.#hostLines(round, 'bridge', bridgeLines, ({ action }) => action === 'remove');
    this.#removeNamespaces(going, round);
    return round.failures;
  }

  /** One namespace: parameters, rules, then what brings packets in. */
  async #inside(round: Round, namespace: string, around: Surroundings): Promise<void> {
    const operations = round.pending(namespace);
    if (operations.length === 0) return;
    try {
      this.#sysctls(round, namespace);
      // A change of back ends: the new rules come before the old ones go. For as long as there is any, the kernel
      // goes on translating the connections that are open.
      const isLeavingNftables = around.isEmptied(namespace, 'ip');
      if (isLeavingNftables) await this.#iptables(round, namespace, around);
      await this.#nftables(round, namespace, around);
      if (!isLeavingNftables) await this.#iptables(round, namespace, around);
      await this.#lines(round, namespace, ofType(round.pending(namespace), 'device'), deviceEndLines);
      this.#addresses(round, namespace, 'add');
      await this.#lines(round, namespace, ofType(round.pending(namespace), 'route'), routeLines);
      await this.#lines(round, namespace, ofType(round.pending(namespace), 'rule'), ruleLines);
      this.#addresses(round, namespace, 'remove');
      this.#announce(round, namespace, around);
    } catch (error) {
      round.fail(round.pending(namespace), error);
    }
  }

  #sysctls(round: Round, namespace: string): void {
    for (const operation of ofType(round.pending(namespace), 'sysctl')) {
      if (operation.action === 'remove') continue;
      try {
        writeSysctls(namespace, [operation.item]);
      } catch (error) {
        round.fail([operation], error);
      }
    }
  }

  /** All operations in one transaction; if the kernel refuses it, scope by scope, so that one does not stop the rest. */
  async #nftables(round: Round, namespace: string, around: Surroundings): Promise<void> {
    const operations = round.pending(namespace).filter(({ item }) => isNft(item));
    if (operations.length === 0) return;
    const families = new Set(operations.flatMap(({ item }) => (isNft(item) ? [item.family] : [])));
    const whole = new Set([...families].filter((family) => around.isEmptied(namespace, family)));
    try {
      await this.#nftTransaction(namespace, operations, whole);
    } catch (error) {
      const scopes = new Map<Scope, Operation[]>();
      for (const operation of operations) {
        const found = scopes.get(operation.scope);
        if (found) found.push(operation);
        else scopes.set(operation.scope, [operation]);
      }
      if (scopes.size === 1) return round.fail(operations, error);
      for (const mine of scopes.values()) {
        try {
          await this.#namespaces.of(namespace).nftables.run(nftTransaction(mine, new Set()));
        } catch (reason) {
          round.fail(mine, reason);
        }
      }
    }
  }

  async #nftTransaction(
    namespace: string,
    operations: readonly Operation[],
    emptied: ReadonlySet<NftFamily>,
  ): Promise<void> {
    const { nftables, elements } = this.#namespaces.of(namespace);
    const changes = emptied.size === 0 ? elementChanges(operations) : undefined;
    if (changes !== undefined) {
      try {
        return await elements.change(OWNER, changes.gone, changes.wanted);
      } catch {
        // nft tries again, and knows what to say.
      }
    }
    await nftables.run(nftTransaction(operations, emptied));
  }

  async #iptables(round: Round, namespace: string, around: Surroundings): Promise<void> {
    const operations = round
      .pending(namespace)
      .filter(({ item }) => item.type === 'iptables-chain' || item.type === 'iptables-rule');
    if (operations.length === 0) return;
    const text = iptablesTransaction(operations, (table, chain) => around.standingRules(namespace, table, chain));
    try {
      await restoreIptables(namespace, text);
      const gone = operations.filter(({ item, action }) => item.type === 'iptables-chain' && action === 'remove');
      if (gone.length === 0 || namespace === HOST) return;
      await this.#namespaces.of(namespace).nftables.removeHollow('ip', [...new Set(tablesOf(gone))]);
    } catch (error) {
      round.fail(operations, error);
    }
  }

  #addresses(round: Round, namespace: string, action: 'add' | 'remove'): void {
    const operations = ofType(round.pending(namespace), 'address').filter((operation) => operation.action === action);
    // A subnet's own address first: it becomes the one that the kernel prefers as a source.
    const ordered = operations.toSorted((a, b) => Number(isSingle(a.item)) - Number(isSingle(b.item)));
    for (const operation of ordered) {
      try {
        const { addresses } = this.#namespaces.of(namespace);
        if (action === 'add') addresses.add(operation.item.device, operation.item.address);
        else addresses.remove(operation.item.device, operation.item.address);
      } catch (error) {
        round.fail([operation], error);
      }
    }
  }

  #announce(round: Round, namespace: string, around: Surroundings): void {
    for (const { action, item } of ofType(round.pending(namespace), 'address')) {
      if (action !== 'add' || !item.announce) continue;
      const device = around.wanted(`device|${namespace}|${item.device}`);
      if (device?.type !== 'device') continue;
      this.#announcements.start(item, device.mac, () => around.wanted(item.key) !== undefined);
    }
  }

  #addNamespaces(round: Round): void {
    for (const operation of round.all('namespace')) {
      if (operation.action === 'remove') continue;
      const { namespace } = operation.item;
      try {
        this.#namespaces.forget(namespace);
        addNetns(namespace, () => ownLoopback(OWNER));
      } catch (error) {
        round.fail(round.pending(namespace), error);
      }
    }
  }

  #removeNamespaces(going: ReadonlySet<string>, round: Round): void {
    for (const namespace of going) {
      try {
        this.#namespaces.forget(namespace);
        deleteNetns(namespace);
      } catch (error) {
        round.fail(round.pending(namespace), error);
      }
    }
  }

  /** A port goes on its bridge only when all of its filter stands. */
  #refuseUnfiltered(round: Round, around: Surroundings): void {
    const hostFailure = round.failureOf(HOST_SCOPE) ?? around.failureOf(HOST_SCOPE);
    for (const operation of round.all('binding')) {
      if (operation.action === 'remove') continue;
      const reason = hostFailure ?? round.failureOf(operation.scope);
      if (reason !== undefined) round.fail([operation], new Error(`not filtered, so not plugged in: ${reason}`));
    }
  }

  async #endServices(round: Round): Promise<void> {
    for (const operation of round.all('service')) {
      if (operation.action !== 'remove') continue;
      await round.attempt(operation, () => this.#services.remove(operation.item));
    }
  }

  async #startServices(round: Round): Promise<void> {
    for (const operation of round.all('service')) {
      if (operation.action === 'remove') continue;
      await round.attempt(operation, () => this.#services.apply(operation.item));
    }
  }

  async #hostLines<T extends 'binding' | 'device' | 'bridge'>(
    round: Round,
    type: T,
    linesOf: (operation: Operation<Extract<Item, { type: T }>>) => string[],
    which: (operation: Operation) => boolean,
  ): Promise<void> {
    await this.#lines(round, HOST, round.all(type).filter(which), linesOf);
  }

  async #lines<I extends Item>(
    round: Round,
    namespace: string,
    operations: readonly Operation<I>[],
    linesOf: (operation: Operation<I>) => string[],
  ): Promise<void> {
    const lines: string[] = [];
    const owners: Operation<I>[] = [];
    for (const operation of operations) {
      if (round.failures.has(operation.item.key)) continue;
      for (const line of linesOf(operation)) {
        lines.push(line);
        owners.push(operation);
      }
    }
    try {
      for (const [index, reason] of await runIpLines(namespace, lines)) {
        const operation = owners[index];
        if (operation === undefined || (operation.action === 'remove' && ALREADY_GONE.test(reason))) continue;
        round.fail([operation], new Error(`'ip ${lines[index]}' failed: ${reason}`));
      }
    } catch (error) {
      round.fail(owners, error);
    }
  }
}

const tablesOf = (operations: readonly Operation[]): string[] =>
  operations.flatMap(({ item }) => (item.type === 'iptables-chain' ? [item.table] : []));

const isSingle = (item: AddressItem): boolean => item.address.endsWith('/32') || item.address.endsWith('/128');
