import { badRequest } from '@portward/model/api-error.ts';
import { pythonRepr } from '@portward/model/attribute.ts';
import { cidrContains } from '@portward/model/ip-address.ts';
import { DEVICE_OWNER, ROUTER_INTERFACE_OWNERS } from '@portward/model/port.ts';
import { router } from '@portward/model/router.ts';
import type { HostRoute } from '@portward/model/subnet.ts';
import { among } from '../store/among.ts';
import type { Reader } from '../store/store.ts';
import { loadAddresses } from './address-allocation.ts';
import { invalidRoutes, tooManyRoutes } from './errors.ts';

/** Most extra routes of one router (Neutron's limit). */
const MOST_ROUTES = 30;

/** Throws unless every route's next hop is on a network of the router. */
export async function checkRoutes(db: Reader, current: { id: string }, routes: readonly HostRoute[]): Promise<void> {
  if (routes.length > MOST_ROUTES) throw tooManyRoutes(current.id);
  const ports = await db
    .selectFrom('ports')
    .select('id')
    .where('device_id', '=', current.id)
    .where('device_owner', 'in', [...ROUTER_INTERFACE_OWNERS, DEVICE_OWNER.routerGateway])
    .execute();
  const addresses = [
    ...(
      await loadAddresses(
        db,
        ports.map((row) => row.id),
      )
    ).values(),
  ].flat();
  const subnetIds = addresses.map((item) => item.subnet_id);
  const cidrs =
    subnetIds.length === 0 ? [] : await db.selectFrom('subnets').select('cidr').where(among('id', subnetIds)).execute();
  for (const route of routes) {
    if (!cidrs.some(({ cidr }) => cidrContains(cidr, route.nexthop))) {
      throw invalidRoutes(pythonRepr([route]), 'the nexthop is not connected with router');
    }
    if (addresses.some((item) => item.ip_address === route.nexthop)) {
      throw invalidRoutes(pythonRepr([route]), 'the nexthop is used by router');
    }
  }
}

/** Routes of the body of add_extraroutes and remove_extraroutes. */
export function extraRoutes(body: Record<string, unknown>): HostRoute[] {
  const outcome = router.attributes.routes.schema.safeParse((body as { routes?: unknown }).routes);
  if (!outcome.success) throw badRequest(`Invalid input for routes. Reason: ${outcome.error.issues[0]?.message}.`);
  return outcome.data;
}
