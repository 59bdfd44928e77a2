import type { Json, JsonObject } from './cell.ts';
import {
  adminStateCell,
  type CellFormat,
  dictCell,
  dictListCell,
  dictText,
  eitherCell,
  isObject,
  listCell,
  pythonJson,
  Shaped,
} from './cell.ts';
import type { Field, Resource } from './command.ts';

/** Fields that every resource of the networking API has, sorted into the others by name. */
const STANDARD = ['created_at', 'description', 'id', 'name', 'project_id', 'revision_number', 'updated_at'];

function plain(...attrs: readonly string[]): Field[] {
  return attrs.map((attr) => ({ name: attr, attr }));
}

function field(name: string, attr: string, cell?: CellFormat): Field {
  return cell === undefined ? { name, attr } : { name, attr, cell };
}

const NETWORK_API = { service: 'network', uuidsOnly: true } as const;
/** What hosts have to do with. */
const CARRIED_OUT = { ...NETWORK_API, carriedOut: true } as const;

/** JSON on one line, as the openstack client shows a router's gateway. */
const jsonCell: CellFormat = (value) => new Shaped(pythonJson(value, undefined), value);

/** Routes, their next hop called gateway as in the options. */
export const routesCell: CellFormat = (value) => {
  if (!Array.isArray(value)) return new Shaped(null, null);
  return new Shaped(value.map((route) => (isObject(route) ? dictText(withGateway(route)) : '')).join('\n'), value);
};

function withGateway({ nexthop, ...route }: JsonObject): JsonObject {
  return nexthop === undefined ? route : { ...route, gateway: nexthop };
}

/** `first-last` of each pool. */
export const poolsCell: CellFormat = (value) => {
  const pools = Array.isArray(value) ? value.filter(isObject) : [];
  return new Shaped(pools.map((pool) => `${textOf(pool.start)}-${textOf(pool.end)}`).join(','), value);
};

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** A number that the API gives as text. */
export const numberCell: CellFormat = (value) =>
  typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;

/** Rules of a security group, without what is empty or names the group and project they are shown under. */
const rulesCell: CellFormat = (value) => {
  if (!Array.isArray(value)) return new Shaped(null, null);
  const hidden = ['security_group_id', 'tenant_id', 'project_id'];
  const kept = value.filter(isObject).map((rule) => {
    const entries = Object.entries(rule).filter(([key, item]) => !hidden.includes(key) && !isEmptyValue(item));
    return Object.fromEntries(entries);
  });
  return new Shaped(kept.map((rule) => dictText(rule)).join('\n'), value);
};

function isEmptyValue(value: Json): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === null || value === '' || value === 0 || value === false;
}

/** Whether an agent reports itself. */
export const aliveCell = eitherCell(':-)', 'XXX');

export const routerExternalCell = eitherCell('External', 'Internal');

/** Networks. */
export const network: Resource = {
  ...CARRIED_OUT,
  label: 'Network',
  plainName: 'network',
  collection: '/v2.0/networks',
  one: 'network',
  many: 'networks',
  tagged: true,
  fields: [
    ...plain(...STANDARD),
    field('admin_state_up', 'admin_state_up', adminStateCell),
    field('availability_zone_hints', 'availability_zone_hints', listCell),
    field('availability_zones', 'availability_zones', listCell),
    ...plain('dns_domain', 'ipv4_address_scope', 'ipv6_address_scope', 'is_default'),
    field('is_vlan_transparent', 'vlan_transparent'),
    ...plain('mtu', 'port_security_enabled', 'provider:network_type', 'provider:physical_network'),
    ...plain('provider:segmentation_id', 'qos_policy_id'),
    field('router:external', 'router:external', routerExternalCell),
    ...plain('segments', 'shared', 'status'),
    field('subnets', 'subnets', listCell),
    field('tags', 'tags', listCell),
  ],
};

/** Subnets. */
export const subnet: Resource = {
  ...CARRIED_OUT,
  label: 'Subnet',
  plainName: 'subnet',
  collection: '/v2.0/subnets',
  one: 'subnet',
  many: 'subnets',
  tagged: true,
  fields: [
    ...plain(...STANDARD, 'cidr', 'dns_publish_fixed_ip', 'enable_dhcp', 'gateway_ip', 'ip_version'),
    ...plain('ipv6_address_mode', 'ipv6_ra_mode', 'network_id', 'segment_id', 'subnetpool_id'),
    field('allocation_pools', 'allocation_pools', poolsCell),
    field('dns_nameservers', 'dns_nameservers', listCell),
    field('host_routes', 'host_routes', routesCell),
    field('service_types', 'service_types', listCell),
    field('tags', 'tags', listCell),
  ],
};

