import type { Reader } from '../store/store.ts';
import { isAlive } from './scheduling.ts';

/** A zone of hosts, as far as one kind of resource is concerned. */
export interface AvailabilityZone {
  name: string;
  resource: 'router' | 'network';
  state: 'available' | 'unavailable';
}

/** Which agents carry out what. */
const RESOURCES = { 'L3 agent': 'router', 'DHCP agent': 'network' } as const;

/** The zones that agents are in; available while one of its agents is alive and enabled. */
export async function availabilityZones(db: Reader): Promise<AvailabilityZone[]> {
  const agents = await db
    .selectFrom('agents')
    .select(['agent_type', 'availability_zone', 'admin_state_up', 'heartbeat_timestamp'])
    .where('agent_type', 'in', Object.keys(RESOURCES))
    .execute();
  const zones = new Map<string, AvailabilityZone>();
  for (const agent of agents) {
    const resource = RESOURCES[agent.agent_type as keyof typeof RESOURCES];
    const key = `${resource} ${agent.availability_zone}`;
    const available =
      (agent.admin_state_up && isAlive(agent.heartbeat_timestamp)) || zones.get(key)?.state === 'available';
    zones.set(key, { name: agent.availability_zone, resource, state: available ? 'available' : 'unavailable' });
  }
  return [...zones.values()];
}
