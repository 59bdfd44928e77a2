import { attribute, given, internal, ipAddress, nullable, onlyNull, readOnly, uuid } from './attribute.ts';
import { dnsName } from './dns-name.ts';
import { arrayOf, IP_ADDRESS, objectOf, orNull, TEXT, UUID_TEXT } from './json-schema.ts';
import { defineResource, description, identified, type ObjectOf, tags } from './resource.ts';

/** What a floating IP shows of the port that it is associated with. */
export interface PortDetails {
  name: string;
  network_id: string;
  mac_address: string;
  admin_state_up: boolean;
  status: string;
  device_id: string;
  device_owner: string;
}

/** What a floating IP shows of each of its forwardings; a range leaves the two port numbers out. */
export interface ExposedForwarding {
  id: string;
  protocol: string;
  internal_ip_address: string;
  internal_port_id: string;
  internal_port?: number;
  external_port?: number;
}

const PORT_DETAILS = objectOf({
  name: TEXT,
  network_id: UUID_TEXT,
  mac_address: TEXT,
  admin_state_up: { type: 'boolean' },
  status: TEXT,
  device_id: TEXT,
  device_owner: TEXT,
});

const EXPOSED_FORWARDING = objectOf(
  {
    id: UUID_TEXT,
    protocol: TEXT,
    internal_ip_address: IP_ADDRESS,
    internal_port_id: UUID_TEXT,
    internal_port: { type: 'integer' },
    external_port: { type: 'integer' },
  },
  ['internal_port', 'external_port'],
);

/** A public address: either associated with one port, or shared by port forwardings. */
export const floatingIp = defineResource({
  name: 'floatingip',
  collection: 'floatingips',
  doc: 'A public address: either associated with one port, or shared by port forwardings.',
  tagged: true,
  quota: 50,
  notFound: { type: 'FloatingIPNotFound', message: (id) => `Floating IP ${id} could not be found` },
  attributes: {
    ...identified,
    description,
    floating_network_id: attribute(uuid(), { post: 'required', put: false, doc: 'External network' }),
    subnet_id: attribute(nullable(uuid()), {
      storage: 'computed',
      put: false,
      writeOnly: true,
      filter: false,
      doc: 'Subnet to take the address from',
    }),
    floating_ip_address: attribute(ipAddress(), {
      put: false,
      adminSet: true,
      doc: 'The address; unset: the next free one',
    }),
    port_id: attribute(nullable(uuid()), { doc: 'Port that it is associated with; null disassociates' }),
    fixed_ip_address: attribute(nullable(ipAddress()), { doc: 'Address of the port; unset: its only IPv4 address' }),
    dns_name: attribute(dnsName(), { put: false, default: '', doc: 'DNS name' }),
    dns_domain: attribute(dnsName(), { put: false, default: '', doc: 'DNS domain' }),
    qos_policy_id: attribute(onlyNull('QoS policies'), { default: null, doc: 'Always null: no QoS policies yet' }),
    router_id: readOnly(nullable(given<string>(UUID_TEXT)), {
      doc: 'Router that translates it; null until there is something to translate',
    }),
    status: readOnly(given<string>(), { doc: '`ACTIVE` once a host carries it out, else `DOWN` or `ERROR`' }),
    port_details: readOnly(given<PortDetails | null>(orNull(PORT_DETAILS)), {
      storage: 'computed',
      doc: 'The associated port, in short',
    }),
    port_forwardings: readOnly(given<ExposedForwarding[]>(arrayOf(EXPOSED_FORWARDING)), {
      storage: 'computed',
      doc: 'Its forwardings, in short',
    }),
    tags,
    floating_port_id: internal(given<string>(), { doc: 'Port that holds the address on the external network' }),
  },
});

export type FloatingIp = ObjectOf<typeof floatingIp>;
