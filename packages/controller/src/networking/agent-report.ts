import { randomUUID } from 'node:crypto';
import { badRequest } from '@portward/model/api-error.ts';
import type { AgentReport, StatusReport } from '@portward/model/feed.ts';
import type { JsonSchema } from '@portward/model/json-schema.ts';
import { z } from 'zod';
import { recordServerStatus } from '../compute/server-status.ts';
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
    for (const status of report.statuses) await enterStatus(tx, host, status);
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

async function enterStatus(
  tx: Transaction,
  host: string,
  { kind, id, status, reason, revision_number }: StatusReport,
): Promise<void> {
  if (!(await showStatus(tx, host, kind, id, status))) return;
  await tx.db
    .insertInto('applied')
    .values({ kind, resource_id: id, host, revision_number, status, reason: reason ?? null, updated_at: tx.now })
    .onConflict((conflict) =>
      conflict
        .columns(['kind', 'resource_id'])
        .doUpdateSet({ host, revision_number, status, reason: reason ?? null, updated_at: tx.now }),
    )
    .execute();
}

/** A port is bound by whoever made its device: the host that has it says so. */
async function bindPort(tx: Transaction, host: string, id: string, status: StatusReport['status']): Promise<void> {
  const type = status === 'ERROR' ? 'binding_failed' : 'bridge';
  await tx.db
    .updateTable('ports')
    .set({ binding_vif_type: type, binding_vif_details: { port_filter: true } })
    .where('id', '=', id)
    .execute();
  if (status === 'ACTIVE') {
    await tx.db
      .updateTable('ports')
      .set({ binding_host_id: host })
      .where('id', '=', id)
      .where('binding_host_id', '=', '')
      .execute();
  }
}

/**
 * Puts the word into the status that Neutron or Nova shows; answers whether the object is there at all. A word that
 * comes late changes nothing: a floating IP that no router has any more is DOWN.
 */
async function showStatus(
  tx: Transaction,
  host: string,
  kind: StatusReport['kind'],
  id: string,
  status: StatusReport['status'],
): Promise<boolean> {
  const exists = async (table: 'ports' | 'routers' | 'floatingips' | 'port_forwardings'): Promise<boolean> =>
    (await tx.db.selectFrom(table).select('id').where('id', '=', id).limit(1).executeTakeFirst()) !== undefined;
  switch (kind) {
    case 'server':
      return recordServerStatus(tx, { id, host, status });
    case 'port_forwarding':
      return exists('port_forwardings');
    case 'floatingip':
      await tx.db
        .updateTable('floatingips')
        .set({ status })
        .where('id', '=', id)
        .where('router_id', 'is not', null)
        .execute();
      return exists('floatingips');
    case 'router':
      await tx.db.updateTable('routers').set({ status }).where('id', '=', id).execute();
      return exists('routers');
    case 'port':
      await tx.db.updateTable('ports').set({ status }).where('id', '=', id).execute();
      await bindPort(tx, host, id, status);
      return exists('ports');
  }
}
