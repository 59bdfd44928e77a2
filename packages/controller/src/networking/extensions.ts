/** One extension of the Networking API, as `GET /v2.0/extensions` shows it. */
export interface Extension {
  alias: string;
  name: string;
  description: string;
  updated: string;
  links: [];
}

const extension = (alias: string, name: string, updated: string, description: string): Extension => ({
  alias,
  name,
  description,
  updated,
  links: [],
});

/** What works, and nothing else: every alias switches code of clients on. Names and dates are Neutron's. */
export const EXTENSIONS: readonly Extension[] = [
  extension('agent', 'agent', '2013-02-03T10:00:00-00:00', 'The programs that carry networks out on the hosts.'),
  extension(
    'allowed-address-pairs',
    'Allowed Address Pairs',
    '2013-07-23T10:00:00-00:00',
    'Further addresses that a port may send from.',
  ),
  extension('availability_zone', 'Availability Zone', '2015-01-01T10:00:00-00:00', 'Zones that agents are in.'),
  extension(
    'network_availability_zone',
    'Network Availability Zone',
    '2015-01-01T10:00:00-00:00',
    'Zones of the DHCP of networks.',
  ),
  extension('router_availability_zone', 'Router Availability Zone', '2015-01-01T10:00:00-00:00', 'Zones of routers.'),
  extension('binding', 'Port Binding', '2014-02-03T10:00:00-00:00', 'On which host a port is, and how.'),
  extension('dns-integration', 'DNS Integration', '2015-08-15T18:00:00-00:00', 'Names of ports and floating IPs.'),
  extension(
    'dvr',
    'Distributed Virtual Router',
    '2014-06-1T10:00:00-00:00',
    'Routers whose address translation has a namespace of its own.',
  ),
  extension(
    'empty-string-filtering',
    'Empty String Filtering Extension',
    '2018-05-01T10:00:00-00:00',
    'An empty value filters for the empty string.',
  ),
  extension(
    'expose-port-forwarding-in-fip',
    'Expose Floating IP port forwardings',
    '2018-06-28T16:00:00-00:00',
    'Floating IPs list their forwardings.',
  ),
  extension(
    'ext-gw-mode',
    'Neutron L3 Configurable external gateway mode',
    '2013-03-28T10:00:00-00:00',
    'Whether a router translates the source of what leaves.',
  ),
  extension(
    'external-net',
    'Neutron external network',
    '2013-01-14T10:00:00-00:00',
    'Networks for gateways and floating IPs.',
  ),
  extension('extra_dhcp_opt', 'Neutron Extra DHCP options', '2013-03-17T12:00:00-00:00', 'DHCP options for one port.'),
  extension('extraroute', 'Neutron Extra Route', '2013-02-01T10:00:00-00:00', 'Static routes of routers.'),
  extension(
    'extraroute-atomic',
    'Atomically add/remove extra routes',
    '2019-07-10T00:00:00+00:00',
    'Static routes come and go one by one.',
  ),
  extension(
    'filter-validation',
    'Filter parameters validation',
    '2018-07-04T10:00:00-00:00',
    'Unknown filters are refused.',
  ),
  extension(
    'fip-port-details',
    'Floating IP Port Details Extension',
    '2018-04-09T10:00:00-00:00',
    'Floating IPs show their port in short.',
  ),
  extension(
    'floatingip-pools',
    'Floating IP Pools Extension',
    '2018-03-21T10:00:00-00:00',
    'Subnets that floating IPs come from.',
  ),
  extension(
    'floating-ip-port-forwarding',
    'Floating IP Port Forwarding',
    '2018-01-19T10:00:00-00:00',
    'Ports of one floating IP lead to different VMs.',
  ),
  extension(
    'floating-ip-port-forwarding-description',
    'Floating IP Port Forwarding new attribute description',
    '2019-11-01T10:00:00-00:00',
    'Forwardings have a description.',
  ),
  extension(
    'floating-ip-port-forwarding-detail',
    'Floating IP port forwarding detail',
    '2022-05-06T10:00:00-00:00',
    'Floating IPs list ids and internal ports of their forwardings.',
  ),
  extension(
    'floating-ip-port-forwarding-port-ranges',
    'Floating IP Port Forwarding support port ranges',
    '2020-07-01T10:00:00-00:00',
    'Forwardings of whole ranges of ports.',
  ),
  extension(
    'ip-substring-filtering',
    'IP address substring filtering',
    '2017-11-28T09:00:00-00:00',
    'Ports by a part of their address.',
  ),
  extension(
    'l3-ha',
    'HA Router extension',
    '2014-04-26T00:00:00-00:00',
    'Routers that shall survive the loss of their host.',
  ),
  extension('net-mtu', 'Network MTU', '2015-03-25T10:00:00-00:00', 'Networks show their MTU.'),
  extension(
    'net-mtu-writable',
    'Network MTU (writable)',
    '2017-07-12T00:00:00-00:00',
    'The MTU of a network can be set.',
  ),
  extension('pagination', 'Pagination support', '2016-06-12T00:00:00-00:00', 'Lists come in pages.'),
  extension(
    'port-security',
    'Port Security',
    '2012-07-23T10:00:00-00:00',
    'Addresses and security groups are enforced, or not.',
  ),
  extension(
    'port-security-groups-filtering',
    'Port filtering on security groups',
    '2018-01-09T09:00:00-00:00',
    'Ports by their security groups.',
  ),
  extension('project-id', 'project_id field enabled', '2016-09-09T09:09:09-09:09', 'Owners are projects.'),
  extension('provider', 'Provider Network', '2012-09-07T10:00:00-00:00', 'How networks are carried between hosts.'),
  extension(
    'quota-check-limit',
    'Quota engine limit check',
    '2021-09-08T16:00:00-00:00',
    'Limits below what is in use can be refused.',
  ),
  extension(
    'quota_details',
    'Quota details management support',
    '2017-02-10T10:00:00-00:00',
    'Limits with what is in use.',
  ),
  extension('quotas', 'Quota management support', '2012-07-29T10:00:00-00:00', 'How much projects may have.'),
  extension(
    'revision-if-match',
    'If-Match constraints based on revision_number',
    '2016-12-11T00:00:00-00:00',
    'Changes only of the revision that one has seen.',
  ),
  extension('router', 'Neutron L3 Router', '2012-07-20T10:00:00-00:00', 'Routers and floating IPs.'),
  extension(
    'security-group',
    'security-group',
    '2012-10-05T10:00:00-00:00',
    'Which traffic may reach and leave ports.',
  ),
  extension(
    'security-groups-normalized-cidr',
    'Normalized CIDR field for security group rules',
    '2020-07-28T10:00:00-00:00',
    'Rules show their prefix with host bits masked.',
  ),
  extension('sorting', 'Sorting support', '2016-06-12T00:00:00-00:00', 'Lists come sorted.'),
  extension(
    'standard-attr-description',
    'standard-attr-description',
    '2016-02-10T10:00:00-00:00',
    'Resources have a description.',
  ),
  extension(
    'standard-attr-revisions',
    'Resource revision numbers',
    '2016-04-11T10:00:00-00:00',
    'Resources count their changes.',
  ),
  extension(
    'standard-attr-tag',
    'Tag support for resources with standard attribute: network, subnet, port, router, floatingip, security_group, subnetpool',
    '2017-01-01T00:00:00-00:00',
    'Resources have tags.',
  ),
  extension(
    'standard-attr-timestamp',
    'Resource timestamps',
    '2016-09-12T10:00:00-00:00',
    'Resources show when they were made and changed.',
  ),
  extension('tag-creation', 'Tag creation extension', '2024-23-07T10:00:00-00:00', 'Tags are added by POST.'),
  extension(
    'tag-ports-during-bulk-creation',
    'Tag Ports During Bulk Creation',
    '2019-12-29T19:00:00-00:00',
    'Ports are made with their tags.',
  ),
  extension('address-group', 'Address group', '2020-07-15T10:00:00-00:00', 'Named sets of networks.'),
  extension('address-scope', 'Address scope', '2015-07-26T10:00:00-00:00', 'Subnet pools without common addresses.'),
  extension(
    'default-subnetpools',
    'Default Subnetpools',
    '2016-02-18T18:00:00-00:00',
    'A pool for subnets that name none.',
  ),
  extension(
    'rbac-address-group',
    'Add address_group type to RBAC',
    '2021-01-20T00:00:00-00:00',
    'Address groups are shared with single projects.',
  ),
  extension(
    'rbac-address-scope',
    'Add address_scope type to RBAC',
    '2020-02-12T00:00:00-00:00',
    'Address scopes are shared with single projects.',
  ),
  extension('rbac-policies', 'RBAC Policies', '2015-06-17T12:15:12-00:00', 'Networks are shared with single projects.'),
  extension(
    'rbac-security-groups',
    'Add security_group type to network RBAC',
    '2019-02-14T00:00:00-00:00',
    'Security groups are shared with single projects.',
  ),
  extension(
    'rbac-subnetpool',
    'Add subnetpool type to RBAC',
    '2020-02-05T00:00:00-00:00',
    'Subnet pools are shared with single projects.',
  ),
  extension(
    'security-groups-remote-address-group',
    'Remote address group id field for security group rules',
    '2020-08-25T10:00:00-00:00',
    'Rules admit the addresses of a group.',
  ),
  extension(
    'subnet_allocation',
    'Subnet Allocation',
    '2015-03-30T10:00:00-00:00',
    'Subnets get their block from a pool.',
  ),
  extension(
    'subnetpool-prefix-ops',
    'Subnet Pool Prefix Operations',
    '2019-02-08T10:00:00-00:00',
    'Prefixes of pools come and go one by one.',
  ),
];
