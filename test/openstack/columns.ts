/** What openstackclient 6.0 shows of each resource: columns of lists, rows of single objects. */

const words = (text: string): readonly string[] => text.split(/,\s+/);

export const FLOATING_IP = {
  list: words('ID, Floating IP Address, Fixed IP Address, Port, Floating Network, Project'),
  long: words(
    'ID, Floating IP Address, Fixed IP Address, Port, Floating Network, Project, Router, Status, Description, Tags, DNS Name, DNS Domain',
  ),
  show: words(
    'created_at, description, dns_domain, dns_name, fixed_ip_address, floating_ip_address, floating_network_id, id, name, port_details, port_id, project_id, qos_policy_id, revision_number, router_id, status, subnet_id, tags, updated_at',
  ),
};

export const PORT_FORWARDING = {
  list: words('ID, Internal Port ID, Internal IP Address, Internal Port, External Port, Protocol, Description'),
  show: words('description, external_port, id, internal_ip_address, internal_port, internal_port_id, name, protocol'),
};

export const PORT = {
  list: words('ID, Name, MAC Address, Fixed IP Addresses, Status'),
  long: words('ID, Name, MAC Address, Fixed IP Addresses, Status, Security Groups, Device Owner, Tags'),
  show: words(
    'admin_state_up, allowed_address_pairs, binding_host_id, binding_profile, binding_vif_details, binding_vif_type, binding_vnic_type, created_at, data_plane_status, description, device_id, device_owner, device_profile, dns_assignment, dns_domain, dns_name, extra_dhcp_opts, fixed_ips, id, ip_allocation, mac_address, name, network_id, numa_affinity_policy, port_security_enabled, project_id, propagate_uplink_status, qos_network_policy_id, qos_policy_id, resource_request, revision_number, security_group_ids, status, tags, trunk_details, updated_at',
  ),
};

export const SECURITY_GROUP = {
  list: words('ID, Name, Description, Project, Tags'),
  show: words('created_at, description, id, name, project_id, revision_number, rules, stateful, tags, updated_at'),
};

export const SECURITY_GROUP_RULE = {
  /** Of one group. */
  list: words(
    'ID, IP Protocol, Ethertype, IP Range, Port Range, Direction, Remote Security Group, Remote Address Group',
  ),
  /** Of every group. */
  all: words(
    'ID, IP Protocol, Ethertype, IP Range, Port Range, Direction, Remote Security Group, Remote Address Group, Security Group',
  ),
  show: words(
    'created_at, description, direction, ether_type, id, name, port_range_max, port_range_min, project_id, protocol, remote_address_group_id, remote_group_id, remote_ip_prefix, revision_number, security_group_id, tags, updated_at',
  ),
};

export const ADDRESS_GROUP = {
  list: words('ID, Name, Description, Project, Addresses'),
  show: words('addresses, description, id, name, project_id'),
};

export const NETWORK = {
  list: words('ID, Name, Subnets'),
  long: words('ID, Name, Status, Project, State, Shared, Subnets, Network Type, Router Type, Availability Zones, Tags'),
  show: words(
    'admin_state_up, availability_zone_hints, availability_zones, created_at, description, dns_domain, id, ipv4_address_scope, ipv6_address_scope, is_default, is_vlan_transparent, mtu, name, port_security_enabled, project_id, provider:network_type, provider:physical_network, provider:segmentation_id, qos_policy_id, revision_number, router:external, segments, shared, status, subnets, tags, updated_at',
  ),
};

export const SUBNET = {
  list: words('ID, Name, Network, Subnet'),
  long: words(
    'ID, Name, Network, Subnet, Project, DHCP, Name Servers, Allocation Pools, Host Routes, IP Version, Gateway, Service Types, Tags',
  ),
  show: words(
    'allocation_pools, cidr, created_at, description, dns_nameservers, dns_publish_fixed_ip, enable_dhcp, gateway_ip, host_routes, id, ip_version, ipv6_address_mode, ipv6_ra_mode, name, network_id, project_id, revision_number, segment_id, service_types, subnetpool_id, tags, updated_at',
  ),
};

export const SUBNET_POOL = {
  list: words('ID, Name, Prefixes'),
  long: words('ID, Name, Prefixes, Default Prefix Length, Address Scope, Default Subnet Pool, Shared, Tags'),
  show: words(
    'address_scope_id, created_at, default_prefixlen, default_quota, description, id, ip_version, is_default, max_prefixlen, min_prefixlen, name, prefixes, project_id, revision_number, shared, tags, updated_at',
  ),
};

