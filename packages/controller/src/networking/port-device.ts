import { ApiError } from '@portward/model/api-error.ts';
import { DEVICE_OWNER, type Port } from '@portward/model/port.ts';
import type { Caller } from '../caller.ts';
import type { Reader } from '../store/store.ts';

/** Whose device a port of each of these owners belongs to. */
const SERVICE_TABLES: ReadonlyMap<string, 'routers' | 'floatingips'> = new Map([
  [DEVICE_OWNER.routerInterface, 'routers'],
  [DEVICE_OWNER.distributedInterface, 'routers'],
  [DEVICE_OWNER.routerGateway, 'routers'],
  [DEVICE_OWNER.routerSnat, 'routers'],
  [DEVICE_OWNER.floatingIp, 'floatingips'],
]);

/** Owners that only the service itself gives to a port: the data plane trusts such ports. */
const SERVICE_OWNERS: ReadonlySet<string> = new Set(Object.values(DEVICE_OWNER));

type Device = Partial<Pick<Port, 'device_id' | 'device_owner'>>;

/** Whether the port is a router's or floating IP's that still exists. */
export async function isInService(
  db: Reader,
  { device_id: id, device_owner: owner }: Required<Device>,
): Promise<boolean> {
  const table = SERVICE_TABLES.get(owner);
  if (table === undefined) return false;
  return (await db.selectFrom(table).select('id').where('id', '=', id).limit(1).executeTakeFirst()) !== undefined;
}

/**
 * Throws unless the caller may give the port this device: nobody but the service makes ports that it trusts, and a
 * device of another project is nobody else's (Neutron: DeviceIDNotOwnedByTenant).
 */
export async function requireOwnDevice(
  db: Reader,
  wanted: Device,
  caller: Caller,
  verb: 'create' | 'update',
): Promise<void> {
  if (caller.isAdmin) return;
  if (wanted.device_owner !== undefined && SERVICE_OWNERS.has(wanted.device_owner)) {
    throw new ApiError(
      403,
      'PolicyNotAuthorized',
      `(rule:${verb}_port and rule:${verb}_port:device_owner) is disallowed by policy`,
    );
  }
  if (!wanted.device_id) return;
  for (const table of ['routers', 'servers'] as const) {
    const device = await db
      .selectFrom(table)
      .select('project_id')
      .where('id', '=', wanted.device_id)
      .limit(1)
      .executeTakeFirst();
    if (device === undefined || device.project_id === caller.projectId) continue;
    throw new ApiError(
      409,
      'DeviceIDNotOwnedByTenant',
      `The following device_id ${wanted.device_id} is not owned by your tenant or matches another tenants router.`,
    );
  }
}
