import type { Config } from '@portward/model/config.ts';
import { network } from '@portward/model/network.ts';
import { port } from '@portward/model/port.ts';
import { securityGroup } from '@portward/model/security-group.ts';
import { type Caller, SYSTEM } from '../caller.ts';
import type { PortBinding, ServerNetworking, ServerPort, WantedPort } from '../compute/networking-port.ts';
import { among } from '../store/among.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { loadAddresses } from './address-allocation.ts';
import { type NewValues, updateObject } from './collection.ts';
import { portInUse } from './errors.ts';
import type { AnySelect } from './list-query.ts';
import { portRules, removePort } from './port.ts';
import { writeGroups } from './port-record.ts';
import { requireRoom } from './quota.ts';
import { ownOrShared, sharedWith } from './shared-access.ts';

/** Owner of a server's port: `compute:` and the availability zone. */
const SERVER_OWNER = 'compute:nova';

type GroupRow = ServerPort['security_groups'][number];

/** What Compute needs of Networking: ports of servers. */
export class ServerPorts implements ServerNetworking {
  readonly #settings: Config['networking'];

  constructor(settings: Config['networking']) {
    this.#settings = settings;
  }

  async networksFor(db: Reader, caller: Caller): Promise<{ id: string; name: string }[]> {
    const usable = ownOrShared(db.selectFrom('networks') as unknown as AnySelect, network, caller, 'access_as_shared');
    const rows = await usable
      .select(['id', 'name'])
      .where('router_external', '=', false)
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    return rows as { id: string; name: string }[];
  }

