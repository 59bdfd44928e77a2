import { channel } from 'node:diagnostics_channel';
import type { CompiledQuery } from 'kysely';

/**
 * Tells each statement that a store runs, as `CompiledQuery`, to those who count or record them. Each dialect's
 * connection publishes here; without a listener that costs one look.
 */
export const statements = channel('portward:statement');

/** Tells the listeners, if there are any. */
export function announceStatement(query: CompiledQuery): void {
  if (statements.hasSubscribers) statements.publish(query);
}