/** Ports. */
export const port: Resource = {
  ...CARRIED_OUT,
  label: 'Port',
  plainName: 'port',
  collection: '/v2.0/ports',
  one: 'port',
  many: 'ports',
  tagged: true,
  fields: [
    ...plain(...STANDARD, 'data_plane_status', 'device_id', 'device_owner', 'device_profile', 'dns_domain', 'dns_name'),
    ...plain('ip_allocation', 'mac_address', 'network_id', 'numa_affinity_policy', 'port_security_enabled'),
    ...plain('propagate_uplink_status', 'qos_network_policy_id', 'qos_policy_id', 'resource_request', 'status'),
    field('admin_state_up', 'admin_state_up', adminStateCell),
    field('allowed_address_pairs', 'allowed_address_pairs', dictListCell),
    field('binding_host_id', 'binding:host_id'),
    field('binding_profile', 'binding:profile', dictCell),
    field('binding_vif_details', 'binding:vif_details', dictCell),
    field('binding_vif_type', 'binding:vif_type'),
    field('binding_vnic_type', 'binding:vnic_type'),
    field('dns_assignment', 'dns_assignment', dictListCell),
    field('extra_dhcp_opts', 'extra_dhcp_opts', dictListCell),
    field('fixed_ips', 'fixed_ips', dictListCell),
    field('security_group_ids', 'security_groups', listCell),
    field('tags', 'tags', listCell),
    field('trunk_details', 'trunk_details'),
  ],
};

/** Routers. */
export const router: Resource = {
  ...CARRIED_OUT,
  label: 'Router',
  plainName: 'router',
  collection: '/v2.0/routers',
  one: 'router',
  many: 'routers',
  tagged: true,
  fields: [
    ...plain(...STANDARD, 'enable_ndp_proxy', 'flavor_id', 'status', 'tenant_id'),
    field('admin_state_up', 'admin_state_up', adminStateCell),
    field('availability_zone_hints', 'availability_zone_hints', listCell),
    field('availability_zones', 'availability_zones', listCell),
    { name: 'distributed', attr: 'distributed', ifPresent: true },
    field('external_gateway_info', 'external_gateway_info', jsonCell),
    { name: 'ha', attr: 'ha', ifPresent: true },
    { name: 'interfaces_info', attr: 'interfaces_info', cell: jsonCell, ifPresent: true },
    field('routes', 'routes', routesCell),
    field('tags', 'tags', listCell),
  ],
};

/** Floating IPs, named by their address. */
export const floatingIp: Resource = {
  ...CARRIED_OUT,
  label: 'FloatingIP',
  plainName: 'floating_ip',
  argument: 'floating-ip',
  collection: '/v2.0/floatingips',
  one: 'floatingip',
  many: 'floatingips',
  nameAttr: 'floating_ip_address',
  tagged: true,
  fields: [
    ...plain(...STANDARD.filter((attr) => attr !== 'name'), 'dns_domain', 'dns_name', 'fixed_ip_address'),
    ...plain('floating_ip_address', 'floating_network_id', 'port_id', 'qos_policy_id', 'router_id', 'status'),
    field('name', 'floating_ip_address'),
    field('port_details', 'port_details', (value) => (isObject(value) ? dictText(value) : value)),
    ...plain('subnet_id', 'tags'),
  ],
};

/** Port forwardings of one floating IP. */
export const portForwarding: Resource = {
  ...CARRIED_OUT,
  label: 'PortForwarding',
  plainName: 'floating IP port forwarding',
  pluralName: 'Port forwarding',
  collection: '/v2.0/floatingips/{parent}/port_forwardings',
  one: 'port_forwarding',
  many: 'port_forwardings',
  idsOnly: true,
  fields: plain(
    'description',
    'external_port',
    'external_port_range',
    'id',
    'internal_ip_address',
    'internal_port',
    'internal_port_id',
    'internal_port_range',
    'name',
    'protocol',
  ),
};

/** Security groups. */
export const securityGroup: Resource = {
  ...CARRIED_OUT,
  label: 'SecurityGroup',
  plainName: 'group',
  collection: '/v2.0/security-groups',
  one: 'security_group',
  many: 'security_groups',
  tagged: true,
  fields: [...plain(...STANDARD, 'stateful', 'tags'), field('rules', 'security_group_rules', rulesCell)],
};

/** Rules of security groups; they have no name. */
export const securityGroupRule: Resource = {
  ...CARRIED_OUT,
  label: 'SecurityGroupRule',
  plainName: 'rule',
  collection: '/v2.0/security-group-rules',
  one: 'security_group_rule',
  many: 'security_group_rules',
  idsOnly: true,
  fields: [
    ...plain(...STANDARD, 'direction', 'port_range_max', 'port_range_min', 'protocol', 'remote_address_group_id'),
    ...plain('remote_group_id', 'remote_ip_prefix', 'security_group_id'),
    field('ether_type', 'ethertype'),
    field('tags', 'tags', (value) => value ?? []),
  ],
};

