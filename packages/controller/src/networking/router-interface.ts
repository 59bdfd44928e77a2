import { badRequest } from '@portward/model/api-error.ts';
import { isUuid, pythonText } from '@portward/model/attribute.ts';
import { cidrContains, ipVersion } from '@portward/model/ip-address.ts';
import { DEVICE_OWNER, type FixedIp, port } from '@portward/model/port.ts';
import { present } from '@portward/model/resource.ts';
import { router } from '@portward/model/router.ts';
import type { HostRoute } from '@portward/model/subnet.ts';
import { subnet } from '@portward/model/subnet.ts';
import { among } from '../store/among.ts';
import type { Database } from '../store/schema.ts';
import type { Reader, Store, Transaction } from '../store/store.ts';
import { allocateAddresses, loadAddresses, writeAddresses } from './address-allocation.ts';
import { type Collection, updateObject } from './collection.ts';
import {
  badResource,
  interfaceNeeded,
  interfaceRouted,
  noInterface,
  noInterfaceOnSubnet,
  portInUse,
  subnetMismatch,
} from './errors.ts';
import { checkRoutes, extraRoutes } from './extra-routes.ts';
import { requireNetwork } from './network-access.ts';
import { removePort } from './port.ts';
import { createPort } from './port-record.ts';
import { requireRoom } from './quota.ts';
import { ensureSnatPorts, ownInterfaces, refuseOverlap, subnetsOf } from './router-ports.ts';
import { type Context, forbidden, requireWriter } from './rules.ts';

type RouterRow = Database['routers'];
type Body = Record<string, unknown>;

/** The actions on a router that are no plain update: interfaces and extra routes. */
export class RouterActions {
  readonly #store: Store;
  readonly #routers: Collection<typeof router>;

  constructor(store: Store, routers: Collection<typeof router>) {
    this.#store = store;
    this.#routers = routers;
  }

