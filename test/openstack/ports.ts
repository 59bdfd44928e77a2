import { NETWORK, PORT, PROJECT, ROUTER, SECURITY_GROUP, SECURITY_GROUP_RULE, SUBNET } from './columns.ts';
import type { Step } from './step.ts';

/** Ports, security groups and their rules. */
export const PORT_STEPS: readonly Step[] = [
  { run: 'project show demo', rows: PROJECT.show, as: 'demo' },
  { run: 'project show admin', rows: PROJECT.show, as: 'admin' },
  { run: 'network create net', rows: NETWORK.show, as: 'net' },
  { run: 'subnet create --network net --subnet-range 10.1.0.0/24 --no-dhcp sub', rows: SUBNET.show, as: 'sub' },

  {
    run: 'security group create --stateless --description web --tag w web',
    rows: SECURITY_GROUP.show,
    as: 'web',
    has: { stateful: false, description: 'web', tags: ['w'] },
  },
  {
    run: 'security group create plain',
    rows: SECURITY_GROUP.show,
    as: 'plain',
    has: { description: 'plain', stateful: true, rules: /egress.*IPv4.*egress.*IPv6|egress.*IPv6.*egress.*IPv4/ },
  },
  { run: 'security group create --project demo theirs', rows: SECURITY_GROUP.show, has: { project_id: '{demo.id}' } },
  {
    run: 'security group list',
    columns: SECURITY_GROUP.list,
    has: [
      { Name: 'default', Description: 'Default security group', Project: '{admin.id}' },
      { Name: 'default', Project: '{demo.id}' },
      { Name: 'web', Tags: ['w'] },
      { Name: 'plain', Description: 'plain' },
      { Name: 'theirs' },
    ],
  },
  {
    run: 'security group list --project demo',
    columns: SECURITY_GROUP.list,
    has: [{ Name: 'default' }, { Name: 'theirs' }],
  },
  { run: 'security group list --any-tags w,x', columns: SECURITY_GROUP.list, has: [{ Name: 'web' }] },
  { run: 'security group list --project demo --not-tags w', columns: SECURITY_GROUP.list },
  { run: "security group set --name www --description 'the web' --tag v web" },
  { run: 'security group show www', rows: SECURITY_GROUP.show, has: { description: 'the web', tags: ['v', 'w'] } },
  { run: 'security group unset --all-tag www' },
  { run: 'security group show www', rows: SECURITY_GROUP.show, has: { tags: [], stateful: false } },
  {
    run: 'security group set --name default plain',
    says: /^ConflictException: 409: Client Error for url: \S+, Default security group already exists\.$/,
  },

  {
    run: 'security group rule create --dst-port 80 --protocol tcp --description http www',
    rows: SECURITY_GROUP_RULE.show,
    as: 'http',
    has: {
      ...{ direction: 'ingress', ether_type: 'IPv4', port_range_min: 80, port_range_max: 80, protocol: 'tcp' },
      ...{ remote_ip_prefix: '0.0.0.0/0', remote_group_id: null, remote_address_group_id: null, description: 'http' },
      ...{ security_group_id: '{web.id}', name: null },
    },
  },
  {
    run: 'security group rule create --egress --ethertype IPv6 --protocol udp --dst-port 100:200 --remote-ip 2001:db8::/32 www',
    rows: SECURITY_GROUP_RULE.show,
    as: 'range',
    has: {
      direction: 'egress',
      ether_type: 'IPv6',
      port_range_min: 100,
      port_range_max: 200,
      remote_ip_prefix: '2001:db8::/32',
    },
  },
  {
    run: 'security group rule create --protocol icmp --icmp-type 3 --icmp-code 1 --remote-group plain www',
    rows: SECURITY_GROUP_RULE.show,
    as: 'ping',
    has: { protocol: 'icmp', port_range_min: 3, port_range_max: 1, remote_group_id: '{plain.id}' },
  },
  {
    run: 'security group rule create --protocol ipv6-icmp --icmp-type 128 www',
    rows: SECURITY_GROUP_RULE.show,
    has: { protocol: 'ipv6-icmp', ether_type: 'IPv6', port_range_min: 128, port_range_max: null },
  },
  {
    run: 'security group rule create --protocol any --remote-ip 10.5.0.0/16 www',
    rows: SECURITY_GROUP_RULE.show,
    has: { protocol: null, remote_ip_prefix: '10.5.0.0/16' },
  },
  {
    run: 'security group rule create --dst-port 80 --protocol tcp www',
    says: /^Error while executing command: ConflictException: 409, Security group rule already exists\. Rule id is {http.id}\.$/,
  },
  {
    run: 'security group rule create --dst-port 80:70 --protocol tcp www',
    says: /argument --dst-port: invalid RangeAction value|[Ii]nvalid range, 80 is not less than 70/,
  },
  {
    run: 'security group rule create --dst-port 80 --protocol esp www',
    says: /^Error while executing command: BadRequestException: 400, .*esp/,
  },
  {
    run: 'security group rule list www',
    columns: SECURITY_GROUP_RULE.list,
    has: [
      {
        ID: '{http.id}',
        'IP Protocol': 'tcp',
        Ethertype: 'IPv4',
        'IP Range': '0.0.0.0/0',
        'Port Range': '80:80',
        Direction: 'ingress',
      },
      { ID: '{range.id}', 'IP Range': '2001:db8::/32', 'Port Range': '100:200', Direction: 'egress' },
      {
        ID: '{ping.id}',
        'Port Range': 'type=3:code=1',
        'Remote Security Group': '{plain.id}',
        'Remote Address Group': null,
      },
      { 'IP Protocol': 'ipv6-icmp', 'IP Range': '::/0', 'Port Range': 'type=128' },
      { 'IP Protocol': null, 'IP Range': '10.5.0.0/16', 'Port Range': '' },
      { Direction: 'egress', Ethertype: 'IPv4', 'Port Range': '' },
      { Direction: 'egress', Ethertype: 'IPv6', 'Port Range': '' },
    ],
  },
  {
    run: 'security group rule list --ingress --protocol tcp www',
    columns: SECURITY_GROUP_RULE.list,
    has: [{ ID: '{http.id}' }],
  },
  {
    run: 'security group rule list --long www',
    says: /^The --long option has been deprecated and is no longer needed\n\+-/,
  },
  {
    run: 'security group rule list --egress --protocol udp',
    columns: SECURITY_GROUP_RULE.all,
    has: [{ 'Security Group': '{web.id}' }],
  },
  { run: 'security group rule show {http.id}', rows: SECURITY_GROUP_RULE.show, has: { id: '{http.id}' } },
  { run: 'security group rule delete {http.id} {range.id}' },
  {
    run: 'security group rule delete {http.id} {ping.id}',
    says: `Failed to delete rule with name or ID '{http.id}': No SecurityGroupRule found for {http.id}
1 of 2 rules failed to delete.`,
  },

  // A port has groups of one kind.
  { run: 'security group set --stateful www' },
  {
    run: "port create --network net --fixed-ip subnet=sub,ip-address=10.1.0.10 --fixed-ip ip-address=10.1.0.11 --mac-address fa:16:3e:00:00:01 --description 'first port' --device vm1 --device-owner compute:nova --vnic-type direct --host host9 --dns-name one --binding-profile key=value --security-group www --security-group plain --allowed-address ip-address=10.1.0.0/28,mac-address=fa:16:3e:00:00:02 --allowed-address ip-address=10.1.0.99 --extra-dhcp-option name=bootfile-name,value=pxelinux.0 --extra-dhcp-option name=tftp-server,value=::1,ip-version=6 --tag p one",
    rows: PORT.show,
    as: 'one',
    has: {
      fixed_ips: [
        { subnet_id: '{sub.id}', ip_address: '10.1.0.10' },
        { subnet_id: '{sub.id}', ip_address: '10.1.0.11' },
      ],
      ...{ mac_address: 'fa:16:3e:00:00:01', description: 'first port', device_id: 'vm1', status: 'DOWN' },
      ...{ device_owner: 'compute:nova', binding_vnic_type: 'direct', binding_host_id: 'host9', dns_name: 'one' },
      ...{ binding_profile: { key: 'value' }, admin_state_up: true, port_security_enabled: true, tags: ['p'] },
      allowed_address_pairs: [
        { ip_address: '10.1.0.0/28', mac_address: 'fa:16:3e:00:00:02' },
        { ip_address: '10.1.0.99', mac_address: 'fa:16:3e:00:00:01' },
      ],
      extra_dhcp_opts: [
        { opt_name: 'bootfile-name', opt_value: 'pxelinux.0', ip_version: 4 },
        { opt_name: 'tftp-server', opt_value: '::1', ip_version: 6 },
      ],
      security_group_ids: /{web.id}.*{plain.id}|{plain.id}.*{web.id}/,
      dns_assignment: /one\.openstacklocal\./,
    },
  },
  {
    run: 'port create --network net --no-fixed-ip --disable --disable-port-security --no-security-group bare',
    rows: PORT.show,
    has: {
      fixed_ips: [],
      admin_state_up: false,
      port_security_enabled: false,
      security_group_ids: [],
      ip_allocation: 'none',
    },
  },
  { run: 'port create --network net --project demo theirs', rows: PORT.show, has: { project_id: '{demo.id}' } },
  {
    run: 'port list',
    columns: PORT.list,
    has: [
      { Name: 'one', 'MAC Address': 'fa:16:3e:00:00:01', Status: 'DOWN', 'Fixed IP Addresses': /10\.1\.0\.10/ },
      { Name: 'bare' },
      { Name: 'theirs' },
    ],
  },
  {
    run: 'port list --long --name one',
    columns: PORT.long,
    has: [{ 'Device Owner': 'compute:nova', Tags: ['p'], 'Security Groups': /{web.id}/ }],
  },
  { run: 'port list --device-owner compute:nova', columns: PORT.list, has: [{ Name: 'one' }] },
  { run: 'port list --device-id vm1', columns: PORT.list, has: [{ Name: 'one' }] },
  { run: 'port list --host host9', columns: PORT.list, has: [{ Name: 'one' }] },
  { run: 'port list --network net --mac-address fa:16:3e:00:00:01', columns: PORT.list, has: [{ Name: 'one' }] },
  { run: 'port list --project demo', columns: PORT.list, has: [{ Name: 'theirs' }] },
  // This version of the client's library has no such query, whoever the server is.
  { run: 'port list --security-group plain', says: 'Invalid query params: security_groups' },
  { run: 'port list --fixed-ip ip-address=10.1.0.11', columns: PORT.list, has: [{ Name: 'one' }] },
  { run: 'port list --fixed-ip ip-substring=1.0.1', columns: PORT.list },
  {
    run: 'port list --fixed-ip subnet=sub --fixed-ip ip-address=10.1.0.10',
    columns: PORT.list,
    has: [{ Name: 'one' }],
  },
  { run: 'port list --tags p', columns: PORT.list, has: [{ Name: 'one' }] },
  { run: 'port list --not-any-tags p', columns: PORT.list, has: [{ Name: 'bare' }, { Name: 'theirs' }] },
  {
    run: 'port set --name uno --description other --device vm2 --device-owner compute:az --vnic-type normal --host host8 --dns-name uno --disable --fixed-ip ip-address=10.1.0.12 --binding-profile other=1 --allowed-address ip-address=10.1.0.98 --extra-dhcp-option name=domain-name,value=x --mac-address fa:16:3e:00:00:03 --tag q one',
  },
  {
    run: 'port show uno',
    rows: PORT.show,
    has: {
      fixed_ips: /10\.1\.0\.10.*10\.1\.0\.11.*10\.1\.0\.12/,
      allowed_address_pairs: /10\.1\.0\.98/,
      ...{ description: 'other', device_id: 'vm2', device_owner: 'compute:az', binding_vnic_type: 'normal' },
      ...{ binding_host_id: 'host8', dns_name: 'uno', admin_state_up: false, mac_address: 'fa:16:3e:00:00:03' },
      ...{ binding_profile: { key: 'value', other: '1' }, tags: ['p', 'q'] },
      extra_dhcp_opts: /domain-name/,
    },
  },
  {
    run: 'port unset --fixed-ip ip-address=10.1.0.11,subnet=sub --fixed-ip ip-address=10.1.0.12,subnet=sub --binding-profile other --security-group plain --allowed-address ip-address=10.1.0.98,mac-address=fa:16:3e:00:00:03 --host --tag p uno',
  },
  {
    run: 'port show uno',
    rows: PORT.show,
    has: {
      fixed_ips: [{ subnet_id: '{sub.id}', ip_address: '10.1.0.10' }],
      ...{ binding_profile: { key: 'value' }, security_group_ids: ['{web.id}'], binding_host_id: '', tags: ['q'] },
    },
  },
  { run: 'port set --no-security-group --no-allowed-address --no-binding-profile --no-tag --enable uno' },
  { run: 'port set --disable-port-security uno' },
  {
    run: 'port show uno',
    rows: PORT.show,
    has: {
      security_group_ids: [],
      allowed_address_pairs: [],
      binding_profile: {},
      port_security_enabled: false,
      tags: [],
      admin_state_up: true,
    },
  },
  { run: 'port set --enable-port-security --security-group www --no-fixed-ip --fixed-ip ip-address=10.1.0.33 uno' },
  {
    run: 'port show uno',
    rows: PORT.show,
    has: { security_group_ids: ['{web.id}'], fixed_ips: /^\[\{[^{]*10\.1\.0\.33[^{]*\}\]$/ },
  },
  {
    run: 'port set --security-group www uno',
    says: /^BadRequestException: 400: Client Error for url: \S+, Invalid input for security_groups\. Reason: Duplicate items in the list: '{web.id}'\.$/,
  },
  {
    run: 'port create --network net --fixed-ip ip-address=10.1.0.33 taken',
    says: /^ConflictException: 409: Client Error for url: \S+, IP address 10\.1\.0\.33 already allocated in subnet {sub.id}\.?$/,
  },
  {
    run: 'security group delete www',
    says: /^Failed to delete group with name or ID 'www': ConflictException: 409: Client Error for url: \S+, Security Group {web.id} in use\.\n1 of 1 groups failed to delete\.$/,
  },
  { run: 'router create router', rows: ROUTER.create },
  { run: 'router add subnet router sub' },
  {
    run: 'port list --router router',
    columns: PORT.list,
    as: 'gateway',
    has: [{ 'Fixed IP Addresses': /10\.1\.0\.1"/ }],
  },
  {
    run: 'port delete {gateway.ID} nothing uno bare',
    says: /^Failed to delete port with name or ID '{gateway.ID}': ConflictException: 409: Client Error for url: \S+, Port {gateway.ID} cannot be deleted directly via the port API: has device owner network:router_interface\.\nFailed to delete port with name or ID 'nothing': No Port found for nothing\n2 of 4 ports failed to delete\.$/,
  },
  { run: 'port list --name uno', says: '' },
  { run: 'security group delete www plain' },
  { run: 'security group show www', says: 'Error while executing command: No SecurityGroup found for www' },
  {
    run: 'port show theirs',
    by: 'portward-demo',
    rows: PORT.show,
    has: { binding_host_id: null, binding_vif_type: null },
  },
];
