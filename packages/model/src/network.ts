import {
  attribute,
  boolean,
  checkedBy,
  given,
  integer,
  listOf,
  nullable,
  oneOf,
  onlyNull,
  readOnly,
  text,
} from './attribute.ts';
import { dnsName } from './dns-name.ts';
import { arrayOf, TEXT, UUID_TEXT } from './json-schema.ts';
import { agentHost, defineResource, description, identified, name, type ObjectOf, shared, tags } from './resource.ts';

/** How a network's frames travel between hosts: `flat` on a bridge of the host, `local` within one host. */
export type NetworkType = 'flat' | 'local';

const LARGEST_MTU = 9000;

/** Whole bytes, from what IPv4 needs to what we carry. */
const mtu = checkedBy<number>({ type: 'integer', minimum: 68, maximum: LARGEST_MTU }, (value) => {
  const outcome = integer(68, Number.MAX_SAFE_INTEGER).safeParse(value);
  if (!outcome.success) return { reason: outcome.error.issues[0]?.message ?? '' };
  return outcome.data > LARGEST_MTU
    ? { reason: `Requested MTU is too big, maximum is ${LARGEST_MTU}`, convert: true }
    : { value: outcome.data };
});

/** A layer-2 network. */
export const network = defineResource({
  name: 'network',
  collection: 'networks',
  doc: 'A layer-2 network: what is on it reaches each other without a router.',
  tagged: true,
  bulk: true,
  shareActions: ['access_as_shared', 'access_as_external'],
  quota: 100,
  notFound: { type: 'NetworkNotFound', message: (id) => `Network ${id} could not be found.` },
  attributes: {
    ...identified,
    name,
    description,
    admin_state_up: attribute(boolean(), { storage: 'boolean', default: true, doc: 'Whether it forwards' }),
    shared: attribute(boolean(), {
      ...shared,
      default: false,
      adminSet: true,
      doc: 'Whether it is shared with this project; set: whether it is shared with all',
    }),
    'router:external': attribute(boolean(), {
      storage: 'boolean',
      default: false,
      adminSet: true,
      doc: 'Whether routers may have their gateway, and floating IPs their address, on it',
    }),
    is_default: attribute(boolean(), {
      storage: 'boolean',
      default: false,
      adminSet: true,
      doc: 'Default external network',
    }),
    'provider:network_type': attribute(oneOf('flat', 'local'), {
      adminSet: true,
      adminView: true,
      doc: '`flat`: on the bridge that the host maps the physical network to; `local`: on one host alone',
    }),
    'provider:physical_network': attribute(nullable(text(64)), {
      adminSet: true,
      adminView: true,
      default: null,
      doc: 'Name that each host maps to a bridge of its own',
    }),
    'provider:segmentation_id': attribute(nullable(integer(1, 16_777_215)), {
      storage: 'integer',
      adminSet: true,
      adminView: true,
      default: null,
      doc: 'Segment; null for flat and local networks',
    }),
    mtu: attribute(mtu, { storage: 'integer', default: 1500, doc: 'Largest packet, bytes' }),
    port_security_enabled: attribute(boolean(), {
      storage: 'boolean',
      default: true,
      doc: 'Default for its ports: whether addresses and security groups are enforced',
    }),
    availability_zone_hints: attribute(listOf(text(255)), {
      storage: 'json',
      put: false,
      default: [],
      doc: 'Preferred zones',
    }),
    dns_domain: attribute(dnsName(), { default: '', doc: 'DNS domain of its ports' }),
    qos_policy_id: attribute(onlyNull('QoS policies'), { default: null, doc: 'Always null: no QoS policies yet' }),
    status: readOnly(given<string>(), { doc: '`ACTIVE`' }),
    subnets: readOnly(given<string[]>(arrayOf(UUID_TEXT)), { storage: 'computed', doc: 'Ids of its subnets' }),
    availability_zones: readOnly(given<string[]>(arrayOf(TEXT)), { storage: 'computed', doc: 'Zones of its DHCP' }),
    ipv4_address_scope: readOnly(nullable(given<string>(UUID_TEXT)), {
      storage: 'computed',
      doc: 'Address scope of its IPv4 subnets',
    }),
    ipv6_address_scope: readOnly(nullable(given<string>(UUID_TEXT)), {
      storage: 'computed',
      doc: 'Address scope of its IPv6 subnets',
    }),
    l2_adjacency: readOnly(given<boolean>({ type: 'boolean' }), {
      storage: 'computed',
      doc: 'Whether all ports share one layer-2 segment',
    }),
    tags,
    agent_host: agentHost,
  },
});

export type Network = ObjectOf<typeof network>;
