import type { CompiledQuery } from 'kysely';
import { statements } from './statements.ts';

/** The statements that stores run while `work` does, in order; nothing else may use a store meanwhile. */
export async function statementsOf(work: () => Promise<unknown>): Promise<CompiledQuery[]> {
  const seen: CompiledQuery[] = [];
  const listener = (message: unknown): void => {
    seen.push(message as CompiledQuery);
  };
  statements.subscribe(listener);
  try {
    await work();
  } finally {
    statements.unsubscribe(listener);
  }
  return seen;
}
