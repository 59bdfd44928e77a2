import { dictText, isObject, Shaped } from '../cell.ts';
import type { Column, Command, Field } from '../command.ts';
import { ClientError } from '../errors.ts';
import { floatingIp, network, port, qosPolicy, router, subnet } from '../network-resources.ts';
import { projectOptions } from '../other-resources.ts';
import { TAG_FILTERS, TAGS_FOR_CREATE, TAGS_FOR_SET, TAGS_FOR_UNSET } from '../tags.ts';

const FLOATING_IP = { name: 'floating-ip', help: 'Floating IP (address or ID)' };

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Floating IP Address', attr: 'floating_ip_address' },
  { title: 'Fixed IP Address', attr: 'fixed_ip_address' },
  { title: 'Port', attr: 'port_id' },
  { title: 'Floating Network', attr: 'floating_network_id' },
  { title: 'Project', attr: 'project_id' },
];

const long: readonly Column[] = [
  { title: 'Router', attr: 'router_id' },
  { title: 'Status', attr: 'status' },
  { title: 'Description', attr: 'description' },
  { title: 'Tags', attr: 'tags' },
  { title: 'DNS Name', attr: 'dns_name' },
  { title: 'DNS Domain', attr: 'dns_domain' },
];

/** A new floating IP shows its port's details to programs as they are, one looked up later as text; so does openstack. */
const createdFields =
  floatingIp.fields?.map((field): Field => {
    if (field.name !== 'port_details') return field;
    return { ...field, cell: (value) => (isObject(value) ? new Shaped(dictText(value), value) : value) };
  }) ?? [];

/** `floating ip …` */
export const commands: readonly Command[] = [
  {
    words: 'floating ip create',
    help: 'Create a floating IP: take a public address',
    wordsRefusals: true,
    example: 'floating ip create public',
    arguments: [{ name: 'network', help: 'External network (name or ID)', attr: 'floating_network_id', find: network }],
    options: [
      { flag: '--subnet', metavar: '<subnet>', help: 'Subnet to take it from', attr: 'subnet_id', find: subnet },
      { flag: '--port', metavar: '<port>', help: 'Port to give it to', attr: 'port_id', find: port },
      { flag: '--floating-ip-address', metavar: '<ip>', help: 'The very address', attr: 'floating_ip_address' },
      { flag: '--fixed-ip-address', metavar: '<ip>', help: "The port's address", attr: 'fixed_ip_address' },
      { flag: '--qos-policy', metavar: '<policy>', help: 'QoS policy', attr: 'qos_policy_id', find: qosPolicy },
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      ...projectOptions('Whose it is (name or ID)'),
      { flag: '--dns-domain', metavar: '<domain>', help: 'DNS domain', attr: 'dns_domain' },
      { flag: '--dns-name', metavar: '<name>', help: 'DNS name', attr: 'dns_name' },
      ...TAGS_FOR_CREATE,
    ],
    action: { do: 'create', resource: floatingIp, fields: createdFields },
  },
  {
    words: 'floating ip list',
    help: 'List floating IPs',
    example: 'floating ip list --status DOWN',
    options: [
      { flag: '--network', metavar: '<network>', help: 'Of this network', attr: 'floating_network_id', find: network },
      { flag: '--port', metavar: '<port>', help: 'Given to this port', attr: 'port_id', find: port },
      { flag: '--fixed-ip-address', metavar: '<ip>', help: 'Given to this address', attr: 'fixed_ip_address' },
      { flag: '--floating-ip-address', metavar: '<ip>', help: 'With this address', attr: 'floating_ip_address' },
      { flag: '--long', help: 'More columns' },
      { flag: '--status', metavar: '<status>', help: 'In this status', choices: ['ACTIVE', 'DOWN'], attr: 'status' },
      ...projectOptions('Of this project (name or ID)'),
      { flag: '--router', metavar: '<router>', help: 'Served by this router', attr: 'router_id', find: router },
      ...TAG_FILTERS,
    ],
    action: { do: 'list', resource: floatingIp, columns, long },
  },
  {
    words: 'floating ip show',
    help: 'Show a floating IP',
    wordsRefusals: true,
    example: 'floating ip show 10.11.7.4',
    arguments: [FLOATING_IP],
    action: { do: 'show', resource: floatingIp },
  },
  {
    words: 'floating ip set',
    help: 'Change a floating IP: give it to a port, describe or tag it',
    example: 'floating ip set --port web1-port 10.11.7.4',
    arguments: [FLOATING_IP],
    options: [
      { flag: '--port', metavar: '<port>', help: 'Port to give it to', attr: 'port_id', find: port },
      { flag: '--fixed-ip-address', metavar: '<ip>', help: "The port's address", attr: 'fixed_ip_address' },
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      {
        flag: '--qos-policy',
        metavar: '<policy>',
        help: 'QoS policy',
        attr: 'qos_policy_id',
        find: qosPolicy,
        group: 'qos',
      },
      { flag: '--no-qos-policy', help: 'Take its QoS policy away', attr: 'qos_policy_id', value: null, group: 'qos' },
      ...TAGS_FOR_SET,
    ],
    action: { do: 'set', resource: floatingIp },
  },
  {
    words: 'floating ip unset',
    help: 'Take a floating IP from its port, or tags from it',
    example: 'floating ip unset --port 10.11.7.4',
    arguments: [FLOATING_IP],
    options: [
      { flag: '--port', help: 'Take it from its port', attr: 'port_id', value: null },
      { flag: '--qos-policy', help: 'Take its QoS policy away', attr: 'qos_policy_id', value: null },
      ...TAGS_FOR_UNSET,
    ],
    action: { do: 'unset', resource: floatingIp },
  },
  {
    words: 'floating ip delete',
    help: 'Delete floating IPs: give public addresses back',
    example: 'floating ip delete 10.11.7.4',
    arguments: [{ ...FLOATING_IP, many: true }],
    action: { do: 'delete', resource: floatingIp },
  },
  {
    words: 'floating ip pool list',
    help: 'List pools of floating IPs (which the networking API has none of)',
    example: 'floating ip pool list',
    action: {
      do: 'call',
      output: 'list',
      run: async () => {
        throw new ClientError('Floating ip pool operations are only available for Compute v2 network.');
      },
    },
  },
];
