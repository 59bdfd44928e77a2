import type { Json, JsonObject } from '../cell.ts';
import { dictListCell, isObject, listCell } from '../cell.ts';
import type { Call, Column, Command, Option } from '../command.ts';
import { extension, network, port, qosPolicy, router, securityGroup, subnet } from '../network-resources.ts';
import { projectOptions, server } from '../other-resources.ts';
import { keyValues } from '../parse.ts';
import { findId, listAll } from '../resolve.ts';
import { TAG_FILTERS, TAGS_FOR_CREATE, TAGS_FOR_SET, TAGS_FOR_UNSET } from '../tags.ts';
import { extraDhcpOption, mergeProfile, PORT_LISTS, removeProfileKeys } from './port-changes.ts';

const PORT = { name: 'port', help: 'Port (name or ID)' };

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'MAC Address', attr: 'mac_address' },
  { title: 'Fixed IP Addresses', attr: 'fixed_ips', cell: dictListCell },
  { title: 'Status', attr: 'status' },
];

const long: readonly Column[] = [
  // Asked for by the name the openstack client uses; answers carry it as security_groups or as asked.
  {
    title: 'Security Groups',
    attr: 'security_group_ids',
    from: (item) => listCell(item.security_groups ?? item.security_group_ids ?? null),
  },
  { title: 'Device Owner', attr: 'device_owner' },
  { title: 'Tags', attr: 'tags', cell: listCell },
];

const VNIC_TYPES = [
  'direct',
  'direct-physical',
  'macvtap',
  'normal',
  'baremetal',
  'virtio-forwarder',
  'vdpa',
  'remote-managed',
];

/** One fixed IP of an option as the API takes it. */
async function fixedIp(text: string, call: Call): Promise<Json> {
  const given = keyValues(text);
  const out: JsonObject = {};
  if (given.subnet) out.subnet_id = await findId(call.session, subnet, given.subnet);
  if (given['ip-address'] !== undefined) out.ip_address = given['ip-address'];
  return out;
}

/** One fixed IP of a filter: `subnet_id=…`, `ip_address=…`, `ip_address_substr=…`. */
async function fixedIpFilter(text: string, call: Call): Promise<Json> {
  const given = keyValues(text);
  const filters: string[] = [];
  if (given.subnet) filters.push(`subnet_id=${await findId(call.session, subnet, given.subnet)}`);
  if (given['ip-address'] !== undefined) filters.push(`ip_address=${given['ip-address']}`);
  if (given['ip-substring'] !== undefined) filters.push(`ip_address_substr=${given['ip-substring']}`);
  return filters;
}

function addressPair(text: string): Json {
  const given = keyValues(text);
  const mac = given['mac-address'];
  return { ip_address: given['ip-address'] ?? '', ...(mac === undefined ? {} : { mac_address: mac }) };
}

const FIXED_IP: Option = {
  flag: '--fixed-ip',
  metavar: 'subnet=<subnet>,ip-address=<ip>',
  repeat: true,
  help: 'Subnet and/or address (may be repeated)',
  attr: 'fixed_ips',
  keys: { optional: ['subnet', 'ip-address'] },
  convert: fixedIp,
};

const SECURITY_GROUP: Option = {
  flag: '--security-group',
  metavar: '<security-group>',
  repeat: true,
  help: 'Security group (name or ID; may be repeated)',
  attr: 'security_groups',
  find: securityGroup,
};

const ALLOWED_ADDRESS: Option = {
  flag: '--allowed-address',
  metavar: 'ip-address=<ip>[,mac-address=<mac>]',
  repeat: true,
  help: 'Further address it may use (may be repeated)',
  attr: 'allowed_address_pairs',
  keys: { required: ['ip-address'], optional: ['mac-address'] },
  convert: addressPair,
};

const NUMA: readonly Option[] = ['required', 'preferred', 'legacy'].map((policy) => ({
  flag: `--numa-policy-${policy}`,
  help: `NUMA affinity policy: ${policy}`,
  attr: 'numa_affinity_policy',
  value: policy,
  group: 'numa',
}));

