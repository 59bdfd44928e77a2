import { given, readOnly } from './attribute.ts';
import { arrayOf, CIDR, type JsonSchema, objectOf, TEXT, UUID_TEXT } from './json-schema.ts';
import { defineResource } from './resource.ts';

/** How many addresses a subnet has, and how many are taken. */
export interface SubnetAvailability {
  subnet_id: string;
  subnet_name: string;
  ip_version: number;
  cidr: string;
  /** Addresses of the allocation pools; of the whole subnet where it has none. */
  total_ips: bigint;
  /** Addresses that ports have, within the pools or not. */
  used_ips: number;
}

const COUNT: JsonSchema = { type: 'integer', minimum: 0 };
const SUBNET = objectOf({
  subnet_id: UUID_TEXT,
  subnet_name: TEXT,
  cidr: CIDR,
  ip_version: COUNT,
  total_ips: COUNT,
  used_ips: COUNT,
});

/** The addresses of a network's subnets, counted. Its id is the network's. */
export const networkIpAvailability = defineResource({
  name: 'network_ip_availability',
  collection: 'network-ip-availabilities',
  doc: 'The addresses of a network’s subnets, counted.',
  notFound: { type: 'NetworkNotFound', message: (id) => `Network ${id} could not be found.` },
  attributes: {
    network_id: readOnly(given<string>(UUID_TEXT), { storage: 'computed', filter: true, doc: 'Network' }),
    network_name: readOnly(given<string>(TEXT), { storage: 'computed', filter: true, doc: 'Name of the network' }),
    project_id: readOnly(given<string>(TEXT), { storage: 'computed', filter: true, doc: 'Owner of the network' }),
    ip_version: readOnly(given<4 | 6>(COUNT), {
      storage: 'computed',
      filter: true,
      doc: 'Never shown: as a filter, counts only subnets of this IP version',
    }),
    total_ips: readOnly(given<bigint>(COUNT), { storage: 'computed', doc: 'Sum over the subnets' }),
    used_ips: readOnly(given<number>(COUNT), { storage: 'computed', doc: 'Sum over the subnets' }),
    subnet_ip_availability: readOnly(given<SubnetAvailability[]>(arrayOf(SUBNET)), {
      storage: 'computed',
      doc: 'The same for each subnet',
    }),
  },
});
