import { type Cidr, cidrsOverlap, parseCidr } from '@portward/model/ip-address.ts';
import { DEVICE_OWNER, ROUTER_INTERFACE_OWNERS } from '@portward/model/port.ts';
import { among } from '../store/among.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { loadAddresses } from './address-allocation.ts';
import { badResource } from './errors.ts';
import { createPort, deletePort } from './port-record.ts';

/** A router's ports on internal networks. */
export async function ownInterfaces(db: Reader, routerId: string): Promise<{ id: string; network_id: string }[]> {
  return db
    .selectFrom('ports')
    .select(['id', 'network_id'])
    .where('device_id', '=', routerId)
    .where('device_owner', 'in', [...ROUTER_INTERFACE_OWNERS])
    .orderBy('created_at')
    .orderBy('id')
    .execute();
}

type Block = { id: string; cidr: string };

/** The subnets that ports have their addresses of. */
export async function subnetsOf(db: Reader, ports: readonly { id: string }[]): Promise<Block[]> {
  const addresses = await loadAddresses(
    db,
    ports.map((row) => row.id),
  );
  const ids = [...new Set([...addresses.values()].flat().map((item) => item.subnet_id))];
  return ids.length === 0 ? [] : db.selectFrom('subnets').select(['id', 'cidr']).where(among('id', ids)).execute();
}

/** Throws Neutron's 400 where a subnet is there already or shares addresses with one that is. */
export function refuseOverlap(added: readonly Block[], present: readonly Block[]): void {
  for (const row of added) {
    for (const other of present) {
      if (other.id === row.id) throw badResource('router', `Router already has a port on subnet ${row.id}`);
      if (cidrsOverlap(parseCidr(other.cidr) as Cidr, parseCidr(row.cidr) as Cidr)) {
        throw badResource(
          'router',
          `Cidr ${row.cidr} of subnet ${row.id} overlaps with cidr ${other.cidr} of subnet ${other.id}`,
        );
      }
    }
  }
}

/**
 * A distributed router with a gateway has, beside each interface, a port for the namespace that translates addresses;
 * any other has none.
 */
export async function ensureSnatPorts(tx: Transaction, routerId: string): Promise<void> {
  const current = await tx.db.selectFrom('routers').selectAll().where('id', '=', routerId).executeTakeFirstOrThrow();
  const present = await tx.db
    .selectFrom('ports')
    .select('id')
    .where('device_id', '=', routerId)
    .where('device_owner', '=', DEVICE_OWNER.routerSnat)
    .execute();
  const addresses = await loadAddresses(
    tx.db,
    present.map((row) => row.id),
  );
  const interfaces = await ownInterfaces(tx.db, routerId);
  const inside = await loadAddresses(
    tx.db,
    interfaces.map((row) => row.id),
  );
  const wanted = new Map<string, string>();
  if (current.distributed && current.gateway_port_id !== null) {
    for (const row of interfaces)
      for (const item of inside.get(row.id) ?? []) wanted.set(item.subnet_id, row.network_id);
  }
  for (const { id } of present) {
    const subnetId = addresses.get(id)?.[0]?.subnet_id ?? '';
    if (wanted.has(subnetId)) wanted.delete(subnetId);
    else await deletePort(tx, id);
  }
  for (const [subnetId, networkId] of wanted) {
    await createPort(tx, {
      project_id: '',
      network_id: networkId,
      fixed_ips: [{ subnet_id: subnetId }],
      device_id: routerId,
      device_owner: DEVICE_OWNER.routerSnat,
    });
  }
}
