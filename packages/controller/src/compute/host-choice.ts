import { isAlive } from '../networking/scheduling.ts';
import type { Reader } from '../store/store.ts';
import { findFlavor } from './flavors.ts';

/** A host with an agent that can play VMs. */
export interface MachineHost {
  readonly host: string;
  readonly availabilityZone: string;
  readonly heartbeat: string;
  readonly alive: boolean;
  readonly enabled: boolean;
}

/** Hosts whose agents play VMs, by name. */
export async function machineHosts(db: Reader, now: Date): Promise<MachineHost[]> {
  const rows = await db
    .selectFrom('agents')
    .select(['host', 'availability_zone', 'heartbeat_timestamp', 'configurations', 'admin_state_up'])
    .where('agent_type', '=', 'Linux bridge agent')
    .orderBy('host')
    .execute();
  return rows
    .filter((row) => row.configurations.machines === true)
    .map((row) => ({
      host: row.host,
      availabilityZone: row.availability_zone,
      heartbeat: row.heartbeat_timestamp,
      alive: isAlive(row.heartbeat_timestamp, now),
      enabled: row.admin_state_up,
    }));
}

/**
 * The host that a new server goes to: of those that play VMs and have been heard of lately, the one with the fewest
 * servers. Empty when there is none: a hypervisor that is not ours will run the server.
 */
export async function chooseHost(db: Reader, now: Date): Promise<string> {
  const hosts = (await machineHosts(db, now)).filter(({ alive, enabled }) => alive && enabled).map(({ host }) => host);
  if (hosts.length <= 1) return hosts[0] ?? '';
  const loads = await db
    .selectFrom('servers')
    .select(['host', (expression) => expression.fn.countAll<number>().as('load')])
    .where('host', 'in', hosts)
    .groupBy('host')
    .execute();
  const load = new Map(loads.map((row) => [row.host, Number(row.load)]));
  return hosts.toSorted((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0) || (a < b ? -1 : 1))[0] as string;
}

/** What the servers of a host have of it. */
export interface HostUse {
  readonly servers: number;
  readonly vcpus: number;
  /** MiB. */
  readonly ram: number;
  /** GiB. */
  readonly disk: number;
}

export const NO_USE: HostUse = { servers: 0, vcpus: 0, ram: 0, disk: 0 };

/** Two uses together. */
export const addUse = (a: HostUse, b: HostUse): HostUse => ({
  servers: a.servers + b.servers,
  vcpus: a.vcpus + b.vcpus,
  ram: a.ram + b.ram,
  disk: a.disk + b.disk,
});

/** What servers use, by host; hosts without servers are absent. */
export async function hostUses(db: Reader): Promise<Map<string, HostUse>> {
  const rows = await db
    .selectFrom('servers')
    .select(['host', 'flavor_id', (expression) => expression.fn.countAll<number>().as('count')])
    .where('host', '!=', '')
    .groupBy(['host', 'flavor_id'])
    .execute();
  const uses = new Map<string, HostUse>();
  for (const { host, flavor_id: flavorId, count } of rows) {
    const { vcpus = 0, ram = 0, disk = 0 } = findFlavor(flavorId) ?? {};
    const servers = Number(count);
    const use = { servers, vcpus: servers * vcpus, ram: servers * ram, disk: servers * disk };
    uses.set(host, addUse(uses.get(host) ?? NO_USE, use));
  }
  return uses;
}