const CHANGEABLE: readonly Option[] = [
  { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
  { flag: '--device', metavar: '<device-id>', help: 'ID of the device that uses it', attr: 'device_id' },
  { flag: '--mac-address', metavar: '<mac>', help: 'MAC address', attr: 'mac_address' },
  { flag: '--device-owner', metavar: '<owner>', help: 'Kind of device, e.g. compute:nova', attr: 'device_owner' },
  {
    flag: '--vnic-type',
    metavar: '<type>',
    help: `VNIC type: ${VNIC_TYPES.join(', ')}`,
    choices: VNIC_TYPES,
    attr: 'binding:vnic_type',
  },
  { flag: '--host', metavar: '<host>', help: 'Host it is bound to', attr: 'binding:host_id' },
  { flag: '--dns-domain', metavar: '<domain>', help: 'DNS domain', attr: 'dns_domain' },
  { flag: '--dns-name', metavar: '<name>', help: 'DNS name', attr: 'dns_name' },
  ...NUMA,
  { flag: '--enable', help: 'Administratively up', attr: 'admin_state_up', value: true, group: 'state' },
  { flag: '--disable', help: 'Administratively down', attr: 'admin_state_up', value: false, group: 'state' },
  { flag: '--binding-profile', metavar: '<key=value|JSON>', repeat: true, help: 'Binding profile (may be repeated)' },
  { flag: '--qos-policy', metavar: '<policy>', help: 'QoS policy', attr: 'qos_policy_id', find: qosPolicy },
  {
    flag: '--enable-port-security',
    help: 'Filtered by security groups',
    attr: 'port_security_enabled',
    value: true,
    group: 'security',
  },
  {
    flag: '--disable-port-security',
    help: 'Not filtered',
    attr: 'port_security_enabled',
    value: false,
    group: 'security',
  },
  {
    flag: '--extra-dhcp-option',
    metavar: 'name=<name>[,value=<value>,ip-version=4|6]',
    repeat: true,
    help: 'DHCP option (may be repeated)',
    attr: 'extra_dhcp_opts',
    keys: { required: ['name'], optional: ['value', 'ip-version'] },
    convert: extraDhcpOption,
  },
];

/** Some clouds take a port's tags with its creation; elsewhere they are set afterwards. */
async function bornTagged(attrs: JsonObject, { values, session }: Call): Promise<void> {
  const tags = [...new Set(values.texts('--tag'))].sort();
  if (tags.length === 0) return;
  const extensions = await listAll(session, extension, {});
  if (extensions.some(({ alias }) => alias === 'tag-ports-during-bulk-creation')) attrs.tags = tags;
}

/** `port …` */
export const commands: readonly Command[] = [
  {
    words: 'port create',
    help: 'Create a port: an address and a place for a VM on a network',
    example: 'port create --network private --fixed-ip subnet=private-subnet,ip-address=192.168.2.79 web1-port',
    arguments: [{ name: 'name', help: 'Name', attr: 'name' }],
    options: [
      { flag: '--network', metavar: '<network>', required: true, help: 'Network', attr: 'network_id', find: network },
      ...CHANGEABLE,
      { ...FIXED_IP, group: 'fixed-ip' },
      { flag: '--no-fixed-ip', help: 'No address', attr: 'fixed_ips', value: [], group: 'fixed-ip' },
      ...projectOptions('Whose it is (name or ID)'),
      { ...SECURITY_GROUP, group: 'groups' },
      { flag: '--no-security-group', help: 'No security group', attr: 'security_groups', value: [], group: 'groups' },
      ALLOWED_ADDRESS,
      {
        flag: '--enable-uplink-status-propagation',
        help: 'The state of the uplink is passed on',
        attr: 'propagate_uplink_status',
        value: true,
        group: 'uplink',
      },
      {
        flag: '--disable-uplink-status-propagation',
        help: 'It is not passed on',
        attr: 'propagate_uplink_status',
        value: false,
        group: 'uplink',
      },
      { flag: '--device-profile', metavar: '<profile>', help: 'Device profile', attr: 'device_profile' },
      ...TAGS_FOR_CREATE,
    ],
    action: {
      do: 'create',
      resource: port,
      start: { admin_state_up: true },
      finish: async (attrs, call) => {
        mergeProfile(attrs, call, {});
        await bornTagged(attrs, call);
      },
    },
  },
  {
    words: 'port list',
    help: 'List ports',
    example: 'port list --server web1',
    options: [
      { flag: '--device-owner', metavar: '<owner>', help: 'Of this kind of device', attr: 'device_owner' },
      { flag: '--host', metavar: '<host>', help: 'Bound to this host', attr: 'binding:host_id' },
      { flag: '--network', metavar: '<network>', help: 'On this network', attr: 'network_id', find: network },
      {
        flag: '--router',
        metavar: '<router>',
        help: 'Of this router',
        attr: 'device_id',
        find: router,
        group: 'device',
      },
      {
        flag: '--server',
        metavar: '<server>',
        help: 'Of this server',
        attr: 'device_id',
        find: server,
        group: 'device',
      },
      { flag: '--device-id', metavar: '<id>', help: 'Of this device', attr: 'device_id', group: 'device' },
      { flag: '--mac-address', metavar: '<mac>', help: 'With this MAC address', attr: 'mac_address' },
      { flag: '--long', help: 'More columns' },
      ...projectOptions('Of this project (name or ID)'),
      { flag: '--name', metavar: '<name>', help: 'With this name', attr: 'name' },
      {
        flag: '--security-group',
        metavar: '<security-group>',
        repeat: true,
        help: 'In this security group (name or ID; may be repeated)',
        attr: 'security_groups',
        find: securityGroup,
      },
      {
        flag: '--fixed-ip',
        metavar: 'subnet=<subnet>,ip-address=<ip>,ip-substring=<text>',
        repeat: true,
        help: 'With this address (may be repeated)',
        attr: 'fixed_ips',
        keys: { optional: ['subnet', 'ip-address', 'ip-substring'] },
        convert: fixedIpFilter,
      },
      ...TAG_FILTERS,
    ],
    action: { do: 'list', resource: port, columns, long, fields: true, columnsAsAsked: true },
  },
  {
    words: 'port show',
    help: 'Show a port',
    example: 'port show web1-port',
    arguments: [PORT],
    action: { do: 'show', resource: port },
  },
  {
    words: 'port set',
    help: 'Change a port; addresses and groups given are added to those it has',
    example: 'port set --security-group web web1-port',
    arguments: [PORT],
    options: [
      { flag: '--name', metavar: '<name>', help: 'New name', attr: 'name' },
      ...CHANGEABLE,
      FIXED_IP,
      { flag: '--no-fixed-ip', help: 'Forget its addresses first' },
      SECURITY_GROUP,
      { flag: '--no-security-group', help: 'Forget its security groups first' },
      ALLOWED_ADDRESS,
      { flag: '--no-allowed-address', help: 'Forget its allowed addresses first' },
      { flag: '--no-binding-profile', help: 'Forget its binding profile first' },
      {
        flag: '--data-plane-status',
        metavar: '<status>',
        help: 'What the data plane is said to be: ACTIVE or DOWN',
        choices: ['ACTIVE', 'DOWN'],
        attr: 'data_plane_status',
      },
      ...TAGS_FOR_SET,
    ],
    action: {
      do: 'set',
      resource: port,
      lists: PORT_LISTS,
      finish: (attrs, call, current) => {
        const old = current['binding:profile'];
        mergeProfile(attrs, call, isObject(old) ? old : {});
      },
    },
  },
  {
    words: 'port unset',
    help: 'Take addresses, groups or settings from a port',
    example: 'port unset --security-group web web1-port',
    arguments: [PORT],
    options: [
      FIXED_IP,
      { flag: '--binding-profile', metavar: '<key>', repeat: true, help: 'Key of the binding profile' },
      SECURITY_GROUP,
      ALLOWED_ADDRESS,
      { flag: '--qos-policy', help: 'Its QoS policy', attr: 'qos_policy_id', value: null },
      { flag: '--host', help: 'Its host binding', attr: 'binding:host_id', value: null },
      { flag: '--data-plane-status', help: 'Its data plane status', attr: 'data_plane_status', value: null },
      { flag: '--numa-policy', help: 'Its NUMA affinity policy', attr: 'numa_affinity_policy', value: null },
      ...TAGS_FOR_UNSET,
    ],
    action: { do: 'unset', resource: port, lists: PORT_LISTS, finish: removeProfileKeys },
  },
  {
    words: 'port delete',
    help: 'Delete ports',
    example: 'port delete web1-port',
    arguments: [{ ...PORT, many: true }],
    action: { do: 'delete', resource: port },
  },
];
