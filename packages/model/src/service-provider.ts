import { given, readOnly } from './attribute.ts';
import { TEXT } from './json-schema.ts';
import { defineResource, type ObjectOf } from './resource.ts';

/** What carries out a service of the Networking API. */
export const serviceProvider = defineResource({
  name: 'service_provider',
  collection: 'service-providers',
  doc: 'What carries out a service of the Networking API.',
  notFound: { type: 'HTTPNotFound', message: () => 'The resource could not be found.' },
  attributes: {
    service_type: readOnly(given<string>(TEXT), { storage: 'computed', filter: true, doc: 'Service, `L3_ROUTER_NAT`' }),
    name: readOnly(given<string>(TEXT), { storage: 'computed', filter: true, doc: 'Name' }),
    default: readOnly(given<boolean>({ type: 'boolean' }), {
      storage: 'computed',
      filter: true,
      doc: 'Whether it is what one gets',
    }),
  },
});

export type ServiceProvider = ObjectOf<typeof serviceProvider>;
