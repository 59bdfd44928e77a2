import { attribute, given, nullable, oneOf, readOnly, text, uuid } from './attribute.ts';
import { CIDR, IP_ADDRESS, type JsonSchema, orNull, type Shape, TEXT } from './json-schema.ts';
import { defineResource, identified, type ObjectOf } from './resource.ts';

const ETHERTYPE: JsonSchema = { type: 'string', enum: ['IPv4', 'IPv6'] };
const PROTOCOL: Shape = {
  request: { type: ['string', 'integer', 'null'], minimum: 0, maximum: 255 },
  answer: orNull(TEXT),
};
/** As the protocol has it: a port, or a type or code of ICMP. */
const PORT: JsonSchema = { type: ['integer', 'null'], minimum: 0, maximum: 65_535 };

/** Permits traffic; what no rule of a port’s groups permits is dropped. */
export const securityGroupRule = defineResource({
  name: 'security_group_rule',
  collection: 'security-group-rules',
  doc: 'Permits traffic; what no rule of a port’s groups permits is dropped.',
  bulk: true,
  quota: 100,
  notFound: { type: 'SecurityGroupRuleNotFound', message: (id) => `Security group rule ${id} does not exist` },
  attributes: {
    ...identified,
    security_group_id: attribute(uuid(), { post: 'required', put: false, doc: 'Group' }),
    direction: attribute(oneOf('ingress', 'egress'), {
      post: 'required',
      put: false,
      doc: '`ingress`: towards the VM; `egress`: from it',
    }),
    ethertype: attribute(given<'IPv4' | 'IPv6'>(ETHERTYPE), {
      put: false,
      default: 'IPv4',
      doc: 'IPv4 or IPv6, in any case',
    }),
    protocol: attribute(given<string | null>(PROTOCOL), {
      put: false,
      default: null,
      doc: 'Name or number; null: any',
    }),
    port_range_min: attribute(given<number | null>(PORT), {
      storage: 'integer',
      put: false,
      default: null,
      doc: 'First port, or ICMP type',
    }),
    port_range_max: attribute(given<number | null>(PORT), {
      storage: 'integer',
      put: false,
      default: null,
      doc: 'Last port, or ICMP code',
    }),
    remote_ip_prefix: attribute(given<string | null>(orNull({ anyOf: [CIDR, IP_ADDRESS] })), {
      put: false,
      default: null,
      doc: 'Peer addresses; null: any',
    }),
    remote_group_id: attribute(nullable(uuid()), {
      put: false,
      default: null,
      doc: 'Peers: ports that carry this group',
    }),
    remote_address_group_id: attribute(nullable(uuid()), {
      put: false,
      default: null,
      doc: 'Peers: addresses of this group',
    }),
    normalized_cidr: readOnly(nullable(given<string>(CIDR)), {
      storage: 'computed',
      filter: false,
      doc: '`remote_ip_prefix`, host bits masked',
    }),
    description: attribute(nullable(text(255)), { put: false, default: '', doc: 'Free text' }),
  },
});

export type SecurityGroupRule = ObjectOf<typeof securityGroupRule>;
