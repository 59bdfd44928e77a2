import type { Logger } from 'pino';
import type { LinkEvent } from './kernel/event-messages.ts';
import type { KernelListener } from './kernel/events.ts';
import { HOST, type Item } from './layout/item.ts';
import type { Operation } from './reconcile/operation.ts';
import { readSysctls } from './reconcile/read-back.ts';
import type { Reconciler } from './reconcile/reconciler.ts';
import type { Services } from './reconcile/services.ts';
import type { Audited } from './reconcile/suspects.ts';

/** What listens to the kernel; see `KernelEvents`. */
export interface KernelSource {
  watchNamespace(namespace: string): void;
  forgetNamespace(namespace: string): void;
  watchProcess(name: string, pid: number | undefined): void;
  stop(): void;
}

export interface KernelWatchOptions {
  readonly listen: (listener: KernelListener) => KernelSource;
  readonly reconciler: Reconciler;
  readonly services: Services;
  readonly log: Logger;
  /** Takes in the names of devices of the host's namespace that came, went or changed. */
  hostDevices(names: readonly string[]): void;
  /** Is to have some namespaces, or everything, compared with what it should be. */
  audit(suspected: Audited): void;
}

/** A change by somebody else takes several steps; they are looked at together, milliseconds. */
const DEBOUNCE = 50;
/**
 * Somebody who changes things without end must not keep the agent busy: audits may take so much of its time at most,
 * once those of a burst have taken so many milliseconds.
 */
const SHARE = 0.2;
const BURST = 2000;
/** Kernel parameters send no events: those of the host, which all ports depend on, are read so often, milliseconds. */
const LOOK = 1000;
/** So many of the other namespaces are looked at each time, one after the other: each takes some 0.2 ms. */
const NAMESPACES_A_LOOK = 10;

/** What is suspected of no longer being as the agent left it. */
interface Suspicion {
  readonly why: string;
  /** Where to look; undefined: it may be anything. */
  readonly namespace: string | undefined;
}

/**
 * Notices at once that something of the agent's may no longer be as the agent left it, and asks for an audit. What the
 * agent does itself is not noticed.
 */
export class KernelWatch implements KernelListener {
  readonly #options: KernelWatchOptions;
  readonly #source: KernelSource;
  readonly #look: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  readonly #suspicions = new Map<string, Suspicion>();
  /** Namespaces whose parameters have not been looked at since all of them have. */
  #unseen: string[] = [];
  /** Milliseconds that audits may take now; below 0 the next has to wait. It was so at a time by `performance`. */
  #allowance = BURST;
  #allowedAt = performance.now();

  constructor(options: KernelWatchOptions) {
    this.#options = options;
    this.#source = options.listen(this);
    this.#look = setInterval(() => this.#lookAtParameters(), LOOK);
    this.#look.unref();
  }