  async createPort(tx: Transaction, caller: Caller, wanted: WantedPort): Promise<string> {
    await requireRoom(tx, this.#settings, wanted.projectId, { port: 1 });
    const groups: string[] = [];
    for (const group of wanted.securityGroups)
      groups.push((await requireGroup(tx.db, caller, wanted.projectId, group)).id);
    const values: NewValues<typeof port> = {
      project_id: wanted.projectId,
      network_id: wanted.networkId,
      name: '',
      description: '',
      admin_state_up: true,
      device_id: wanted.serverId,
      device_owner: SERVER_OWNER,
      'binding:host_id': wanted.host,
      ...(wanted.fixedIp !== undefined && { fixed_ips: [{ ip_address: wanted.fixedIp }] as never }),
      ...(groups.length > 0 && { security_groups: groups }),
    };
    const create = portRules.create as NonNullable<typeof portRules.create>;
    const portId = await create(tx, values, { caller, settings: this.#settings });
    await attach(tx, portId, wanted.serverId);
    return portId;
  }

  async bindPort(tx: Transaction, caller: Caller, { portId, serverId, host }: PortBinding): Promise<void> {
    const row = await tx.db
      .selectFrom('ports')
      .select(['project_id', 'network_id', 'device_id'])
      .where('id', '=', portId)
      .limit(1)
      .executeTakeFirst();
    if (row === undefined || (!caller.isAdmin && row.project_id !== caller.projectId)) throw port.notFound(portId);
    if (row.device_id !== '') throw portInUse(portId, row.network_id, row.device_id);
    await updateObject(tx, port, portId, { device_id: serverId, device_owner: SERVER_OWNER, 'binding:host_id': host });
    await attach(tx, portId, serverId);
    tx.changed('port', portId);
  }

  async unbindPort(tx: Transaction, portId: string): Promise<void> {
    await tx.db.deleteFrom('server_interfaces').where('port_id', '=', portId).execute();
    await updateObject(tx, port, portId, {
      device_id: '',
      device_owner: '',
      'binding:host_id': '',
      'binding:vif_type': 'unbound',
      'binding:vif_details': {},
      status: 'DOWN',
    });
    tx.changed('port', portId);
  }

  async deletePort(tx: Transaction, portId: string): Promise<void> {
    await removePort(tx, portId, SYSTEM);
  }

  async portsOf(db: Reader, serverIds: readonly string[]): Promise<Map<string, ServerPort[]>> {
    const found = new Map<string, ServerPort[]>();
    if (serverIds.length === 0) return found;
    const rows = await db
      .selectFrom('ports')
      .innerJoin('networks', 'networks.id', 'ports.network_id')
      .select([
        'ports.id',
        'ports.device_id',
        'ports.network_id',
        'networks.name as network_name',
        'ports.mac_address',
        'ports.status',
      ])
      .where(among('ports.device_id', serverIds))
      .innerJoin('servers', 'servers.id', 'ports.device_id')
      // A port of another project that names the server is not the server's.
      .whereRef('ports.project_id', '=', 'servers.project_id')
      .where('ports.device_owner', 'like', 'compute:%')
      // Ports that were given to the server by Networking alone have no place of their own: they come first.
      .leftJoin('server_interfaces', (join) =>
        join
          .onRef('server_interfaces.port_id', '=', 'ports.id')
          .onRef('server_interfaces.server_id', '=', 'ports.device_id'),
      )
      .orderBy((by) => by.fn.coalesce('server_interfaces.position', by.lit(-1)))
      .orderBy('ports.created_at')
      .orderBy('ports.id')
      .execute();
    const ids = rows.map((row) => row.id);
    const addresses = await loadAddresses(db, ids);
    const [groups, floatingIps] = [await groupsOf(db, ids), await floatingIpsOf(db, ids)];
    for (const { device_id: serverId, ...row } of rows) {
      const item: ServerPort = {
        ...row,
        fixed_ips: addresses.get(row.id) ?? [],
        floating_ips: floatingIps.get(row.id) ?? [],
        security_groups: groups.get(row.id) ?? [],
      };
      found.set(serverId, [...(found.get(serverId) ?? []), item]);
    }
    return found;
  }

  async addSecurityGroup(tx: Transaction, caller: Caller, serverId: string, wanted: string): Promise<void> {
    const ports = (await this.portsOf(tx.db, [serverId])).get(serverId) ?? [];
    const group = await requireGroup(tx.db, caller, caller.projectId, wanted);
    for (const item of ports) {
      const present = item.security_groups.map(({ id }) => id);
      if (!present.includes(group.id)) await setGroups(tx, item.id, [...present, group.id]);
    }
  }

  async removeSecurityGroup(tx: Transaction, _caller: Caller, serverId: string, wanted: string): Promise<void> {
    const ports = (await this.portsOf(tx.db, [serverId])).get(serverId) ?? [];
    let removed = false;
    for (const item of ports) {
      const kept = item.security_groups.filter(({ id, name }) => id !== wanted && name !== wanted);
      if (kept.length === item.security_groups.length) continue;
      removed = true;
      await setGroups(
        tx,
        item.id,
        kept.map(({ id }) => id),
      );
    }
    if (!removed) throw securityGroup.notFound(wanted);
  }
}

/** Puts a port behind those that the server has. */
async function attach(tx: Transaction, portId: string, serverId: string): Promise<void> {
  const last = await tx.db
    .selectFrom('server_interfaces')
    .select(({ fn }) => fn.max('position').as('position'))
    .where('server_id', '=', serverId)
    .executeTakeFirst();
  const item = { port_id: portId, server_id: serverId, position: (last?.position ?? -1) + 1 };
  await tx.db.deleteFrom('server_interfaces').where('port_id', '=', portId).execute();
  await tx.db.insertInto('server_interfaces').values(item).execute();
}

async function setGroups(tx: Transaction, portId: string, groups: readonly string[]): Promise<void> {
  await writeGroups(tx, portId, groups);
  await updateObject(tx, port, portId, {});
  tx.changed('port', portId);
}

/** A group by name or id, of the project; by id also one that is shared with it or, for an admin, any. */
async function requireGroup(db: Reader, caller: Caller, projectId: string, wanted: string): Promise<{ id: string }> {
  const rows = await db
    .selectFrom('security_groups')
    .select(['id', 'project_id'])
    .where((where) =>
      where.or([
        where('id', '=', wanted),
        where.and([where('name', '=', wanted), where('project_id', '=', projectId)]),
      ]),
    )
    .execute();
  const own = rows.find((row) => caller.isAdmin || row.project_id === caller.projectId);
  if (own !== undefined) return own;
  const shared = await sharedWith(
    db,
    securityGroup,
    rows.map((row) => row.id),
    caller,
  );
  const found = rows.find((row) => shared.has(row.id));
  if (found === undefined) throw securityGroup.notFound(wanted);
  return found;
}

async function groupsOf(db: Reader, portIds: string[]): Promise<Map<string, GroupRow[]>> {
  const found = new Map<string, GroupRow[]>();
  if (portIds.length === 0) return found;
  const rows = await db
    .selectFrom('port_security_groups')
    .innerJoin('security_groups', 'security_groups.id', 'port_security_groups.security_group_id')
    .select([
      'port_security_groups.port_id',
      'security_groups.id',
      'security_groups.name',
      'security_groups.description',
      'security_groups.project_id',
    ])
    .where(among('port_security_groups.port_id', portIds))
    .orderBy('port_security_groups.position')
    .execute();
  for (const { port_id: portId, description, ...row } of rows) {
    found.set(portId, [...(found.get(portId) ?? []), { ...row, description: description ?? '' }]);
  }
  return found;
}

async function floatingIpsOf(db: Reader, portIds: string[]) {
  const found = new Map<string, { fixed_ip_address: string; floating_ip_address: string }[]>();
  if (portIds.length === 0) return found;
  const rows = await db
    .selectFrom('floatingips')
    .select(['port_id', 'fixed_ip_address', 'floating_ip_address'])
    .where(among('port_id', portIds))
    .execute();
  for (const { port_id: portId, fixed_ip_address: fixed, floating_ip_address: floating } of rows) {
    if (portId === null || fixed === null) continue;
    found.set(portId, [...(found.get(portId) ?? []), { fixed_ip_address: fixed, floating_ip_address: floating }]);
  }
  return found;
}
