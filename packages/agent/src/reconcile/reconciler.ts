import type { Logger } from 'pino';
import { HOST, type IptablesRuleItem, type Item, sameValue } from '../layout/item.ts';
import { type Scope, scopeOfNamespace } from '../layout/scopes.ts';
import type { Applier, Surroundings } from './applier.ts';
import { Desired } from './desired.ts';
import { withRanks } from './iptables-order.ts';
import type { Operation } from './operation.ts';

/** First pause before a failed scope is tried again, and the longest, milliseconds. Each failure doubles it. */
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 60_000;

interface Failure {
  reason: string;
  attempts: number;
  retryAt: number;
}

/** What a round did. */
export interface RoundResult {
  /** What was carried out. */
  readonly operations: readonly Operation[];
  /** Scopes that may stand otherwise than before the round. */
  readonly scopes: ReadonlySet<Scope>;
  /** Scopes that began or ceased to fail. */
  readonly turned: ReadonlySet<Scope>;
  /** Namespaces where something failed, so that they should be read back before the next try. */
  readonly doubtful: ReadonlySet<string>;
}

/**
 * Desired and applied items side by side, and the keys at which they may differ. It decides what to do; the applier
 * does it. A failed scope pauses; all others go on.
 */
export class Reconciler {
  readonly desired = new Desired();
  #applied = new Map<string, Item>();
  readonly #dirty = new Set<string>();
  readonly #failures = new Map<Scope, Failure>();
  /** Scopes whose namespace cannot be read, by namespace, with the reason. */
  readonly #unread = new Map<string, { scope: Scope; reason: string }>();
  readonly #applier: Applier;
  readonly #log: Logger;
  readonly #now: () => number;
  /** Differences that an audit found and nobody had announced. */
  drift = 0;
  /** The same by kind of thing. */
  readonly driftByKind: Record<string, number> = {};

  constructor(applier: Applier, log: Logger, now: () => number = Date.now) {
    this.#applier = applier;
    this.#log = log;
    this.#now = now;
  }

  /** Tells what a scope wants from now on. */
  want(scope: Scope, items: readonly Item[]): void {
    for (const key of this.desired.set(scope, items)) this.#dirty.add(key);
  }

