import {
  anyObject,
  attribute,
  boolean,
  checkedBy,
  dictionary,
  given,
  ipAddress,
  listOf,
  macAddress,
  nullable,
  oneOf,
  pythonText,
  readOnly,
  text,
  uuid,
  uuidList,
} from './attribute.ts';
import { formatCidr, ipVersion, normalizeIp, parseCidr } from './ip-address.ts';
import { defineResource, description, identified, name, type ObjectOf } from './resource.ts';

/** An address of a port. */
export interface FixedIp {
  subnet_id: string;
  ip_address: string;
}

/** What a request may say of an address: the subnet, the address, or both. */
export interface FixedIpRequest {
  subnet_id?: string;
  ip_address?: string;
}

/** Further addresses that a port may send from. */
export interface AddressPair {
  ip_address: string;
  mac_address: string;
}

/** A DHCP option for one port. */
export interface ExtraDhcpOption {
  opt_name: string;
  opt_value: string;
  ip_version: number;
}

/** Owners of ports that belong to the network itself and are trusted. */
export const DEVICE_OWNER = {
  routerInterface: 'network:router_interface',
  distributedInterface: 'network:router_interface_distributed',
  routerGateway: 'network:router_gateway',
  routerSnat: 'network:router_centralized_snat',
  floatingIp: 'network:floatingip',
  dhcp: 'network:dhcp',
} as const;

/** Owners of the ports by which a router is on an internal network. */
export const ROUTER_INTERFACE_OWNERS: readonly string[] = [
  DEVICE_OWNER.routerInterface,
  DEVICE_OWNER.distributedInterface,
];

const addressOrCidr = checkedBy<string>((value) => {
  if (typeof value === 'string') {
    if (ipVersion(value) !== undefined) return { value: normalizeIp(value) };
    const parsed = value.includes('/') ? parseCidr(value) : undefined;
    if (parsed) return { value: formatCidr(parsed) };
  }
  return { reason: `'${pythonText(value)}' is not a valid IP address or CIDR` };
});

/** A connection of a device to a network. */
export const port = defineResource({
  name: 'port',
  collection: 'ports',
  tagged: true,
  bulk: true,
  notFound: { type: 'PortNotFound', message: (id) => `Port ${id} could not be found.` },
  attributes: {
    ...identified,
    name,
    description,
    network_id: attribute(uuid(), { post: 'required', put: false, doc: 'Network' }),
    admin_state_up: attribute(boolean(), { storage: 'boolean', default: true, doc: 'Whether it forwards' }),
    mac_address: attribute(macAddress(), { doc: 'MAC address; unset: one of fa:16:3e:…' }),
    fixed_ips: attribute(
      listOf(dictionary({}, { subnet_id: uuid(), ip_address: ipAddress() })) as never as ReturnType<
        typeof listOf<FixedIp>
      >,
      { storage: 'computed', filter: true, doc: 'Addresses; unset: one per family; []: none' },
    ),
    device_id: attribute(text(255), { default: '', doc: 'Device that has it: a server, a router, …' }),
    device_owner: attribute(text(255), { default: '', doc: 'Kind of device: `compute:nova`, `network:dhcp`, …' }),
    security_groups: attribute(uuidList(), {
      storage: 'computed',
      filter: true,
      doc: 'Security groups; unset: the default group of the project',
    }),
    port_security_enabled: attribute(boolean(), {
      storage: 'boolean',
      doc: 'Whether addresses and security groups are enforced',
    }),
    allowed_address_pairs: attribute(
      listOf(dictionary({ ip_address: addressOrCidr }, { mac_address: macAddress() }), 10) as never as ReturnType<
        typeof listOf<AddressPair>
      >,
      { storage: 'json', default: [], doc: 'Further addresses that it may send from, at most 10' },
    ),
    'binding:vnic_type': attribute(
      oneOf(
        'normal',
        'direct',
        'macvtap',
        'baremetal',
        'direct-physical',
        'virtio-forwarder',
        'smart-nic',
        'vdpa',
        'accelerator-direct',
        'accelerator-direct-physical',
        'remote-managed',
      ),
      { default: 'normal', doc: 'Kind of device that is wanted' },
    ),
    'binding:host_id': attribute(text(255), {
      default: '',
      adminSet: true,
      adminView: true,
      doc: 'Host that it is on',
    }),
    'binding:profile': attribute(anyObject(), {
      storage: 'json',
      default: {},
      adminSet: true,
      adminView: true,
      doc: 'For the host',
    }),
    'binding:vif_type': readOnly(given<string>(), {
      adminView: true,
      doc: '`unbound`, or `bridge` on a bridge of the host',
    }),
    'binding:vif_details': readOnly(given<Record<string, unknown>>(), {
      storage: 'json',
      adminView: true,
      doc: 'How it is plugged',
    }),
    extra_dhcp_opts: attribute(
      listOf(
        dictionary({ opt_name: text(255), opt_value: text(255) }, { ip_version: oneOf(4, 6) }),
      ) as never as ReturnType<typeof listOf<ExtraDhcpOption>>,
      { storage: 'json', default: [], doc: 'DHCP options for it alone' },
    ),
    dns_name: attribute(text(255), { default: '', doc: 'Host name' }),
    dns_assignment: readOnly(given<{ ip_address: string; hostname: string; fqdn: string }[]>(), {
      storage: 'computed',
      doc: 'Names of its addresses',
    }),
    status: readOnly(given<string>(), { doc: '`ACTIVE`, `DOWN`, `BUILD`, or `N/A` for a floating IP’s own' }),
    ip_allocation: readOnly(given<string>(), {
      storage: 'computed',
      filter: false,
      doc: '`immediate`, or `none` without addresses',
    }),
    qos_policy_id: attribute(nullable(uuid()), { default: null, doc: 'Always null: no QoS policies yet' }),
    qos_network_policy_id: readOnly(given<string | null>(), { storage: 'computed', doc: 'Always null' }),
    tags: attribute(listOf(text(255)), { storage: 'computed', put: false, doc: 'Labels for filters' }),
  },
});

export type Port = ObjectOf<typeof port>;
