import { ROUTER_INTERFACE_OWNERS } from '@portward/model/port.ts';
import { compiledQuery } from '../store/compiled-query.ts';
import type { Reader } from '../store/store.ts';

const routersBetween = compiledQuery((db, { subnetId, networkId }: { subnetId: string; networkId: string }) =>
  db
    .selectFrom('fixed_ips')
    .innerJoin('ports', 'ports.id', 'fixed_ips.port_id')
    .innerJoin('routers', 'routers.id', 'ports.device_id')
    .innerJoin('subnets', 'subnets.id', 'fixed_ips.subnet_id')
    .select(['routers.id', 'fixed_ips.ip_address', 'subnets.gateway_ip'])
    .where('fixed_ips.subnet_id', '=', subnetId)
    .where('ports.device_owner', 'in', [...ROUTER_INTERFACE_OWNERS])
    .where('routers.gateway_network_id', '=', networkId)
    .orderBy('routers.created_at')
    .orderBy('routers.id'),
);

/**
 * The router that links a subnet to an external network: of those with an interface on the one and the gateway on the
 * other, the one whose interface has the subnet's gateway address, else the first (Neutron's choice).
 */
export async function routerBetween(
  db: Reader,
  subnetId: string,
  externalNetworkId: string,
): Promise<string | undefined> {
  const candidates = await routersBetween(db, { subnetId, networkId: externalNetworkId });
  return (candidates.find((row) => row.ip_address === row.gateway_ip) ?? candidates[0])?.id;
}