  /**
   * Takes over what was read back from the kernel; of namespaces that were not read, what was known before still
   * counts. Gives the number of differences that were not expected.
   */
  adopt(found: readonly Item[], isRead: (namespace: string) => boolean = () => true): number {
    const before = this.#applied;
    this.#applied = new Map();
    for (const item of before.values()) if (!isRead(item.namespace)) this.#applied.set(item.key, item);
    for (const item of withRanks(found, (key) => this.desired.get(key))) this.#applied.set(item.key, item);
    let unexpected = 0;
    for (const key of new Set([...this.desired.keys(), ...this.#applied.keys()])) {
      if (!this.#differs(key)) {
        this.#dirty.delete(key);
        continue;
      }
      if (!this.#dirty.has(key) && before.size > 0) {
        unexpected++;
        const kind = (this.desired.get(key) ?? this.#applied.get(key))?.type ?? '';
        this.driftByKind[kind] = (this.driftByKind[kind] ?? 0) + 1;
        this.#log.warn({ key }, 'the kernel is not as it should be');
      }
      this.#dirty.add(key);
    }
    for (const key of this.#dirty) {
      if (!this.#differs(key)) this.#dirty.delete(key);
      else this.#blankFor(key);
    }
    this.drift += unexpected;
    return unexpected;
  }

  /**
   * Takes note of the namespaces that could not be read: nobody knows how what is in them stands. Gives the scopes of
   * which that is news.
   */
  doubt(unread: ReadonlyMap<string, string>, isRead: (namespace: string) => boolean): Set<Scope> {
    const turned = new Set<Scope>();
    for (const [namespace, { scope }] of this.#unread) {
      if (!isRead(namespace)) continue;
      this.#unread.delete(namespace);
      turned.add(scope);
    }
    for (const [namespace, reason] of unread) {
      const scope = scopeOfNamespace(namespace);
      if (scope === undefined || this.#unread.has(namespace)) continue;
      this.#unread.set(namespace, { scope, reason: `${namespace} cannot be read: ${reason}` });
      turned.add(scope);
    }
    return turned;
  }

  /** A set of another declaration is made anew, for which all rules of its table go and come again. */
  #blankFor(key: string): void {
    const set = this.#applied.get(key);
    if (set?.type !== 'nft-set' || this.desired.get(key)?.type !== 'nft-set') return;
    for (const item of [...this.#applied.values()]) {
      if (item.namespace !== set.namespace || !('family' in item) || item.family !== set.family) continue;
      if (item.type === 'nft-chain') this.#applied.set(item.key, { ...item, rules: [], marks: [] });
      else if (item.type === 'nft-element' && item.set === set.name) this.#applied.delete(item.key);
      if (this.#differs(item.key)) this.#dirty.add(item.key);
    }
  }

  /** Takes note that a thing is no longer in the kernel. */
  lost(key: string): void {
    if (this.#applied.delete(key)) this.#dirty.add(key);
  }

  /** Carries out what differs, except for scopes that pause. Never throws. */
  async round(): Promise<RoundResult> {
    const operations = this.#operations();
    this.#forgive(operations);
    if (operations.length === 0) return { operations, scopes: new Set(), turned: new Set(), doubtful: new Set() };
    const failures = await this.#applier.apply(operations, this.#surroundings());
    const scopes = new Set<Scope>();
    const doubtful = new Set<string>();
    const failedScopes = new Map<Scope, string>();
    for (const { action, item, scope } of operations) {
      scopes.add(scope);
      const reason = failures.get(item.key);
      if (reason !== undefined) {
        this.#log.error({ key: item.key, scope, reason }, 'not applied');
        if (!failedScopes.has(scope)) failedScopes.set(scope, reason);
        doubtful.add(item.namespace);
        // The other end of a pair is the host's.
        if (item.type === 'device') doubtful.add(HOST);
        continue;
      }
      // Rules of scopes that pause went when a set was made anew: only reading the kernel back tells which.
      if (action === 'change' && item.type === 'nft-set') doubtful.add(item.namespace);
      if (action === 'remove') this.#applied.delete(item.key);
      else this.#applied.set(item.key, item);
      if (!this.#differs(item.key)) this.#dirty.delete(item.key);
    }
    const turned = new Set<Scope>();
    for (const scope of scopes) {
      if (failedScopes.has(scope) !== this.#failures.has(scope)) turned.add(scope);
      const reason = failedScopes.get(scope);
      if (reason === undefined) this.#failures.delete(scope);
      else this.#failed(scope, reason);
    }
    const done = failures.size === 0 ? operations : operations.filter(({ item }) => !failures.has(item.key));
    return { operations: done, scopes, turned, doubtful };
  }

  /** Whether a thing is wanted and, as far as is known, in the kernel as wanted. */
  stands(key: string): boolean {
    return !this.#dirty.has(key) && this.#applied.has(key) && this.desired.get(key) !== undefined;
  }

  /** Why a scope is not applied; undefined when it is, or nothing is known against it. */
  failureOf(scope: Scope): string | undefined {
    const failure = this.#failures.get(scope)?.reason;
    if (failure !== undefined || this.#unread.size === 0) return failure;
    return this.#unread.values().find((unread) => unread.scope === scope)?.reason;
  }

  /** Whether everything that the scope wants is in the kernel. */
  isApplied(scope: Scope): boolean {
    for (const key of this.desired.keysOf(scope)) if (this.#dirty.has(key)) return false;
    return true;
  }

  /** Milliseconds until the next paused scope may be tried again; undefined when none pauses. */
  nextRetry(): number | undefined {
    let next: number | undefined;
    for (const { retryAt } of this.#failures.values()) {
      const wait = Math.max(0, retryAt - this.#now());
      next = next === undefined ? wait : Math.min(next, wait);
    }
    return next;
  }

  /** Whether nothing is left to do. */
  get isSettled(): boolean {
    return this.#dirty.size === 0;
  }

  applied(): Iterable<Item> {
    return this.#applied.values();
  }

  #operations(): Operation[] {
    const now = this.#now();
    const operations: Operation[] = [];
    for (const key of this.#dirty) {
      const item = this.desired.get(key);
      const before = this.#applied.get(key);
      const scope = this.desired.ownerOf(key) ?? leftoverScope(before?.namespace ?? '');
      if ((this.#failures.get(scope)?.retryAt ?? 0) > now) continue;
      if (item === undefined) {
        if (before) operations.push({ action: 'remove', item: before, scope });
        else this.#dirty.delete(key);
      } else if (before === undefined) operations.push({ action: 'add', item, scope });
      else if (!sameValue(before, item)) operations.push({ action: 'change', item, before, scope });
      else this.#dirty.delete(key);
    }
    return operations;
  }

  /** Forgets failures of scopes that have nothing left to do: nobody would try them again. */
  #forgive(operations: readonly Operation[]): void {
    if (this.#failures.size === 0) return;
    const busy = new Set(operations.map(({ scope }) => scope));
    for (const [scope, { retryAt }] of this.#failures) {
      if (retryAt <= this.#now() && !busy.has(scope)) this.#failures.delete(scope);
    }
  }

  #differs(key: string): boolean {
    const item = this.desired.get(key);
    const before = this.#applied.get(key);
    if (item === undefined || before === undefined) return item !== before;
    return !sameValue(before, item);
  }

  #failed(scope: Scope, reason: string): void {
    const attempts = (this.#failures.get(scope)?.attempts ?? 0) + 1;
    const pause = Math.min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE);
    this.#failures.set(scope, { reason, attempts, retryAt: this.#now() + pause });
  }

  #surroundings(): Surroundings {
    let rules: Map<string, IptablesRuleItem[]> | undefined;
    return {
      wanted: (key) => this.desired.get(key),
      failureOf: (scope) => this.failureOf(scope),
      isEmptied: (namespace, family) => !this.desired.hasChains(namespace, family),
      standingRules: (namespace, table, chain) => {
        rules ??= this.#standingRules();
        return rules.get(`${namespace}|${table}|${chain}`) ?? [];
      },
    };
  }

  #standingRules(): Map<string, IptablesRuleItem[]> {
    const rules = new Map<string, IptablesRuleItem[]>();
    for (const item of this.desired.values()) {
      if (item.type !== 'iptables-rule' || !this.#applied.has(item.key)) continue;
      const chain = `${item.namespace}|${item.table}|${item.chain}`;
      const found = rules.get(chain);
      if (found) found.push(item);
      else rules.set(chain, [item]);
    }
    return rules;
  }
}

/** What nobody wants any more is counted as one scope a namespace. */
const leftoverScope = (namespace: string): Scope => `host:leftovers ${namespace}`;
