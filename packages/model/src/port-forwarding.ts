import {
  attribute,
  checkedBy,
  given,
  internal,
  ipAddress,
  nullable,
  portNumber,
  portRange,
  pythonText,
  text,
  uuid,
} from './attribute.ts';
import { defineResource, identified, type ObjectOf } from './resource.ts';

/** Protocols that Neutron accepts for a forwarding. */
export const FORWARDING_PROTOCOLS = ['tcp', 'udp', 'icmp', 'sctp', 'dccp', 'ipv6-icmp'] as const;
export type ForwardingProtocol = (typeof FORWARDING_PROTOCOLS)[number];

/** Protocols that have ports which the kernel can translate, with their IANA numbers. */
export const TRANSLATABLE_PROTOCOLS = { tcp: 6, udp: 17, sctp: 132 } as const;
export type TranslatableProtocol = keyof typeof TRANSLATABLE_PROTOCOLS;

/** Whether the data plane can carry a forwarding of this protocol out. */
export const isTranslatable = (protocol: string): protocol is TranslatableProtocol =>
  Object.hasOwn(TRANSLATABLE_PROTOCOLS, protocol);

const KNOWN_IP_PROTOCOLS =
  /^(ah|dccp|egp|esp|gre|hopopt|icmp|igmp|ip|ipip|ipv6-encap|ipv6-frag|ipv6-icmp|icmpv6|ipv6-nonxt|ipv6-opts|ipv6-route|ospf|pgm|rsvp|sctp|tcp|udp|udplite|vrrp|25[0-5]|2[0-4]\d|[01]?\d{1,2})$/i;

const protocol = checkedBy<ForwardingProtocol>({ type: 'string', enum: FORWARDING_PROTOCOLS }, (value) => {
  if (typeof value !== 'string')
    return { reason: `Input value ${pythonText(value)} must be string type`, convert: true };
  if (FORWARDING_PROTOCOLS.includes(value as ForwardingProtocol)) return { value: value as ForwardingProtocol };
  if (KNOWN_IP_PROTOCOLS.test(value)) return { reason: `${value} is not in valid_values` };
  return {
    reason: `IP protocol '${value}' is not supported. Only protocol names and their integer representation (0 to 255) are supported`,
    convert: true,
  };
});

const port = () => nullable(portNumber());
const range = () => nullable(portRange());

/** One external port, or range, of a floating IP that leads to a port of one VM. */
export const portForwarding = defineResource({
  name: 'port_forwarding',
  collection: 'port_forwardings',
  doc: 'One external port, or a range, of a floating IP that leads to a port of one VM. All forwardings of a floating IP go through one router.',
  bulk: true,
  quota: -1,
  notFound: { type: 'PortForwardingNotFound', message: (id) => `Port Forwarding ${id} could not be found.` },
  attributes: {
    id: identified.id,
    project_id: { ...identified.project_id, writeOnly: true, filter: false, sort: false },
    internal_port_id: attribute(uuid(), { post: 'required', doc: 'Port of the VM' }),
    internal_ip_address: attribute(ipAddress(), {
      filter: false,
      sort: false,
      doc: 'Address of that port; unset: its first IPv4 address',
    }),
    protocol: attribute(protocol, {
      post: 'required',
      doc: 'tcp, udp, sctp; icmp, ipv6-icmp and dccp are kept and not carried out',
    }),
    external_port: attribute(port(), { storage: 'computed', filter: true, sort: true, doc: 'Port of the floating IP' }),
    external_port_range: attribute(range(), {
      storage: 'computed',
      filter: true,
      sort: true,
      doc: 'Ports of the floating IP, `a:b`',
    }),
    internal_port: attribute(port(), { storage: 'computed', doc: 'Port of the VM' }),
    internal_port_range: attribute(range(), {
      storage: 'computed',
      doc: 'Ports of the VM, `a:b`; as wide as the external range, or one port',
    }),
    description: attribute(text(1024), { default: '', sort: false, doc: 'Free text' }),
    floatingip_id: internal(given<string>(), { doc: 'Floating IP' }),
    external_first: internal(given<number>(), { storage: 'integer', doc: 'First external port' }),
    external_last: internal(given<number>(), { storage: 'integer', doc: 'Last external port' }),
    internal_first: internal(given<number>(), { storage: 'integer', doc: 'First internal port' }),
    internal_last: internal(given<number>(), { storage: 'integer', doc: 'Last internal port' }),
    created_at: { ...identified.created_at, internal: true, sort: false },
    updated_at: { ...identified.updated_at, internal: true, sort: false },
    revision_number: { ...identified.revision_number, internal: true, filter: false, sort: false },
  },
});

export type PortForwarding = ObjectOf<typeof portForwarding>;

/** Filters on `floatingip_id` are accepted and ignored: the SDK sends one with each GET. */
export const IGNORED_FORWARDING_FILTERS: readonly string[] = ['floatingip_id'];