  stop(): void {
    clearInterval(this.#look);
    clearTimeout(this.#timer);
    this.#source.stop();
  }

  /** Takes in what a round carried out: which namespaces and processes there are now. */
  follow(operations: readonly Operation[]): void {
    for (const { item, action } of operations) {
      if (action === 'remove') this.#forget(item);
      else this.#watch(item);
    }
  }

  /** Takes in what an audit found, where it looked, and how long it took, milliseconds. */
  audited(found: readonly Item[], audited: Audited, milliseconds: number): void {
    for (const item of found) if (this.#options.reconciler.stands(item.key)) this.#watch(item);
    this.#refill();
    this.#allowance -= milliseconds;
    const where = audited === 'everything' ? audited : [...audited];
    this.#options.log.debug({ milliseconds, where }, 'the kernel was compared');
  }

  devices(namespace: string, links: readonly LinkEvent[]): void {
    if (links.length === 0) this.#suspect(`lost ${namespace}`, 'events were lost', namespace);
    // Only how things stand now matters.
    const latest = new Map(links.map((link) => [link.name, link]));
    if (namespace === HOST) this.#options.hostDevices([...latest.keys()]);
    for (const link of latest.values()) {
      const key = this.#keyOf(namespace, link.name);
      // What the agent has just made comes up in several steps, of which the last may be told a little later.
      // Each end of a pair is judged by itself: that one is well says nothing of the other.
      const end = `${key} ${link.name}`;
      if (this.#isAsLeft(namespace, key, link)) this.#suspicions.delete(end);
      else if (this.#options.reconciler.stands(key)) this.#suspectItem(end, key, `${link.name} is not as it was left`);
    }
  }

  #keyOf(namespace: string, name: string): string {
    if (namespace !== HOST) return `device|${namespace}|${name}`;
    return this.#options.reconciler.desired.keyOfLink(name) ?? `binding|${name}`;
  }

  #isAsLeft(namespace: string, key: string, { gone, up, master, group }: LinkEvent): boolean {
    // One of the host's that is gone is noticed with the taps.
    if (namespace === HOST && gone) return true;
    const item = this.#options.reconciler.desired.get(key);
    if (namespace !== HOST && item?.type === 'device' && item.group !== group) return false;
    return !gone && up && (namespace !== HOST || master !== 0 || key.startsWith('bridge|'));
  }

  changed(namespace: string): void {
    const what = namespace === HOST ? 'nftables of the host' : namespace;
    this.#suspect(`in ${namespace}`, `somebody changed ${what}`, namespace);
  }

  addressLost(namespace: string, device: string, address: string): void {
    const key = `address|${namespace}|${device}|${address}`;
    if (this.#options.reconciler.stands(key)) this.#suspect(key, `${device} lost ${address}`, namespace);
  }

  namespaceGone(namespace: string): void {
    const key = `namespace|${namespace}`;
    if (this.#options.reconciler.stands(key)) this.#suspect(key, `${namespace} is gone`, namespace);
  }

  ended(name: string): void {
    if (this.#options.reconciler.stands(name)) this.#suspectItem(name, name, `the process of ${name} ended`);
  }

  #watch(item: Item): void {
    if (item.type === 'namespace') this.#source.watchNamespace(item.namespace);
    else if (item.type === 'service') this.#source.watchProcess(item.key, this.#options.services.pid(item));
  }

  #forget(item: Item): void {
    if (item.type === 'namespace') this.#source.forgetNamespace(item.namespace);
    else if (item.type === 'service') this.#source.watchProcess(item.key, undefined);
  }

  #lookAtParameters(): void {
    const { reconciler } = this.#options;
    const wanted = new Map(reconciler.desired.sysctls());
    if (this.#unseen.length === 0) this.#unseen = [...wanted.keys()].filter((namespace) => namespace !== HOST);
    const looked = [HOST, ...this.#unseen.splice(0, NAMESPACES_A_LOOK)];
    const parameters = looked.map((namespace) => [namespace, wanted.get(namespace) ?? []] as const);
    for (const item of readSysctls(parameters)) {
      const should = reconciler.desired.get(item.key);
      if (item.type !== 'sysctl' || should?.type !== 'sysctl' || item.value === should.value) continue;
      if (reconciler.stands(item.key)) this.#suspect(item.key, `${item.name} is ${item.value}`, item.namespace);
    }
  }

  #suspectItem(what: string, key: string, why: string): void {
    this.#suspect(what, why, this.#options.reconciler.desired.get(key)?.namespace);
  }

  #suspect(what: string, why: string, namespace: string | undefined): void {
    this.#suspicions.set(what, { why, namespace });
    if (this.#timer === undefined) this.#askIn(DEBOUNCE);
  }

  /** Asks for an audit after so many milliseconds, or when there is time for one again. */
  #askIn(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#refill();
      // Looked at only now: an audit that was under way when this was suspected has taken its part meanwhile.
      if (this.#suspicions.size > 0 && this.#allowance < 0) return this.#askIn(-this.#allowance / SHARE);
      const suspicions = [...this.#suspicions.values()];
      this.#suspicions.clear();
      if (suspicions.length === 0) return;
      const reasons = suspicions.slice(0, 5).map(({ why }) => why);
      this.#options.log.debug({ reasons }, 'the kernel is to be looked at');
      const namespaces = new Set(suspicions.flatMap(({ namespace }) => namespace ?? []));
      this.#options.audit(suspicions.some(({ namespace }) => namespace === undefined) ? 'everything' : namespaces);
    }, milliseconds);
    this.#timer.unref();
  }

  #refill(): void {
    const now = performance.now();
    this.#allowance = Math.min(BURST, this.#allowance + (now - this.#allowedAt) * SHARE);
    this.#allowedAt = now;
  }
}
