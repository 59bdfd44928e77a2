import { given, readOnly } from './attribute.ts';
import { defineResource } from './resource.ts';

/** A subnet that floating IPs can be taken from. */
export const floatingIpPool = defineResource({
  name: 'floatingip_pool',
  collection: 'floatingip_pools',
  notFound: { type: 'HTTPNotFound', message: () => 'The resource could not be found.' },
  attributes: {
    subnet_id: readOnly(given<string>(), { storage: 'computed', filter: true, doc: 'Subnet of an external network' }),
    subnet_name: readOnly(given<string>(), { storage: 'computed', filter: true, doc: 'Name of the subnet' }),
    network_id: readOnly(given<string>(), { storage: 'computed', filter: true, doc: 'The external network' }),
    cidr: readOnly(given<string>(), { storage: 'computed', filter: true, doc: 'Addresses of the subnet' }),
    project_id: readOnly(given<string>(), { storage: 'computed', doc: 'The project that asks' }),
  },
});
