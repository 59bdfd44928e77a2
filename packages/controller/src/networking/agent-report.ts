import { randomUUID } from 'node:crypto';
import { badRequest } from '@portward/model/api-error.ts';
import type { AgentReport, StatusReport } from '@portward/model/feed.ts';
import type { JsonSchema } from '@portward/model/json-schema.ts';
import { z } from 'zod';
import { recordServerStatus } from '../compute/server-status.ts';
import { among } from '../store/among.ts';
import type { Store, Transaction } from '../store/store.ts';
import { adoptUnscheduled, agentTime } from './scheduling.ts';

/**
 * What a Portward agent shows itself as. Each has a program of its own in Neutron, by whose names clients know them
 * apart: Horizon takes two agents of a host with one name for the same.
 */
const AGENT_TYPES = [
  { agent_type: 'L3 agent', topic: 'l3_agent', binary: 'neutron-l3-agent' },
  { agent_type: 'DHCP agent', topic: 'dhcp_agent', binary: 'neutron-dhcp-agent' },
  { agent_type: 'Linux bridge agent', topic: 'N/A', binary: 'neutron-linuxbridge-agent' },
] as const;

const reportSchema = z.object({
  started_at: z.iso.datetime({ offset: true }),
  applied_seq: z.int().min(0),
  configurations: z.object({
    nat_backend: z.enum(['nftables', 'iptables']),
    bridge_mappings: z.record(z.string(), z.string()),
    machines: z.boolean(),
    misses: z.enum(['refuse', 'drop']).optional(),
    drift: z.int().min(0).optional(),
    drift_by_kind: z.record(z.string().max(64), z.int().min(0)).optional(),
  }),
  statuses: z
    .array(
      z.object({
        kind: z.enum(['port', 'router', 'floatingip', 'port_forwarding', 'server']),
        id: z.string().max(64),
        revision_number: z.int(),
        status: z.enum(['ACTIVE', 'DOWN', 'ERROR']),
        reason: z.string().max(1000).optional(),
      }),
    )
    .max(100_000),
});

/** The body of an agent's report, as a JSON Schema. */
export const reportJsonSchema = (): JsonSchema => z.toJSONSchema(reportSchema, { io: 'input' }) as JsonSchema;

/** Checks the body of an agent's report; throws 400. */
export function parseReport(body: unknown): AgentReport {
  const outcome = reportSchema.safeParse(body);
  if (!outcome.success) {
    const [issue] = outcome.error.issues;
    throw badRequest(`Agent report is wrong: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  return outcome.data as AgentReport;
}

/** Enters an agent's report: that it lives, and how its objects stand. Revisions of the objects do not change. */
export async function enterReport(store: Store, host: string, report: AgentReport): Promise<void> {
  await store.write(async (tx) => {
    await enterAgents(tx, host, report);
    await enterStatuses(tx, host, report.statuses);
  });
}

async function enterAgents(tx: Transaction, host: string, report: AgentReport): Promise<void> {
  const heartbeat = agentTime(new Date());
  const started = agentTime(new Date(report.started_at));
  const configurations = { ...report.configurations, applied_seq: report.applied_seq };
  const known = await tx.db.selectFrom('agents').select('agent_type').where('host', '=', host).execute();
  if (known.length > 0) {
    await tx.db
      .updateTable('agents')
      .set({ heartbeat_timestamp: heartbeat, started_at: started, configurations })
      .where('host', '=', host)
      .execute();
  }
  const missing = AGENT_TYPES.filter(({ agent_type: type }) => !known.some((row) => row.agent_type === type));
  if (missing.length === 0) return;
  await tx.db
    .insertInto('agents')
    .values(
      missing.map((type) => ({
        ...type,
        id: randomUUID(),
        host,
        admin_state_up: true,
        availability_zone: 'nova',
        created_at: heartbeat,
        started_at: started,
        heartbeat_timestamp: heartbeat,
        configurations,
        description: '',
      })),
    )
    .execute();
  await adoptUnscheduled(tx, host);
}

/** Rows of one statement: a statement takes a limited number of values. */
const ROWS = 1000;

/** Enters what a report says, kind by kind: the number of statements does not grow with the objects. */
async function enterStatuses(tx: Transaction, host: string, statuses: readonly StatusReport[]): Promise<void> {
  // Of an object that a report names twice the last word counts.
  const latest = new Map(statuses.map((status) => [`${status.kind}:${status.id}`, status]));
  for (const [kind, said] of Map.groupBy(latest.values(), (status) => status.kind)) {
    const known = await showStatuses(tx, host, kind, said);
    const rows = said
      .filter(({ id }) => known.has(id))
      .map(({ id, revision_number, status, reason = null }) => {
        return { kind, resource_id: id, host, revision_number, status, reason, updated_at: tx.now };
      });
    for (let start = 0; start < rows.length; start += ROWS) {
      await tx.db
        .insertInto('applied')
        .values(rows.slice(start, start + ROWS))
        .onConflict((conflict) =>
          conflict.columns(['kind', 'resource_id']).doUpdateSet(({ ref }) => ({
            host: ref('excluded.host'),
            revision_number: ref('excluded.revision_number'),
            status: ref('excluded.status'),
            reason: ref('excluded.reason'),
            updated_at: ref('excluded.updated_at'),
          })),
        )
        .execute();
    }
  }
}

/** A port is bound by whoever made its device: the host that has it says so. */
async function bindPorts(
  tx: Transaction,
  host: string,
  ids: readonly string[],
  status: StatusReport['status'],
): Promise<void> {
  const type = status === 'ERROR' ? 'binding_failed' : 'bridge';
  await tx.db
    .updateTable('ports')
    .set({ status, binding_vif_type: type, binding_vif_details: { port_filter: true } })
    .where(among('id', ids))
    .execute();
  if (status !== 'ACTIVE') return;
  await tx.db
    .updateTable('ports')
    .set({ binding_host_id: host })
    .where(among('id', ids))
    .where('binding_host_id', '=', '')
    .execute();
}

/** Where Neutron's objects of each kind are kept. */
const TABLES = {
  port: 'ports',
  router: 'routers',
  floatingip: 'floatingips',
  port_forwarding: 'port_forwardings',
} as const;

/**
 * Puts the word into the status that Neutron or Nova shows; gives the ids of those objects that are there at all. A
 * word that comes late changes nothing: a floating IP that no router has any more is DOWN.
 */
async function showStatuses(
  tx: Transaction,
  host: string,
  kind: StatusReport['kind'],
  said: readonly StatusReport[],
): Promise<Set<string>> {
  if (kind === 'server') {
    const known = new Set<string>();
    for (const { id, status } of said) if (await recordServerStatus(tx, { id, host, status })) known.add(id);
    return known;
  }
  for (const [status, alike] of Map.groupBy(said, (one) => one.status)) {
    const ids = alike.map(({ id }) => id);
    if (kind === 'port') await bindPorts(tx, host, ids, status);
    else if (kind === 'router') {
      await tx.db.updateTable('routers').set({ status }).where(among('id', ids)).execute();
    } else if (kind === 'floatingip') {
      await tx.db
        .updateTable('floatingips')
        .set({ status })
        .where(among('id', ids))
        .where('router_id', 'is not', null)
        .execute();
    }
  }
  const ids = said.map(({ id }) => id);
  const rows = await tx.db.selectFrom(TABLES[kind]).select('id').where(among('id', ids)).execute();
  return new Set(rows.map(({ id }) => id));
}
