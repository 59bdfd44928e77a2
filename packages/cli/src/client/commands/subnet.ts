import type { Json, JsonObject } from '../cell.ts';
import { listCell } from '../cell.ts';
import type { Call, Column, Command, ListChange, Option } from '../command.ts';
import { ClientError } from '../errors.ts';
import { network, poolsCell, routesCell, segment, subnet, subnetPool } from '../network-resources.ts';
import { projectOptions } from '../other-resources.ts';
import { keyValues } from '../parse.ts';
import { find, idOf } from '../resolve.ts';
import { TAG_FILTERS, TAGS_FOR_CREATE, TAGS_FOR_SET, TAGS_FOR_UNSET } from '../tags.ts';

const SUBNET = { name: 'subnet', help: 'Subnet (name or ID)' };

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'Network', attr: 'network_id' },
  { title: 'Subnet', attr: 'cidr' },
];

const long: readonly Column[] = [
  { title: 'Project', attr: 'project_id' },
  { title: 'DHCP', attr: 'enable_dhcp' },
  { title: 'Name Servers', attr: 'dns_nameservers', cell: listCell },
  { title: 'Allocation Pools', attr: 'allocation_pools', cell: poolsCell },
  { title: 'Host Routes', attr: 'host_routes', cell: routesCell },
  { title: 'IP Version', attr: 'ip_version' },
  { title: 'Gateway', attr: 'gateway_ip' },
  { title: 'Service Types', attr: 'service_types', cell: listCell },
  { title: 'Tags', attr: 'tags', cell: listCell },
];

const DHCP: readonly Option[] = [
  { flag: '--dhcp', help: 'With DHCP', attr: 'enable_dhcp', value: true, group: 'dhcp' },
  { flag: '--no-dhcp', help: 'Without DHCP', attr: 'enable_dhcp', value: false, group: 'dhcp' },
];

const IPV6_MODES = ['dhcpv6-stateful', 'dhcpv6-stateless', 'slaac'];

/** `destination=…,gateway=…` as the API's route. */
export function route(text: string): Json {
  const { destination = '', gateway = '' } = keyValues(text);
  return { destination, nexthop: gateway };
}

/** Lists that `set` adds to and `unset` takes from. */
const LISTED: readonly Option[] = [
  {
    flag: '--allocation-pool',
    metavar: 'start=<ip>,end=<ip>',
    repeat: true,
    help: 'Addresses given to ports (may be repeated)',
    attr: 'allocation_pools',
    keys: { required: ['start', 'end'] },
    convert: (text) => keyValues(text),
  },
  {
    flag: '--dns-nameserver',
    metavar: '<ip>',
    repeat: true,
    help: 'DNS server (may be repeated)',
    attr: 'dns_nameservers',
  },
  {
    flag: '--host-route',
    metavar: 'destination=<cidr>,gateway=<ip>',
    repeat: true,
    help: 'Route given to VMs (may be repeated)',
    attr: 'host_routes',
    keys: { required: ['destination', 'gateway'] },
    convert: route,
  },
  {
    flag: '--service-type',
    metavar: '<type>',
    repeat: true,
    help: 'Device owner it serves',
    attr: 'service_types',
  },
];

const PUBLISH: readonly Option[] = [
  {
    flag: '--dns-publish-fixed-ip',
    help: 'Publish addresses in DNS',
    attr: 'dns_publish_fixed_ip',
    value: true,
    group: 'publish',
  },
  {
    flag: '--no-dns-publish-fixed-ip',
    help: 'Do not publish them',
    attr: 'dns_publish_fixed_ip',
    value: false,
    group: 'publish',
  },
];

const SEGMENT: Option = {
  flag: '--network-segment',
  metavar: '<segment>',
  help: 'Segment of the network (name or ID)',
  attr: 'segment_id',
  find: segment,
};

const LISTS: readonly ListChange[] = [
  { attr: 'dns_nameservers', clear: '--no-dns-nameservers', name: 'dns-nameserver', givenFirst: true },
  { attr: 'host_routes', clear: '--no-host-route', name: 'host-route', givenFirst: true },
  { attr: 'allocation_pools', clear: '--no-allocation-pool', name: 'allocation-pool', givenFirst: true },
  { attr: 'service_types', name: 'service-type', givenFirst: true },
];

/**
 * Settles where a new subnet's addresses come from.
 *
 * @throws ClientError when there is no IPv6 pool that the API could take.
 */
async function complete(attrs: JsonObject, call: Call): Promise<void> {
  const { values, session } = call;
  gateway(attrs, call);
  if (values.has('--use-prefix-delegation')) attrs.subnetpool_id = 'prefix_delegation';
  if (values.has('--use-default-subnet-pool')) attrs.use_default_subnetpool = true;
  const pool = values.text('--subnet-pool');
  if (pool === undefined) return;
  const found = await find(session, subnetPool, pool);
  attrs.subnetpool_id = idOf(found);
  attrs.ip_version = found.ip_version ?? null;
}

/** `auto` lets the API choose the gateway, `none` wants none. */
function gateway(attrs: JsonObject, { values }: Call): void {
  const text = (values.text('--gateway') ?? 'auto').toLowerCase();
  if (text !== 'auto') attrs.gateway_ip = text === 'none' ? null : text;
}

/**
 * A gateway that there is cannot become one that the API chooses.
 *
 * @throws ClientError for `auto`.
 */
