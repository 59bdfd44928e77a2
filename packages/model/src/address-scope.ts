import { attribute, boolean, oneOf } from './attribute.ts';
import { defineResource, identified, name, type ObjectOf, shared } from './resource.ts';

/** Subnet pools whose addresses may be routed to each other: within a scope none overlap. */
export const addressScope = defineResource({
  name: 'address_scope',
  collection: 'address-scopes',
  doc: 'Subnet pools whose addresses may be routed to each other: within a scope none overlap.',
  bulk: true,
  shareActions: ['access_as_shared'],
  notFound: { type: 'AddressScopeNotFound', message: (id) => `Address scope ${id} could not be found.` },
  attributes: {
    id: identified.id,
    name,
    project_id: identified.project_id,
    shared: attribute(boolean(), { ...shared, default: false, adminSet: true }),
    ip_version: attribute(oneOf<4 | 6>(4, 6), { storage: 'integer', post: 'required', put: false, doc: '4 or 6' }),
  },
});

export type AddressScope = ObjectOf<typeof addressScope>;
