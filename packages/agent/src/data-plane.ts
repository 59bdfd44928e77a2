import { gatewayNamespace } from '@portward/model/device-names.ts';
import type { FeedLine, Misses, NatBackend, StatusReport } from '@portward/model/feed.ts';
import type { Logger } from 'pino';
import type { FeedSource } from './feed-source.ts';
import type { KernelListener } from './kernel/events.ts';
import { Namespaces } from './kernel/namespaces.ts';
import { type KernelSource, KernelWatch } from './kernel-watch.ts';
import { Numbers } from './layout/numbers.ts';
import { allScopes, itemsOf, type Scope, scopesTouchedBy, scopesTouchedByTap } from './layout/scopes.ts';
import { agreementOf } from './layout/translation.ts';
import { gatewayPort, type World } from './layout/world.ts';
import { adoptNumbers } from './reconcile/adopt-numbers.ts';
import { Announcements } from './reconcile/announcements.ts';
import { Applier } from './reconcile/applier.ts';
import { Connections } from './reconcile/connections.ts';
import { recomputed, unlike } from './reconcile/differences.ts';
import { GuardedConnections } from './reconcile/guarded-connections.ts';
import { type Found, readBack, readSysctls } from './reconcile/read-back.ts';
import { Reconciler } from './reconcile/reconciler.ts';
import type { Services } from './reconcile/services.ts';
import { withDependents } from './reconcile/status-dependents.ts';
import { Statuses } from './reconcile/statuses.ts';
import { type Audited, Suspects } from './reconcile/suspects.ts';
import { Replica } from './replica.ts';
import { Reporter } from './reporter.ts';
import { Taps } from './taps.ts';

/** What the data plane of one host is made with. */
export interface DataPlaneOptions {
  /** Name of this host, by which the controller assigns it routers and networks. */
  readonly host: string;
  /** Physical network → bridge of the operator's. */
  readonly bridgeMappings: Readonly<Record<string, string>>;
  readonly natBackend: NatBackend;
  readonly misses: Misses;
  readonly machines: boolean;
  /** Seconds between two comparisons of the kernel with what it should be. */
  readonly auditSeconds: number;
  readonly source: FeedSource;
  readonly services: Services;
  readonly log: Logger;
  /** Starts to listen to the kernel. */
  readonly listen: (listener: KernelListener) => KernelSource;
}

/** So many scopes are dealt with before other work gets its turn: some milliseconds. */
const PART = 1000;

/** Pause before what could not be read is read again, milliseconds. */
const REREAD = 5000;

