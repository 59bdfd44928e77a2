import type { ObjectStatus } from '@portward/model/feed.ts';
import type { Transaction } from '../store/store.ts';

/** A server's status as the store has it. */
export type ServerStatus = 'BUILD' | 'ACTIVE' | 'SHUTOFF' | 'ERROR';

/** What a server is before anyone has said anything: one that a hypervisor elsewhere runs counts as running. */
export const initialStatus = (host: string): ServerStatus => (host === '' ? 'ACTIVE' : 'BUILD');

/** The status of a server that shall run again. */
export const startedStatus = (host: string, before: ServerStatus): ServerStatus => (host === '' ? 'ACTIVE' : before);

/** Nova's vm_state, power_state and task_state, which follow from the status and from whether the server shall run. */
export function statesOf({ status, running }: { status: string; running: boolean }): {
  vm: string;
  power: number;
  task: string | null;
} {
  switch (status) {
    case 'ACTIVE':
      return { vm: 'active', power: 1, task: null };
    case 'SHUTOFF':
      return { vm: 'stopped', power: 4, task: running ? 'powering-on' : null };
    case 'ERROR':
      return { vm: 'error', power: 0, task: null };
    default:
      return { vm: 'building', power: 0, task: 'spawning' };
  }
}

/** What an agent's word of a server makes of its status; undefined: nothing, it speaks of what was wanted before. */
export function reportedStatus(reported: ObjectStatus, running: boolean): ServerStatus | undefined {
  if (reported === 'ERROR') return 'ERROR';
  if (reported === 'ACTIVE') return running ? 'ACTIVE' : undefined;
  return running ? undefined : 'SHUTOFF';
}

/**
 * Takes an agent's word of a server; answers whether its host runs that server at all. Not a change of the server:
 * `updated` stays, and the feed does not carry it.
 */
export async function recordServerStatus(
  { db }: Transaction,
  report: { readonly id: string; readonly host: string; readonly status: ObjectStatus },
): Promise<boolean> {
  const row = await db
    .selectFrom('servers')
    .select(['running', 'status'])
    .where('id', '=', report.id)
    .where('host', '=', report.host)
    .executeTakeFirst();
  if (row === undefined) return false;
  const status = reportedStatus(report.status, row.running);
  if (status !== undefined && status !== row.status) {
    await db.updateTable('servers').set({ status }).where('id', '=', report.id).execute();
  }
  return true;
}
