import { attribute, boolean, cidrList, filledText, given, nonNegative, nullable, readOnly, uuid } from './attribute.ts';
import { defineResource, description, identified, type ObjectOf, shared, tags } from './resource.ts';

const prefixLength = (doc: string) => attribute(nonNegative(), { storage: 'integer', asText: true, doc });

/** Networks that subnets are taken from, so that none of them overlap. */
export const subnetPool = defineResource({
  name: 'subnetpool',
  collection: 'subnetpools',
  doc: 'Networks that subnets are taken from, so that none of them overlap.',
  tagged: true,
  bulk: true,
  quota: -1,
  shareActions: ['access_as_shared'],
  notFound: { type: 'SubnetPoolNotFound', message: (id) => `Subnet pool ${id} could not be found.` },
  attributes: {
    ...identified,
    name: attribute(filledText(255), { post: 'required', doc: 'Name, need not be unique' }),
    description,
    prefixes: attribute(cidrList(), { storage: 'json', post: 'required', doc: 'Networks; kept merged, in order' }),
    ip_version: readOnly(given<4 | 6>(), { storage: 'integer', doc: '4 or 6, as its prefixes' }),
    min_prefixlen: prefixLength('Largest block; unset: 8 for IPv4, 64 for IPv6'),
    default_prefixlen: prefixLength('Block for whoever names no length; unset: the largest'),
    max_prefixlen: prefixLength('Smallest block; unset: one address'),
    default_quota: attribute(nullable(nonNegative()), {
      storage: 'integer',
      default: null,
      doc: 'Most that one project may take, in addresses (IPv4) or /64s (IPv6); null or 0: all',
    }),
    address_scope_id: attribute(nullable(uuid()), { default: null, doc: 'Address scope' }),
    is_default: attribute(boolean(), {
      storage: 'boolean',
      default: false,
      adminSet: true,
      doc: 'Pool for whoever asks for the default one; one an IP version',
    }),
    shared: attribute(boolean(), { ...shared, put: false, default: false, adminSet: true }),
    tags,
  },
});

export type SubnetPool = ObjectOf<typeof subnetPool>;