function changedGateway(attrs: JsonObject, call: Call): void {
  if (call.values.text('--gateway')?.toLowerCase() === 'auto') {
    throw new ClientError('Auto option is not available for Subnet Set. Valid options are <ip-address> or none');
  }
  gateway(attrs, call);
}

/** `subnet …` */
export const commands: readonly Command[] = [
  {
    words: 'subnet create',
    help: 'Create a subnet',
    example: 'subnet create --network private --subnet-range 192.168.2.0/24 private-subnet',
    arguments: [{ name: 'name', help: 'Name', attr: 'name' }],
    options: [
      { flag: '--network', metavar: '<network>', required: true, help: 'Network', attr: 'network_id', find: network },
      { flag: '--subnet-range', metavar: '<cidr>', help: 'Addresses, as CIDR', attr: 'cidr' },
      ...projectOptions('Whose it is (name or ID)'),
      ...DHCP,
      { flag: '--gateway', metavar: '<gateway>', help: 'Address of the gateway, auto (default) or none' },
      {
        flag: '--ip-version',
        metavar: '<version>',
        help: '4 (default) or 6',
        integer: true,
        choices: ['4', '6'],
        attr: 'ip_version',
      },
      { flag: '--ipv6-ra-mode', metavar: '<mode>', help: 'RA mode', choices: IPV6_MODES, attr: 'ipv6_ra_mode' },
      {
        flag: '--ipv6-address-mode',
        metavar: '<mode>',
        help: 'IPv6 address mode',
        choices: IPV6_MODES,
        attr: 'ipv6_address_mode',
      },
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      ...LISTED,
      SEGMENT,
      {
        flag: '--subnet-pool',
        metavar: '<subnet-pool>',
        help: 'Pool its addresses come from (name or ID)',
        group: 'pool',
      },
      { flag: '--use-prefix-delegation', metavar: '<pool>', help: 'IPv6: prefix delegation', group: 'pool' },
      { flag: '--use-default-subnet-pool', help: 'The default pool of its IP version', group: 'pool' },
      { flag: '--prefix-length', metavar: '<length>', help: 'Length from a subnet pool', attr: 'prefixlen' },
      ...PUBLISH,
      ...TAGS_FOR_CREATE,
    ],
    action: { do: 'create', resource: subnet, start: { ip_version: 4 }, finish: complete },
  },
  {
    words: 'subnet list',
    help: 'List subnets',
    example: 'subnet list --network private',
    options: [
      { flag: '--long', help: 'More columns' },
      {
        flag: '--ip-version',
        metavar: '<version>',
        help: 'Of this IP version',
        integer: true,
        choices: ['4', '6'],
        attr: 'ip_version',
      },
      ...DHCP,
      { flag: '--service-type', metavar: '<type>', repeat: true, help: 'For this service', attr: 'service_types' },
      ...projectOptions('Of this project (name or ID)'),
      { flag: '--network', metavar: '<network>', help: 'Of this network', attr: 'network_id', find: network },
      { flag: '--gateway', metavar: '<ip>', help: 'With this gateway', attr: 'gateway_ip' },
      { flag: '--name', metavar: '<name>', help: 'With this name', attr: 'name' },
      { flag: '--subnet-range', metavar: '<cidr>', help: 'With this CIDR', attr: 'cidr' },
      {
        flag: '--subnet-pool',
        metavar: '<subnet-pool>',
        help: 'Whose addresses come from this pool (name or ID)',
        attr: 'subnetpool_id',
        find: subnetPool,
      },
      ...TAG_FILTERS,
    ],
    action: { do: 'list', resource: subnet, columns, long },
  },
  {
    words: 'subnet show',
    help: 'Show a subnet',
    example: 'subnet show private-subnet',
    arguments: [SUBNET],
    action: { do: 'show', resource: subnet },
  },
  {
    words: 'subnet set',
    help: 'Change a subnet; name servers, routes and pools given are added to those it has',
    example: 'subnet set --dns-nameserver 192.0.2.53 private-subnet',
    arguments: [SUBNET],
    options: [
      { flag: '--name', metavar: '<name>', help: 'New name', attr: 'name' },
      ...DHCP,
      ...PUBLISH,
      { flag: '--gateway', metavar: '<gateway>', help: 'Address of the gateway, or none' },
      SEGMENT,
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      ...LISTED,
      { flag: '--no-allocation-pool', help: 'Forget its allocation pools first' },
      { flag: '--no-dns-nameservers', help: 'Forget its name servers first' },
      { flag: '--no-host-route', help: 'Forget its host routes first' },
      ...TAGS_FOR_SET,
    ],
    action: { do: 'set', resource: subnet, lists: LISTS, finish: changedGateway },
  },
  {
    words: 'subnet unset',
    help: 'Take name servers, routes, pools, its gateway or tags from a subnet',
    example: 'subnet unset --dns-nameserver 192.0.2.53 private-subnet',
    arguments: [SUBNET],
    options: [
      ...LISTED,
      { flag: '--gateway', help: 'Its gateway', attr: 'gateway_ip', value: null },
      ...TAGS_FOR_UNSET,
    ],
    action: { do: 'unset', resource: subnet, lists: LISTS },
  },
  {
    words: 'subnet delete',
    help: 'Delete subnets',
    example: 'subnet delete private-subnet',
    arguments: [{ ...SUBNET, many: true }],
    action: { do: 'delete', resource: subnet },
  },
];