  addInterface(id: string, body: Body, context: Context): Promise<Body> {
    return this.#change(id, context, async (tx, current) => {
      const { subnet_id: subnetId, port_id: portId } = checkInterfaceBody(body);
      if (portId !== undefined && subnetId !== undefined)
        throw badResource('router', 'Cannot specify both subnet-id and port-id');
      const made =
        portId !== undefined
          ? await this.#addPort(tx, current, portId, context)
          : await this.#addSubnet(tx, current, subnetId as string, context);
      await updateObject(tx, router, id, {});
      await ensureSnatPorts(tx, id);
      tx.changed('router', id);
      return interfaceBody(current, made, subnetId);
    });
  }

  removeInterface(id: string, body: Body, context: Context): Promise<Body> {
    return this.#change(id, context, async (tx, current) => {
      const { subnet_id: subnetId, port_id: portId } = checkInterfaceBody(body);
      const interfaces = await ownInterfaces(tx.db, id);
      const addresses = await loadAddresses(
        tx.db,
        interfaces.map((row) => row.id),
      );
      const onSubnet = (row: { id: string }) =>
        (addresses.get(row.id) ?? []).some((item) => item.subnet_id === subnetId);
      const found = portId !== undefined ? interfaces.find((row) => row.id === portId) : interfaces.find(onSubnet);
      if (found === undefined)
        throw portId !== undefined ? noInterface(id, portId) : noInterfaceOnSubnet(id, subnetId as string);
      if (portId !== undefined && subnetId !== undefined && !onSubnet(found)) throw subnetMismatch(portId, subnetId);
      const fixedIps = addresses.get(found.id) ?? [];
      // By port all of it goes, by subnet what is of that subnet.
      const kept = portId === undefined ? fixedIps.filter((item) => item.subnet_id !== subnetId) : [];
      const gone = fixedIps.filter((item) => !kept.includes(item));
      for (const item of gone) await refuseNeeded(tx.db, current, item.subnet_id);
      if (kept.length === 0) await removePort(tx, found.id, context.caller);
      else await setAddresses(tx, found, kept);
      await updateObject(tx, router, id, {});
      await ensureSnatPorts(tx, id);
      tx.changed('router', id);
      return interfaceBody(current, { id: found.id, network_id: found.network_id, fixed_ips: gone }, subnetId);
    });
  }

  /** Adds or removes extra routes without touching others; answers the router. */
  changeRoutes(id: string, body: Body, context: Context, adding: boolean): Promise<Body> {
    const wanted = extraRoutes(body);
    const same = (a: HostRoute) => (b: HostRoute) => a.destination === b.destination && a.nexthop === b.nexthop;
    return this.#change(id, context, async (tx, current) => {
      const kept = current.routes.filter((route) => !wanted.some(same(route)));
      const routes = adding
        ? [...current.routes, ...wanted.filter((route) => !current.routes.some(same(route)))]
        : kept;
      if (adding) await checkRoutes(tx.db, current, routes);
      await updateObject(tx, router, id, { routes });
      tx.changed('router', id);
      return present(router, (await this.#routers.find(tx.db, id, context)) as Body, context.caller);
    });
  }

  #change<T>(id: string, context: Context, work: (tx: Transaction, current: RouterRow) => Promise<T>): Promise<T> {
    return this.#store.write(async (tx) => {
      const object = await this.#routers.find(tx.db, id, context);
      requireWriter('update', router, context.caller);
      if (!context.caller.isAdmin && object.project_id !== context.caller.projectId) throw forbidden('update', router);
      return work(tx, object as unknown as RouterRow);
    });
  }

  async #addSubnet(tx: Transaction, current: RouterRow, subnetId: string, { caller, settings }: Context) {
    const row = await tx.db.selectFrom('subnets').selectAll().where('id', '=', subnetId).limit(1).executeTakeFirst();
    if (row === undefined) throw subnet.notFound(subnetId);
    const network = await requireNetwork(tx.db, row.network_id, caller).catch(() => undefined);
    const owns = caller.isAdmin || [row.project_id, network?.project_id].includes(caller.projectId);
    if (network === undefined || (!owns && !network.shared)) throw subnet.notFound(subnetId);
    if (row.gateway_ip === null) throw badResource('router', 'Subnet for router interface must have a gateway IP');
    requireOwnAdvertisements(row);
    await refuseTaken(tx.db, current, [row]);
    const shared = row.ip_version === 6 ? await ipv6Interface(tx.db, current.id, row.network_id) : undefined;
    if (shared !== undefined) {
      const asked = [...shared.fixed_ips, { subnet_id: subnetId, ip_address: row.gateway_ip }];
      const next = await allocateAddresses(tx, {
        networkId: row.network_id,
        mac: shared.mac_address,
        routerPort: true,
        fixedIps: asked,
        present: shared.fixed_ips,
      });
      await setAddresses(tx, shared, next);
      return { id: shared.id, network_id: row.network_id, fixed_ips: next };
    }
    await requireRoom(tx, settings, current.project_id, { port: 1 });
    const made = await createPort(tx, {
      project_id: current.project_id,
      network_id: row.network_id,
      fixed_ips: [{ subnet_id: subnetId, ip_address: row.gateway_ip }],
      device_id: current.id,
      device_owner: interfaceOwner(current),
    });
    return { id: made.id, network_id: row.network_id, fixed_ips: made.fixed_ips };
  }

  async #addPort(tx: Transaction, current: RouterRow, portId: string, { caller }: Context) {
    const row = await tx.db.selectFrom('ports').selectAll().where('id', '=', portId).limit(1).executeTakeFirst();
    if (row === undefined || (!caller.isAdmin && row.project_id !== caller.projectId)) throw port.notFound(portId);
    if (row.device_id !== '') throw portInUse(portId, row.network_id, row.device_id);
    const fixedIps = (await loadAddresses(tx.db, [portId])).get(portId) ?? [];
    if (fixedIps.length === 0) throw badResource('router', 'Router port must have at least one fixed IP');
    const subnets = await tx.db
      .selectFrom('subnets')
      .selectAll()
      .where(
        among(
          'id',
          fixedIps.map((item) => item.subnet_id),
        ),
      )
      .execute();
    if (subnets.filter((item) => item.ip_version === 4).length > 1)
      throw badResource('router', 'Cannot have multiple IPv4 subnets on router port');
    for (const item of subnets) requireOwnAdvertisements(item);
    await refuseTaken(tx.db, current, subnets);
    await tx.db.deleteFrom('port_security_groups').where('port_id', '=', portId).execute();
    await updateObject(tx, port, portId, {
      device_id: current.id,
      device_owner: interfaceOwner(current),
      port_security_enabled: false,
    });
    tx.changed('port', portId);
    return { id: portId, network_id: row.network_id, fixed_ips: fixedIps };
  }
}

/** Ports of routers on IPv6 subnets of one network are one port. */
async function ipv6Interface(db: Reader, routerId: string, networkId: string) {
  const inside = (await ownInterfaces(db, routerId)).filter((row) => row.network_id === networkId);
  const addresses = await loadAddresses(
    db,
    inside.map((row) => row.id),
  );
  const found = inside.find((row) => addresses.get(row.id)?.some((item) => ipVersion(item.ip_address) === 6));
  if (found === undefined) return undefined;
  const { mac_address } = await db
    .selectFrom('ports')
    .select('mac_address')
    .where('id', '=', found.id)
    .executeTakeFirstOrThrow();
  return { ...found, mac_address, fixed_ips: addresses.get(found.id) ?? [] };
}

