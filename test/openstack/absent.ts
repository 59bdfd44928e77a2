import type { Step } from './step.ts';

/** What a service says of a collection that it does not have. */
const absent = (path: string): RegExp =>
  new RegExp(`^ResourceNotFound: 404: Client Error for url: \\S+/v2\\.0/${path}, The resource could not be found\\.$`);

/** Networking that Portward does not serve: the client says so, and goes on. */
export const ABSENT_STEPS: readonly Step[] = [
  { run: 'network qos policy list', says: absent('qos/policies') },
  { run: 'network qos rule type list', says: absent('qos/rule-types') },
  { run: 'network segment list', says: absent('segments') },
  { run: 'network meter list', says: absent('metering/metering-labels') },
  { run: 'network flavor list', says: absent('flavors') },
  { run: 'local ip list', says: absent('local_ips') },
  {
    run: 'network segment range list',
    says: 'Network segment ranges list not supported by Network API: No Extension found for network-segment-range',
  },
  { run: 'network auto allocated topology create', says: /^No AutoAllocatedTopology found for / },
  { run: 'network trunk list', says: /^The resource could not be found\.\n/ },
  { run: 'floating ip pool list', says: 'Floating ip pool operations are only available for Compute v2 network.' },
  {
    run: 'network create --qos-policy gold net',
    says: 'Error while executing command: ResourceNotFound: 404, The resource could not be found.',
  },
  {
    run: 'network create --transparent-vlan net',
    says: "Error while executing command: BadRequestException: 400, Unrecognized attribute(s) 'vlan_transparent'",
  },
  { run: 'network list', says: '' },
];
