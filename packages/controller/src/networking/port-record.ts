import { randomBytes } from 'node:crypto';
import { ApiError } from '@portward/model/api-error.ts';
import type { FixedIp, FixedIpRequest, Port } from '@portward/model/port.ts';
import { port } from '@portward/model/port.ts';
import { among } from '../store/among.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { allocateAddresses, writeAddresses } from './address-allocation.ts';
import { isRouterPort } from './automatic-address.ts';
import { insertObject } from './collection.ts';
import { groupsOfBothKinds, macInUse } from './errors.ts';
import { removeTags } from './tags.ts';

/** A port to be made, whoever asks for it. */
export interface NewPort {
  project_id: string;
  network_id: string;
  name?: string;
  description?: string;
  admin_state_up?: boolean;
  mac_address?: string | undefined;
  fixed_ips?: readonly FixedIpRequest[] | undefined;
  onlyIpv4?: boolean;
  device_id?: string;
  device_owner?: string;
  security_groups?: readonly string[];
  port_security_enabled?: boolean;
  status?: string;
  more?: Partial<Port>;
}

/** Tries for a MAC address that the network does not have yet. */
const MAC_TRIES = 16;

/** Makes a port with its addresses and groups; answers its id and addresses. Throws Neutron's 400s and 409s. */
export async function createPort(tx: Transaction, wanted: NewPort): Promise<{ id: string; fixed_ips: FixedIp[] }> {
  const mac = await chooseMac(tx.db, wanted.network_id, wanted.mac_address);
  const fixedIps = await allocateAddresses(tx, {
    networkId: wanted.network_id,
    mac,
    routerPort: isRouterPort(wanted.device_owner ?? wanted.more?.device_owner ?? ''),
    fixedIps: wanted.fixed_ips,
    onlyIpv4: wanted.onlyIpv4 ?? false,
  });
  const id = await insertObject(tx, port, {
    name: '',
    description: '',
    admin_state_up: true,
    device_id: '',
    device_owner: '',
    allowed_address_pairs: [],
    'binding:vnic_type': 'normal',
    'binding:host_id': '',
    'binding:profile': {},
    extra_dhcp_opts: [],
    dns_name: '',
    qos_policy_id: null,
    ...wanted.more,
    ...('name' in wanted && { name: wanted.name }),
    ...('description' in wanted && { description: wanted.description }),
    ...('admin_state_up' in wanted && { admin_state_up: wanted.admin_state_up }),
    ...('device_id' in wanted && { device_id: wanted.device_id }),
    ...('device_owner' in wanted && { device_owner: wanted.device_owner }),
    project_id: wanted.project_id,
    network_id: wanted.network_id,
    port_security_enabled: wanted.port_security_enabled ?? false,
    mac_address: mac,
    'binding:vif_type': 'unbound',
    'binding:vif_details': {},
    status: wanted.status ?? 'DOWN',
  } as Partial<Port> & { project_id: string });
  await writeAddresses(tx, id, wanted.network_id, fixedIps);
  await writeGroups(tx, id, wanted.security_groups ?? []);
  tx.changed('port', id);
  return { id, fixed_ips: fixedIps };
}

/** Writes a port's security groups in place of those it had. Throws 409 when some are stateful and some are not. */
export async function writeGroups(tx: Transaction, portId: string, groups: readonly string[]): Promise<void> {
  if (groups.length > 1) await requireOneKind(tx.db, groups);
  await tx.db.deleteFrom('port_security_groups').where('port_id', '=', portId).execute();
  if (groups.length === 0) return;
  await tx.db
    .insertInto('port_security_groups')
    .values(groups.map((group, position) => ({ port_id: portId, security_group_id: group, position })))
    .execute();
}

async function requireOneKind(db: Reader, groups: readonly string[]): Promise<void> {
  const kinds = await db
    .selectFrom('security_groups')
    .select('stateful')
    .distinct()
    .where(among('id', groups))
    .execute();
  if (kinds.length > 1) throw groupsOfBothKinds();
}

/** Removes a port and what hangs on its row. What refers to it (floating IPs, forwardings) must be gone already. */
export async function deletePort(tx: Transaction, id: string): Promise<void> {
  await removeTags(tx, id);
  await tx.db.deleteFrom('applied').where('kind', '=', 'port').where('resource_id', '=', id).execute();
  await tx.db.deleteFrom('ports').where('id', '=', id).execute();
  tx.deleted('port', id);
}

/** The wanted MAC address if the network has it not yet, or a random one of Neutron's range. */
export async function chooseMac(db: Reader, networkId: string, wanted: string | undefined): Promise<string> {
  if (wanted !== undefined) {
    if (await hasMac(db, networkId, wanted)) throw macInUse(networkId, wanted);
    return wanted;
  }
  for (let attempt = 0; attempt < MAC_TRIES; attempt++) {
    const mac = `fa:16:3e:${[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`;
    if (!(await hasMac(db, networkId, mac))) return mac;
  }
  throw new ApiError(503, 'MacAddressGenerationFailure', `Unable to generate unique mac on network ${networkId}.`);
}

async function hasMac(db: Reader, networkId: string, mac: string): Promise<boolean> {
  const row = await db
    .selectFrom('ports')
    .select('id')
    .where('network_id', '=', networkId)
    .where('mac_address', '=', mac)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