export const ADDRESS_SCOPE = {
  list: words('ID, Name, IP Version, Shared, Project'),
  show: words('id, ip_version, name, project_id, shared'),
};

export const RBAC = {
  list: words('ID, Object Type, Object ID'),
  long: words('ID, Object Type, Object ID, Action'),
  show: words('action, id, object_id, object_type, project_id, target_project_id'),
};

export const ROUTER = {
  list: words('ID, Name, Status, State, Project'),
  /** For an admin, who is told of two properties more. */
  admin: words('ID, Name, Status, State, Project, Distributed, HA'),
  long: words(
    'ID, Name, Status, State, Project, Distributed, HA, Routes, External gateway info, Availability zones, Tags',
  ),
  show: words(
    'admin_state_up, availability_zone_hints, availability_zones, created_at, description, distributed, enable_ndp_proxy, external_gateway_info, flavor_id, ha, id, interfaces_info, name, project_id, revision_number, routes, status, tags, tenant_id, updated_at',
  ),
  /** What a command that makes a router prints: it does not ask for its interfaces. */
  create: words(
    'admin_state_up, availability_zone_hints, availability_zones, created_at, description, distributed, enable_ndp_proxy, external_gateway_info, flavor_id, ha, id, name, project_id, revision_number, routes, status, tags, tenant_id, updated_at',
  ),
};

export const AGENT = {
  list: words('ID, Agent Type, Host, Availability Zone, Alive, State, Binary'),
  show: words(
    'admin_state_up, agent_type, alive, availability_zone, binary, configuration, created_at, description, ha_state, host, id, last_heartbeat_at, resources_synced, started_at, topic',
  ),
};

export const EXTENSION = {
  list: words('Name, Alias, Description'),
  long: words('Name, Alias, Description, Namespace, Updated, Links'),
};

export const IP_AVAILABILITY = {
  list: words('Network ID, Network Name, Total IPs, Used IPs'),
  show: words('network_id, network_name, project_id, subnet_ip_availability, total_ips, used_ips'),
};

export const SERVICE_PROVIDER = { list: words('Service Type, Name, Default') };

export const SERVER = {
  list: words('ID, Name, Status, Networks, Image, Flavor'),
  long: words(
    'ID, Name, Status, Task State, Power State, Networks, Image Name, Image ID, Flavor Name, Flavor ID, Availability Zone, Host, Properties',
  ),
  show: words(
    'OS-DCF:diskConfig, OS-EXT-AZ:availability_zone, OS-EXT-SRV-ATTR:host, OS-EXT-SRV-ATTR:hypervisor_hostname, OS-EXT-SRV-ATTR:instance_name, OS-EXT-STS:power_state, OS-EXT-STS:task_state, OS-EXT-STS:vm_state, OS-SRV-USG:launched_at, OS-SRV-USG:terminated_at, accessIPv4, accessIPv6, addresses, config_drive, created, flavor, hostId, id, image, key_name, name, progress, project_id, properties, security_groups, status, updated, user_id, volumes_attached',
  ),
  create: words(
    'OS-DCF:diskConfig, OS-EXT-AZ:availability_zone, OS-EXT-SRV-ATTR:host, OS-EXT-SRV-ATTR:hypervisor_hostname, OS-EXT-SRV-ATTR:instance_name, OS-EXT-STS:power_state, OS-EXT-STS:task_state, OS-EXT-STS:vm_state, OS-SRV-USG:launched_at, OS-SRV-USG:terminated_at, accessIPv4, accessIPv6, addresses, adminPass, config_drive, created, flavor, hostId, id, image, key_name, name, progress, project_id, properties, security_groups, status, updated, user_id, volumes_attached',
  ),
};

export const USER = {
  list: words('ID, Name'),
  show: words('default_project_id, description, domain_id, email, enabled, id, name, options, password_expires_at'),
};

export const APPLICATION_CREDENTIAL = {
  list: words('ID, Name, Project ID, Description, Expires At'),
  create: words('description, expires_at, id, name, project_id, roles, secret, system, unrestricted, user_id'),
};

export const PROJECT = {
  list: words('ID, Name'),
  show: words('description, domain_id, enabled, id, is_domain, name, options, parent_id, tags'),
};