/** Groups of addresses that rules refer to. */
export const addressGroup: Resource = {
  ...CARRIED_OUT,
  label: 'AddressGroup',
  plainName: 'address group',
  collection: '/v2.0/address-groups',
  one: 'address_group',
  many: 'address_groups',
  fields: plain('addresses', 'description', 'id', 'name', 'project_id'),
};

/** Scopes within which addresses are told apart. */
export const addressScope: Resource = {
  ...NETWORK_API,
  label: 'AddressScope',
  plainName: 'address scope',
  collection: '/v2.0/address-scopes',
  one: 'address_scope',
  many: 'address_scopes',
  fields: plain('id', 'ip_version', 'name', 'project_id', 'shared'),
};

/** Pools that subnets get their addresses from. */
export const subnetPool: Resource = {
  ...NETWORK_API,
  label: 'SubnetPool',
  plainName: 'subnet pool',
  collection: '/v2.0/subnetpools',
  one: 'subnetpool',
  many: 'subnetpools',
  tagged: true,
  fields: [
    ...plain(...STANDARD, 'address_scope_id', 'default_quota', 'ip_version', 'is_default'),
    ...['default_prefixlen', 'max_prefixlen', 'min_prefixlen'].map((attr) => field(attr, attr, numberCell)),
    field('shared', 'shared'),
    field('prefixes', 'prefixes', listCell),
    field('tags', 'tags', listCell),
  ],
};

/** Who may use an object of another project. */
export const rbacPolicy: Resource = {
  ...NETWORK_API,
  label: 'RBACPolicy',
  plainName: 'RBAC policy',
  pluralName: 'RBAC policies',
  namedBy: 'ID',
  collection: '/v2.0/rbac-policies',
  one: 'rbac_policy',
  many: 'rbac_policies',
  idsOnly: true,
  fields: [
    ...plain('action', 'id', 'object_id', 'object_type', 'project_id'),
    field('target_project_id', 'target_tenant'),
  ],
};

/** How many addresses a network has, and how many are taken. */
export const ipAvailability: Resource = {
  ...NETWORK_API,
  label: 'NetworkIPAvailability',
  plainName: 'IP availability',
  collection: '/v2.0/network-ip-availabilities',
  one: 'network_ip_availability',
  many: 'network_ip_availabilities',
  nameAttr: 'network_name',
  fields: [
    ...plain('network_id', 'network_name', 'project_id', 'total_ips', 'used_ips'),
    field('subnet_ip_availability', 'subnet_ip_availability', dictListCell),
  ],
};

/** Zones that agents are in. */
export const availabilityZone: Resource = {
  service: 'network',
  label: 'AvailabilityZone',
  plainName: 'availability zone',
  collection: '/v2.0/availability_zones',
  one: 'availability_zone',
  many: 'availability_zones',
};

/** What carries out the services of the networking API. */
export const serviceProvider: Resource = {
  service: 'network',
  label: 'ServiceProvider',
  plainName: 'service provider',
  collection: '/v2.0/service-providers',
  one: 'service_provider',
  many: 'service_providers',
};

/** Segments of networks, where a cloud has them. */
export const segment: Resource = {
  ...NETWORK_API,
  label: 'Segment',
  plainName: 'network segment',
  collection: '/v2.0/segments',
  one: 'segment',
  many: 'segments',
};

/** Agents of the data plane. */
export const agent: Resource = {
  ...NETWORK_API,
  label: 'Agent',
  plainName: 'network agent',
  collection: '/v2.0/agents',
  one: 'agent',
  many: 'agents',
  idsOnly: true,
  saysWhyMissing: true,
  namedBy: 'ID',
  fields: [
    ...plain('agent_type', 'availability_zone', 'binary', 'created_at', 'description', 'ha_state', 'host', 'id'),
    ...plain('resources_synced', 'started_at', 'topic'),
    field('admin_state_up', 'admin_state_up', adminStateCell),
    field('alive', 'alive', aliveCell),
    field('configuration', 'configurations'),
    field('last_heartbeat_at', 'heartbeat_timestamp'),
  ],
};

/** API extensions. */
export const extension: Resource = {
  service: 'network',
  label: 'Extension',
  plainName: 'extension',
  collection: '/v2.0/extensions',
  one: 'extension',
  many: 'extensions',
  nameAttr: 'alias',
};

/** Quality-of-service policies, where a cloud has them. */
export const qosPolicy: Resource = {
  ...NETWORK_API,
  label: 'QoSPolicy',
  plainName: 'qos policy',
  collection: '/v2.0/qos/policies',
  one: 'policy',
  many: 'policies',
};
