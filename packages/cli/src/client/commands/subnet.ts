import type { Json, JsonObject } from '../cell.ts';
import { listCell } from '../cell.ts';
import type { Call, Column, Command, Option } from '../command.ts';
import { network, poolsCell, routesCell, subnet } from '../network-resources.ts';
import { projectOptions } from '../other-resources.ts';
import { keyValues } from '../parse.ts';
import { TAG_FILTERS, TAGS_FOR_CREATE } from '../tags.ts';

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

/** `auto` lets the API choose the gateway, `none` wants none. */
function gateway(attrs: JsonObject, { values }: Call): void {
  const text = (values.text('--gateway') ?? 'auto').toLowerCase();
  if (text !== 'auto') attrs.gateway_ip = text === 'none' ? null : text;
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
      { flag: '--prefix-length', metavar: '<length>', help: 'Length from a subnet pool', attr: 'prefixlen' },
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
      ...TAGS_FOR_CREATE,
    ],
    action: { do: 'create', resource: subnet, start: { ip_version: 4 }, finish: gateway },
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
    words: 'subnet delete',
    help: 'Delete subnets',
    example: 'subnet delete private-subnet',
    arguments: [{ ...SUBNET, many: true }],
    action: { do: 'delete', resource: subnet },
  },
];
