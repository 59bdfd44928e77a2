import {
  attribute,
  boolean,
  checkedBy,
  cidr,
  dictionary,
  ipAddress,
  listOf,
  nonNegative,
  nullable,
  oneOf,
  oneOfIntegers,
  onlyNull,
  pythonText,
  shapeOf,
  text,
  uuid,
} from './attribute.ts';
import { defineResource, description, identified, name, type ObjectOf, tags } from './resource.ts';

/** A range of addresses that ports get theirs from, both ends included. */
export interface AllocationPool {
  start: string;
  end: string;
}

/** A static route. */
export interface HostRoute {
  destination: string;
  nexthop: string;
}

const poolList = listOf(dictionary({ start: ipAddress(), end: ipAddress() })) as never as ReturnType<
  typeof listOf<AllocationPool>
>;

/** Ranges; unlike other lists, null is none. */
const allocationPools = checkedBy<AllocationPool[]>(shapeOf(poolList).answer, (value) => {
  if (!Array.isArray(value)) return { reason: `Invalid data format for IP pool: '${pythonText(value)}'` };
  const outcome = poolList.safeParse(value);
  return outcome.success ? { value: outcome.data } : { reason: outcome.error.issues[0]?.message ?? '' };
});

const routeList = listOf(dictionary({ destination: cidr(), nexthop: ipAddress() })) as never as ReturnType<
  typeof listOf<HostRoute>
>;

/** Static routes, each said once; null counts as none. */
export const hostRoutes = checkedBy<HostRoute[]>(shapeOf(routeList), (value) => {
  const outcome = routeList.safeParse(value);
  if (!outcome.success) return { reason: outcome.error.issues[0]?.message ?? '' };
  const seen = new Set<string>();
  for (const route of outcome.data) {
    const key = `${route.destination} ${route.nexthop}`;
    if (seen.has(key)) return { reason: `Duplicate hostroute '${pythonText(route)}'` };
    seen.add(key);
  }
  return { value: outcome.data };
});

const ipv6Mode = () => nullable(oneOf('dhcpv6-stateful', 'dhcpv6-stateless', 'slaac'));

/** A block of addresses of a network. */
export const subnet = defineResource({
  name: 'subnet',
  collection: 'subnets',
  doc: 'A block of addresses of a network, with what its ports are told by DHCP.',
  tagged: true,
  bulk: true,
  quota: 100,
  notFound: { type: 'SubnetNotFound', message: (id) => `Subnet ${id} could not be found.` },
  attributes: {
    ...identified,
    name,
    description,
    network_id: attribute(uuid(), { post: 'required', put: false, doc: 'Network' }),
    ip_version: attribute(oneOfIntegers<4 | 6>(4, 6), {
      storage: 'integer',
      post: 'required',
      put: false,
      doc: '4 or 6',
    }),
    cidr: attribute(cidr(), { put: false, doc: 'Block of addresses; host bits are masked' }),
    gateway_ip: attribute(nullable(ipAddress()), { doc: 'Router address; unset: the first host; null: none' }),
    allocation_pools: attribute(allocationPools, {
      storage: 'json',
      doc: 'Ranges for automatic addresses; unset: all but gateway, network and broadcast',
    }),
    enable_dhcp: attribute(boolean(), {
      storage: 'boolean',
      default: true,
      doc: 'Whether ports get their address by DHCP',
    }),
    dns_nameservers: attribute(listOf(ipAddress()), {
      storage: 'json',
      default: [],
      doc: 'Name servers for DHCP, at most 5',
    }),
    host_routes: attribute(hostRoutes, { storage: 'json', default: [], doc: 'Routes for DHCP, at most 20' }),
    ipv6_ra_mode: attribute(ipv6Mode(), { put: false, default: null, doc: 'Who sends router advertisements, and how' }),
    ipv6_address_mode: attribute(ipv6Mode(), { put: false, default: null, doc: 'How ports get IPv6 addresses' }),
    subnetpool_id: attribute(nullable(uuid()), { put: false, default: null, doc: 'Pool that the block came from' }),
    prefixlen: attribute(nullable(nonNegative()), {
      storage: 'computed',
      put: false,
      writeOnly: true,
      filter: false,
      doc: 'Prefix length of a block that the pool chooses; unset: the pool’s default',
    }),
    use_default_subnetpool: attribute(boolean(), {
      storage: 'computed',
      put: false,
      writeOnly: true,
      filter: false,
      default: false,
      doc: 'Take the block from the default pool',
    }),
    service_types: attribute(listOf(text(255)), { storage: 'json', default: [], doc: 'Device owners that it is for' }),
    segment_id: attribute(onlyNull('Segments'), {
      put: false,
      default: null,
      adminSet: true,
      adminView: true,
      doc: 'Always null',
    }),
    tags,
  },
});

export type Subnet = ObjectOf<typeof subnet>;
