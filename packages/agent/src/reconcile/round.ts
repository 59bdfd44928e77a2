import type { Item } from '../layout/item.ts';
import type { Scope } from '../layout/scopes.ts';
import { type Operation, ofType } from './operation.ts';

/** Failed operations, by the key of their item, with the reason. */
export type Failures = Map<string, string>;

/** The operations of one round and what became of them. */
export class Round {
  readonly failures: Failures = new Map();
  readonly #byNamespace = new Map<string, Operation[]>();
  readonly #operations: readonly Operation[];
  readonly #failedScopes = new Map<Scope, string>();

  constructor(operations: readonly Operation[]) {
    this.#operations = operations;
    for (const operation of operations) {
      const found = this.#byNamespace.get(operation.item.namespace);
      if (found) found.push(operation);
      else this.#byNamespace.set(operation.item.namespace, [operation]);
    }
  }

  namespaces(): Iterable<string> {
    return this.#byNamespace.keys();
  }

  /** Operations of a type that have not failed. */
  all<T extends Item['type']>(type: T): Operation<Extract<Item, { type: T }>>[] {
    return ofType(this.#operations, type).filter(({ item }) => !this.failures.has(item.key));
  }

  /** Operations of a namespace that have not failed. */
  pending(namespace: string): Operation[] {
    const operations = this.#byNamespace.get(namespace) ?? [];
    return this.failures.size === 0 ? operations : operations.filter(({ item }) => !this.failures.has(item.key));
  }

  failureOf(scope: Scope): string | undefined {
    return this.#failedScopes.get(scope);
  }

  fail(operations: readonly Operation[], error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    for (const { item, scope } of operations) {
      this.failures.set(item.key, reason);
      if (!this.#failedScopes.has(scope)) this.#failedScopes.set(scope, reason);
    }
  }

  async attempt(operation: Operation, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.fail([operation], error);
    }
  }
}