/** Follows the feed and keeps the kernel as it says. */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #log: Logger;
  readonly #namespaces = new Namespaces();
  readonly #announcements = new Announcements(this.#namespaces);
  readonly #reconciler: Reconciler;
  readonly #connections: Connections;
  readonly #guardedConnections: GuardedConnections;
  readonly #statuses = new Statuses();
  readonly #reporter: Reporter;
  readonly #taps = new Taps();
  #world: World;
  /** The snapshot that is coming in. */
  #staged: Replica | undefined;
  #isSynced = false;
  #everythingIsNew = false;
  readonly #suspects = new Suspects();
  #isFirstRound = true;
  readonly #touched = new Set<Scope>();
  #seq = 0;
  readonly #questions: PromiseWithResolvers<string[]>[] = [];
  #woken = Promise.withResolvers<void>();
  #stopped = false;
  #retry: NodeJS.Timeout | undefined;
  #rereading: NodeJS.Timeout | undefined;
  readonly #audit: NodeJS.Timeout;
  readonly #watch: KernelWatch;
  readonly #abort = new AbortController();
  #tasks: Promise<unknown>[] = [];

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#world = {
      replica: new Replica(),
      host: options.host,
      bridgeMappings: new Map(Object.entries(options.bridgeMappings)),
      natBackend: options.natBackend,
      misses: options.misses,
      taps: this.#taps.names,
      numbers: new Numbers(),
      machines: options.machines,
    };
    this.#reconciler = new Reconciler(
      new Applier(this.#namespaces, options.services, this.#announcements),
      options.log,
    );
    this.#connections = new Connections(
      this.#namespaces,
      (namespace) => agreementOf(this.#world, namespace),
      options.log,
    );
    this.#guardedConnections = new GuardedConnections(this.#namespaces, () => this.#world, options.log);
    this.#reporter = new Reporter(
      options.source,
      () => ({
        nat_backend: options.natBackend,
        misses: options.misses,
        bridge_mappings: { ...options.bridgeMappings },
        machines: options.machines,
        drift: this.drift,
        drift_by_kind: { ...this.#reconciler.driftByKind },
      }),
      options.log,
    );
    this.#suspects.add('everything');
    this.#audit = setInterval(() => this.#requestAudit('everything'), options.auditSeconds * 1000);
    this.#audit.unref();
    this.#watch = new KernelWatch({
      listen: options.listen,
      reconciler: this.#reconciler,
      services: options.services,
      log: options.log,
      hostDevices: (names) => {
        this.#taps.tell(names);
        this.#wake();
      },
      audit: (suspected) => this.#requestAudit(suspected),
    });
    this.#tasks = [this.#follow(), this.#work()];
  }

  /** Differences that audits found and nobody had announced. */
  get drift(): number {
    return this.#reconciler.drift;
  }

  /** Stops following; everything in the kernel stays as it is. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#audit);
    clearTimeout(this.#retry);
    clearTimeout(this.#rereading);
    this.#announcements.stop();
    this.#watch.stop();
    this.#abort.abort();
    this.#wake();
    await Promise.allSettled(this.#tasks);
    await this.#connections.idle();
    await this.#guardedConnections.idle();
    await this.#reporter.stop();
    this.#namespaces.close();
  }

  async #follow(): Promise<void> {
    try {
      await this.#options.source.follow(this.#abort.signal, (line) => {
        if (!this.#stopped) this.#take(line);
      });
    } catch (error) {
      this.#log.error({ error }, 'the feed cannot be followed any more');
    }
  }

  #take(line: FeedLine): void {
    switch (line.op) {
      case 'reset':
        this.#staged = new Replica();
        return;
      case 'synced':
        if (this.#staged) {
          this.#world = { ...this.#world, replica: this.#staged };
          this.#staged = undefined;
          this.#everythingIsNew = true;
          this.#statuses.reset();
        }
        this.#isSynced = true;
        break;
      case 'put':
        if (this.#staged) this.#staged.put(line);
        else this.#touch(this.#world.replica.put(line));
        break;
      case 'delete':
        if (this.#staged) this.#staged.delete(line.kind, line.id);
        else this.#touch(this.#world.replica.delete(line.kind, line.id));
        break;
      default:
        // A heartbeat, or what a newer controller says.
        return;
    }
    if (this.#staged) return;
    this.#seq = Math.max(this.#seq, line.seq);
    this.#wake();
  }

  #touch(change: ReturnType<Replica['put']>): void {
    if (change === undefined) return;
    for (const scope of scopesTouchedBy(this.#world, change)) this.#touched.add(scope);
    if (change.after === undefined) this.#statuses.forget(change.kind, change.id);
  }

  #lookAtDevices(): void {
    const { changed, gone } = this.#taps.look();
    this.#tapsChanged(changed);
    // Something of the agent's own that is gone although it is wanted.
    const { desired } = this.#reconciler;
    for (const name of gone) {
      const item = desired.get(desired.keyOfLink(name) ?? '');
      if (item !== undefined) this.#suspects.add([item.namespace]);
    }
  }

  #tapsChanged(names: readonly string[]): void {
    for (const name of names) {
      // A device that went and came again is another one, which is on no bridge.
      this.#reconciler.lost(`binding|${name}`);
      for (const scope of scopesTouchedByTap(this.#world, name)) this.#touched.add(scope);
    }
  }

  #requestAudit(suspected: Audited): void {
    this.#suspects.add(suspected);
    this.#wake();
  }

  #wake(): void {
    this.#woken.resolve();
  }

  async #work(): Promise<void> {
    while (!this.#stopped) {
      // What arrives together is taken in before this goes on, and goes into the same round.
      await this.#woken.promise;
      this.#woken = Promise.withResolvers<void>();
      if (this.#stopped) return;
      if (!this.#isSynced) continue;
      try {
        await this.#round();
        await this.#answer();
      } catch (error) {
        this.#log.error({ error }, 'a round failed');
        this.#suspects.add('everything');
        this.#retryIn(1000);
      }
    }
  }

  /**
   * Does what there is to do, then works everything out anew and reads the kernel back, and gives a line for each
   * difference: none when all is as it should be. Nothing is mended by it.
   */
  differences(): Promise<string[]> {
    const answer = Promise.withResolvers<string[]>();
    this.#questions.push(answer);
    this.#wake();
    return answer.promise;
  }

  async #answer(): Promise<void> {
    for (const { resolve, reject } of this.#questions.splice(0)) {
      try {
        const { items, unread } = await readBack(this.#readBackContext(), 'everything');
        for (const item of readSysctls(this.#reconciler.desired.sysctls())) items.push(item);
        const lines = [...unread].map(([namespace, reason]) => `${namespace} cannot be read: ${reason}`);
        lines.push(...recomputed(this.#world, this.#reconciler.desired), ...unlike(items, this.#reconciler));
        resolve(lines);
      } catch (error) {
        reject(error);
      }
    }
  }

  async #round(): Promise<void> {
    const seq = this.#seq;
    const start = performance.now();
    this.#lookAtDevices();
    const audited = this.#suspects.take();
    const found = audited && (await readBack(this.#readBackContext(), audited));
    if (found) {
      this.#tapsChanged(this.#taps.adopt(found.taps));
      if (this.#isFirstRound) adoptNumbers(this.#world.numbers, found.items);
    }
    const scopes = await this.#recompute();
    const driftBefore = this.drift;
    let turned: ReadonlySet<Scope> = new Set();
    if (found) {
      this.#compare(found);
      turned = this.#reconciler.doubt(found.unread, found.isRead);
      this.#readAgain(found);
    }
    const compared = performance.now();
    const result = await this.#reconciler.round();
    // After what there was to bring in: the kernel makes a notification of each element while anybody listens.
    if (found && audited) this.#watch.audited(found.items, audited, compared - start);
    const operations = result.operations.length;
    if (operations > 0) this.#log.debug({ operations, seq, milliseconds: performance.now() - start }, 'applied');
    this.#watch.follow(result.operations);
    if (this.#isFirstRound) this.#checkAllConnections();
    else {
      this.#connections.follow(result.operations);
      this.#guardedConnections.follow(result.operations);
    }
    this.#isFirstRound = false;
    // What failed may have failed because the kernel is not as it was thought to be.
    this.#suspects.add(result.doubtful);
    const retry = this.#reconciler.nextRetry();
    if (retry !== undefined) this.#retryIn(retry);
    turned = new Set([...turned, ...result.turned]);
    await this.#report(seq, new Set([...scopes, ...result.scopes, ...turned]), turned, this.drift > driftBefore);
  }

  /** Compares the kernel with what it should be. */
  #compare(found: Found): void {
    const { desired } = this.#reconciler;
    const parameters = [...desired.sysctls()].filter(([namespace]) => found.isRead(namespace));
    for (const item of readSysctls(parameters)) found.items.push(item);
    const unexpected = this.#reconciler.adopt(found.items, found.isRead);
    if (unexpected > 0) this.#log.warn({ unexpected }, 'the kernel was not as it should be');
    this.#world.numbers.retain((name) => this.#taps.names.has(name) || desired.wantsLink(name));
  }

  /** One namespace that cannot be read stops no other; it is tried again. */
  #readAgain({ unread }: Found): void {
    if (unread.size === 0) return;
    this.#log.error({ unread: Object.fromEntries(unread) }, 'namespaces cannot be read');
    clearTimeout(this.#rereading);
    this.#rereading = setTimeout(() => this.#requestAudit(new Set(unread.keys())), REREAD);
  }

  async #report(seq: number, scopes: Set<Scope>, turned: ReadonlySet<Scope>, drifted: boolean): Promise<void> {
    const news: StatusReport[] = [];
    for await (const part of inParts(withDependents(this.#world, scopes, turned))) {
      // After a snapshot all is news again, when it has been carried out.
      if (this.#everythingIsNew) break;
      // What changed while the round was under way is told after the next one: its new revision is not applied yet.
      const told = part.filter((scope) => !this.#touched.has(scope));
      for (const report of this.#statuses.news(this.#world, this.#reconciler, told)) news.push(report);
    }
    this.#reporter.tell(seq, this.#everythingIsNew ? [] : news, drifted);
  }

  /** Makes the desired state of all touched scopes anew; of all scopes after a snapshot. */
  async #recompute(): Promise<Set<Scope>> {
    const scopes = new Set(this.#touched);
    this.#touched.clear();
    // Once more if another snapshot has come meanwhile: nothing is to be made of a half of each.
    do {
      if (this.#everythingIsNew) {
        this.#everythingIsNew = false;
        for (const scope of this.#reconciler.desired.scopes()) scopes.add(scope);
        for (const scope of allScopes(this.#world)) scopes.add(scope);
      }
      for await (const part of inParts(scopes)) for (const scope of part) this.#want(scope);
    } while (this.#everythingIsNew);
    return scopes;
  }

  #want(scope: Scope): void {
    try {
      this.#reconciler.want(scope, itemsOf(this.#world, scope));
    } catch (error) {
      this.#log.error({ scope, error }, 'cannot tell what is wanted');
    }
  }

  #readBackContext(): Parameters<typeof readBack>[0] {
    return {
      namespaces: this.#namespaces,
      services: this.#options.services,
      mappedBridges: new Set(this.#world.bridgeMappings.values()),
      isKnownTap: (tap) => this.#world.replica.portsByTap.has(tap),
      namespaceOfPair: (tap) => {
        const { desired } = this.#reconciler;
        return desired.get(desired.keyOfLink(tap) ?? '')?.namespace;
      },
    };
  }

  /** The agent before this one may have been killed between a change of rules and the connections it concerned. */
  #checkAllConnections(): void {
    for (const router of this.#world.replica.all('router')) {
      // Where rules could not be brought in, connections are looked at when they are.
      const isIn = this.#reconciler.failureOf(`router:${router.id}`) === undefined;
      if (isIn && gatewayPort(this.#world, router) !== undefined) this.#connections.check(gatewayNamespace(router));
    }
    this.#guardedConnections.checkAll();
  }

  #retryIn(milliseconds: number): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#wake(), milliseconds + 1);
  }
}

/** Scopes in parts, between which others get their turn; few of them at once. */
async function* inParts(scopes: Iterable<Scope>): AsyncGenerator<Scope[]> {
  let part: Scope[] = [];
  for (const scope of scopes) {
    part.push(scope);
    if (part.length < PART) continue;
    yield part;
    part = [];
    await new Promise(setImmediate);
  }
  if (part.length > 0) yield part;
}
