import { agent } from '@portward/model/agent.ts';
import { invalidInput } from '@portward/model/api-error.ts';
import { toBoolean } from '@portward/model/attribute.ts';
import { sql } from 'kysely';
import { updateRow } from './collection.ts';
import type { Rules } from './rules.ts';
import { AGENT_DOWN_SECONDS, abandonHost, agentTime, isAlive } from './scheduling.ts';

function toWanted(value: string): boolean {
  const converted = toBoolean(value);
  if (converted === undefined) throw invalidInput(`'${value}' cannot be converted to boolean`);
  return converted;
}

/** Rules of agents: they enter themselves by reporting; only admins see them. */
export const agentRules: Rules<typeof agent> = {
  definition: agent,
  adminWrites: true,

  visible: (query, { caller }) => (caller.isAdmin ? query : query.where(sql<boolean>`1 = 0`)),

  filters: {
    alive(query, values) {
      const oldest = agentTime(new Date(Date.now() - AGENT_DOWN_SECONDS * 1000));
      const wanted = values.map(toWanted);
      if (wanted.includes(true) && wanted.includes(false)) return query;
      return query.where('heartbeat_timestamp', wanted[0] ? '>' : '<=', oldest);
    },
  },

  load: async (_db, rows) =>
    rows.map((row) => ({
      ...row,
      alive: isAlive(row.heartbeat_timestamp),
      resources_synced: null,
      resource_versions: {},
    })),

  async update(tx, current, values) {
    await updateRow(tx, agent, current.id, values);
  },

  async remove(tx, current) {
    await tx.db.deleteFrom('agents').where('id', '=', current.id).execute();
    await abandonHost(tx, current.host, current.agent_type);
  },
};
