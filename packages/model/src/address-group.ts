import { attribute, cidrList, given, internal, readOnly, text } from './attribute.ts';
import { defineResource, identified, name, type ObjectOf, shared } from './resource.ts';

/** A named set of networks that rules of security groups refer to. */
export const addressGroup = defineResource({
  name: 'address_group',
  collection: 'address-groups',
  doc: 'A named set of networks that rules of security groups refer to.',
  bulk: true,
  quota: -1,
  shareActions: ['access_as_shared'],
  notFound: { type: 'AddressGroupNotFound', message: (id) => `Address group ${id} could not be found.` },
  attributes: {
    id: identified.id,
    name,
    description: attribute(text(1024), { default: '', doc: 'Free text' }),
    project_id: identified.project_id,
    addresses: attribute(cidrList(), {
      storage: 'json',
      put: false,
      default: [],
      doc: 'Networks, in order of their text; changed by add_addresses and remove_addresses',
    }),
    shared: readOnly(given<boolean>(), shared),
    created_at: internal(given<string>(), { doc: 'Time of creation' }),
    updated_at: internal(given<string>(), { doc: 'Time of the last change' }),
    revision_number: internal(given<number>(), { storage: 'integer', doc: 'Grows with each change' }),
  },
});

export type AddressGroup = ObjectOf<typeof addressGroup>;