async function setAddresses(
  tx: Transaction,
  { id, network_id: networkId }: { id: string; network_id: string },
  fixedIps: readonly FixedIp[],
): Promise<void> {
  await writeAddresses(tx, id, networkId, fixedIps);
  await updateObject(tx, port, id, {});
  tx.changed('port', id);
}

/** Hosts that listen to another router's advertisements have no use for ours. */
function requireOwnAdvertisements(row: Database['subnets']): void {
  if (row.ipv6_ra_mode === null && row.ipv6_address_mode !== null) {
    throw badResource(
      'router',
      `IPv6 subnet ${row.id} configured to receive RAs from an external router cannot be added to Neutron Router.`,
    );
  }
}

const interfaceOwner = (row: RouterRow): string =>
  row.distributed ? DEVICE_OWNER.distributedInterface : DEVICE_OWNER.routerInterface;

function checkInterfaceBody(body: Body): { subnet_id?: string; port_id?: string } {
  const { subnet_id: subnetId, port_id: portId } = body;
  if (subnetId === undefined && portId === undefined) {
    throw badResource('router', 'Either subnet_id or port_id must be specified.');
  }
  for (const [key, value] of Object.entries({ subnet_id: subnetId, port_id: portId })) {
    if (value !== undefined && !isUuid(value))
      throw badRequest(`Invalid input for ${key}. Reason: '${pythonText(value)}' is not a valid UUID.`);
  }
  return {
    ...(subnetId !== undefined && { subnet_id: subnetId as string }),
    ...(portId !== undefined && { port_id: portId as string }),
  };
}

const interfaceBody = (
  current: RouterRow,
  made: { id: string; network_id: string; fixed_ips: readonly FixedIp[] },
  subnetId: string | undefined,
): Body => ({
  id: current.id,
  tenant_id: current.project_id,
  project_id: current.project_id,
  port_id: made.id,
  network_id: made.network_id,
  subnet_id: subnetId ?? made.fixed_ips[0]?.subnet_id,
  subnet_ids: made.fixed_ips.map((item) => item.subnet_id),
});

/** Throws where a subnet is the router's already, or its block is another's. */
async function refuseTaken(db: Reader, current: RouterRow, added: Database['subnets'][]): Promise<void> {
  const inside = await subnetsOf(db, await ownInterfaces(db, current.id));
  const outside =
    current.gateway_network_id === null
      ? []
      : await db
          .selectFrom('subnets')
          .select(['id', 'cidr'])
          .where('network_id', '=', current.gateway_network_id)
          .execute();
  for (const row of added) {
    if (row.network_id === current.gateway_network_id) {
      throw badResource('router', `Router already has its gateway on network ${row.network_id}`);
    }
  }
  refuseOverlap(added, [...inside, ...outside]);
}

/** An interface that floating IPs, forwardings or extra routes go through stays. */
async function refuseNeeded(db: Reader, current: RouterRow, subnetId: string): Promise<void> {
  const associated = await db
    .selectFrom('floatingips')
    .innerJoin('fixed_ips', (join) =>
      join
        .onRef('fixed_ips.port_id', '=', 'floatingips.port_id')
        .onRef('fixed_ips.ip_address', '=', 'floatingips.fixed_ip_address'),
    )
    .select('floatingips.id')
    .where('floatingips.router_id', '=', current.id)
    .where('fixed_ips.subnet_id', '=', subnetId)
    .limit(1)
    .executeTakeFirst();
  const forwarded = await db
    .selectFrom('port_forwardings')
    .innerJoin('floatingips', 'floatingips.id', 'port_forwardings.floatingip_id')
    .innerJoin('fixed_ips', (join) =>
      join
        .onRef('fixed_ips.port_id', '=', 'port_forwardings.internal_port_id')
        .onRef('fixed_ips.ip_address', '=', 'port_forwardings.internal_ip_address'),
    )
    .select('port_forwardings.id')
    .where('floatingips.router_id', '=', current.id)
    .where('fixed_ips.subnet_id', '=', subnetId)
    .limit(1)
    .executeTakeFirst();
  if (associated !== undefined || forwarded !== undefined) throw interfaceNeeded(subnetId, current.id);
  const { cidr } = await db.selectFrom('subnets').select('cidr').where('id', '=', subnetId).executeTakeFirstOrThrow();
  if (current.routes.some((route) => cidrContains(cidr, route.nexthop))) throw interfaceRouted(subnetId, current.id);
}
