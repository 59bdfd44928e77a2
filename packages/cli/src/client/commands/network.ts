import { adminStateCell, listCell } from '../cell.ts';
import type { Column, Command, Option } from '../command.ts';
import { agent, network, qosPolicy, routerExternalCell } from '../network-resources.ts';
import { projectOptions } from '../other-resources.ts';
import { findId, objectPath } from '../resolve.ts';
import { TAG_FILTERS, TAGS_FOR_CREATE, TAGS_FOR_SET, TAGS_FOR_UNSET } from '../tags.ts';

const NETWORK = { name: 'network', help: 'Network (name or ID)' };

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'Subnets', attr: 'subnets', cell: listCell },
];

const longOnly: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'Status', attr: 'status' },
  { title: 'Project', attr: 'project_id' },
  { title: 'State', attr: 'admin_state_up', cell: adminStateCell },
  { title: 'Shared', attr: 'shared' },
  { title: 'Subnets', attr: 'subnets', cell: listCell },
  { title: 'Network Type', attr: 'provider:network_type' },
  { title: 'Router Type', attr: 'router:external', cell: routerExternalCell },
  { title: 'Availability Zones', attr: 'availability_zones', cell: listCell },
  { title: 'Tags', attr: 'tags', cell: listCell },
];

const EXTERNAL: readonly Option[] = [
  {
    flag: '--external',
    help: 'External: floating IPs come from it',
    attr: 'router:external',
    value: true,
    group: 'ext',
  },
  { flag: '--internal', help: 'Internal', attr: 'router:external', value: false, group: 'ext' },
];

const STATE: readonly Option[] = [
  { flag: '--enable', help: 'Administratively up', attr: 'admin_state_up', value: true, group: 'state' },
  { flag: '--disable', help: 'Administratively down', attr: 'admin_state_up', value: false, group: 'state' },
];

const SHARE: readonly Option[] = [
  { flag: '--share', help: 'Shared with all projects', attr: 'shared', value: true, group: 'share' },
  { flag: '--no-share', help: 'Not shared', attr: 'shared', value: false, group: 'share' },
];

const CHANGEABLE: readonly Option[] = [
  ...SHARE,
  ...STATE,
  { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
  { flag: '--mtu', metavar: '<mtu>', help: 'Largest packet, in bytes', attr: 'mtu' },
  {
    flag: '--enable-port-security',
    help: 'Ports are filtered by default',
    attr: 'port_security_enabled',
    value: true,
    group: 'security',
  },
  {
    flag: '--disable-port-security',
    help: 'Ports are not filtered by default',
    attr: 'port_security_enabled',
    value: false,
    group: 'security',
  },
  ...EXTERNAL,
  { flag: '--default', help: 'The default external network', attr: 'is_default', value: true, group: 'default' },
  { flag: '--no-default', help: 'Not the default one', attr: 'is_default', value: false, group: 'default' },
  {
    flag: '--qos-policy',
    metavar: '<policy>',
    help: 'QoS policy',
    attr: 'qos_policy_id',
    find: qosPolicy,
    group: 'qos',
  },
  {
    flag: '--provider-network-type',
    metavar: '<type>',
    help: 'flat, vlan, vxlan, local',
    attr: 'provider:network_type',
  },
  {
    flag: '--provider-physical-network',
    metavar: '<name>',
    help: 'Physical network it lies on',
    attr: 'provider:physical_network',
  },
  { flag: '--provider-segment', metavar: '<id>', help: 'VLAN ID or VNI', attr: 'provider:segmentation_id' },
  { flag: '--dns-domain', metavar: '<domain>', help: 'DNS domain', attr: 'dns_domain' },
];

/** `network …` */
export const commands: readonly Command[] = [
  {
    words: 'network create',
    help: 'Create a network',
    wordsRefusals: true,
    example: 'network create --external --provider-network-type flat --provider-physical-network public public',
    arguments: [{ name: 'name', help: 'Name', attr: 'name' }],
    options: [
      ...CHANGEABLE,
      ...projectOptions('Whose it is (name or ID)'),
      {
        flag: '--availability-zone-hint',
        metavar: '<zone>',
        repeat: true,
        help: 'Availability zone (may be repeated)',
        attr: 'availability_zone_hints',
      },
      { flag: '--transparent-vlan', help: 'VLAN transparent', attr: 'vlan_transparent', value: true, group: 'vlan' },
      { flag: '--no-transparent-vlan', help: 'Not so', attr: 'vlan_transparent', value: false, group: 'vlan' },
      ...TAGS_FOR_CREATE,
    ],
    action: { do: 'create', resource: network, start: { admin_state_up: true } },
  },
  {
    words: 'network list',
    help: 'List networks',
    example: 'network list --external',
    options: [
      ...EXTERNAL,
      { flag: '--long', help: 'More columns' },
      { flag: '--name', metavar: '<name>', help: 'With this name', attr: 'name' },
      ...STATE,
      ...projectOptions('Of this project (name or ID)'),
      ...SHARE,
      {
        flag: '--status',
        metavar: '<status>',
        help: 'In this status',
        choices: ['ACTIVE', 'BUILD', 'DOWN', 'ERROR'],
        attr: 'status',
      },
      {
        flag: '--provider-network-type',
        metavar: '<type>',
        help: 'Of this type',
        choices: ['flat', 'geneve', 'gre', 'local', 'vlan', 'vxlan'],
        attr: 'provider:network_type',
      },
      {
        flag: '--provider-physical-network',
        metavar: '<name>',
        help: 'On this physical network',
        attr: 'provider:physical_network',
      },
      { flag: '--provider-segment', metavar: '<id>', help: 'With this segment', attr: 'provider:segmentation_id' },
      { flag: '--agent', metavar: '<agent-id>', help: 'Served by this DHCP agent (ID)' },
      ...TAG_FILTERS,
    ],
    action: {
      do: 'list',
      resource: network,
      columns,
      longOnly,
      path: async ({ values, session }) => {
        const named = values.text('--agent');
        return named === undefined
          ? undefined
          : `${objectPath(agent, await findId(session, agent, named))}/dhcp-networks`;
      },
    },
  },
  {
    words: 'network show',
    help: 'Show a network',
    wordsRefusals: true,
    example: 'network show public',
    arguments: [NETWORK],
    action: { do: 'show', resource: network },
  },
  {
    words: 'network set',
    help: 'Change a network',
    example: 'network set --name private2 private',
    arguments: [NETWORK],
    options: [
      { flag: '--name', metavar: '<name>', help: 'New name', attr: 'name' },
      ...CHANGEABLE,
      { flag: '--no-qos-policy', help: 'No QoS policy', attr: 'qos_policy_id', value: null, group: 'qos' },
      ...TAGS_FOR_SET,
    ],
    action: { do: 'set', resource: network },
  },
  {
    words: 'network unset',
    help: 'Take tags from a network',
    example: 'network unset --tag old private',
    arguments: [NETWORK],
    options: [...TAGS_FOR_UNSET],
    action: { do: 'unset', resource: network },
  },
  {
    words: 'network delete',
    help: 'Delete networks',
    example: 'network delete private',
    arguments: [{ ...NETWORK, many: true }],
    action: { do: 'delete', resource: network },
  },
];
