import {
  anyObject,
  attribute,
  boolean,
  checkedBy,
  dictionary,
  given,
  ipAddress,
  listOf,
  macAddress,
  nullable,
  oneOf,
  oneOfIntegers,
  onlyNull,
  pythonText,
  readOnly,
  shapeOf,
  text,
  uuid,
  uuidList,
} from './attribute.ts';
import { dnsName } from './dns-name.ts';
import { formatCidr, ipVersion, normalizeIp, parseCidr } from './ip-address.ts';
import { arrayOf, CIDR, IP_ADDRESS, objectOf, orNull, type Shape, TEXT } from './json-schema.ts';
import { defineResource, description, identified, name, type ObjectOf } from './resource.ts';

/** An address of a port. */
export interface FixedIp {
  subnet_id: string;
  ip_address: string;
}

/** What a request may say of an address: the subnet, the address, or both. */
export interface FixedIpRequest {
  subnet_id?: string;
  ip_address?: string;
}

/** Further addresses that a port may send from. */
export interface AddressPair {
  ip_address: string;
  mac_address: string;
}

/** A DHCP option for one port. */
export interface ExtraDhcpOption {
  opt_name: string;
  opt_value: string;
  ip_version: number;
}

/** What a request says of an option: null removes it. */
export interface ExtraDhcpOptionRequest extends Omit<ExtraDhcpOption, 'opt_value'> {
  opt_value: string | null;
}

/** Owners of ports that belong to the network itself and are trusted. */
export const DEVICE_OWNER = {
  routerInterface: 'network:router_interface',
  distributedInterface: 'network:router_interface_distributed',
  routerGateway: 'network:router_gateway',
  routerSnat: 'network:router_centralized_snat',
  floatingIp: 'network:floatingip',
  dhcp: 'network:dhcp',
} as const;

/** Owners of the ports by which a router is on an internal network. */
export const ROUTER_INTERFACE_OWNERS: readonly string[] = [
  DEVICE_OWNER.routerInterface,
  DEVICE_OWNER.distributedInterface,
];

const fixedIp = dictionary({}, { subnet_id: uuid(), ip_address: ipAddress() });

/** Addresses as a request wishes them: subnet, address or both; no address twice. */
const fixedIps = checkedBy<FixedIp[]>(arrayOf(shapeOf(fixedIp).answer), (value) => {
  if (!Array.isArray(value)) return { reason: `Invalid data format for fixed IP: '${pythonText(value)}'` };
  const seen = new Set<unknown>();
  const wishes: FixedIp[] = [];
  for (const item of value) {
    const outcome = fixedIp.safeParse(item);
    if (!outcome.success) {
      return typeof item === 'object' && item !== null
        ? { reason: outcome.error.issues[0]?.message ?? '' }
        : { reason: `Invalid data format for fixed IP: '${pythonText(item)}'` };
    }
    const wish = outcome.data as unknown as FixedIp;
    if (wish.ip_address !== undefined && seen.has(wish.ip_address)) {
      return { reason: `Duplicate IP address '${wish.ip_address}'` };
    }
    seen.add(wish.ip_address);
    wishes.push(wish);
  }
  return { value: wishes };
});

/** Most further addresses of one port (Neutron's limit). */
const MOST_PAIRS = 10;

const PRINTABLE = /^[^\p{Cc}]*$/u;
/** Options that may be said with an empty value. */
const MAY_BE_EMPTY: readonly unknown[] = ['router', 'classless-static-route'];

const ONE_FILLED_LINE = '^[^\\x00-\\x1f\\x7f-\\x9f]*\\S[^\\x00-\\x1f\\x7f-\\x9f]*$';

/** Name and value of an option reach the configuration of a DHCP server: one line each. */
const optionText = checkedBy<string>({ type: 'string', maxLength: 255, pattern: ONE_FILLED_LINE }, (value) => {
  if (typeof value !== 'string') return { reason: `'${pythonText(value)}' is not a valid string` };
  if (value.length > 255) return { reason: `'${value}' exceeds maximum length of 255` };
  return PRINTABLE.test(value) ? { value } : { reason: `'${value}' contains a control character` };
});

const dhcpOption = dictionary(
  { opt_name: optionText, opt_value: nullable(optionText) },
  { ip_version: oneOfIntegers(4, 6) },
);

const DHCP_OPTIONS: Shape = {
  request: shapeOf(listOf(dhcpOption)).request,
  answer: arrayOf(objectOf({ opt_name: TEXT, opt_value: TEXT, ip_version: { type: 'integer' } })),
};

const dhcpOptions = checkedBy<ExtraDhcpOptionRequest[]>(DHCP_OPTIONS, (value) => {
  if (value === null) return { value: [] };
  if (!Array.isArray(value)) return { reason: `'${pythonText(value)}' is not a list` };
  const options: ExtraDhcpOptionRequest[] = [];
  for (const item of value) {
    const outcome = dhcpOption.safeParse(item);
    if (!outcome.success) return { reason: outcome.error.issues[0]?.message ?? '' };
    const { ip_version: version = 4, ...option } = outcome.data as unknown as ExtraDhcpOptionRequest;
    if (option.opt_name.trim() === '') return { reason: "'' Blank strings are not permitted" };
    if (option.opt_value?.trim() === '' && !MAY_BE_EMPTY.includes(option.opt_name)) {
      return { reason: "'' Blank strings are not permitted" };
    }
    options.push({ ...option, ip_version: version });
  }
  return { value: options };
});

/** A host, or none: null and '' say the same. */
const hostId = checkedBy<string>({ request: orNull({ type: 'string', maxLength: 255 }), answer: TEXT }, (value) => {
  if (value === null) return { value: '' };
  const outcome = text(255).safeParse(value);
  return outcome.success ? { value: outcome.data } : { reason: outcome.error.issues[0]?.message ?? '' };
});

const addressOrCidr = checkedBy<string>({ anyOf: [IP_ADDRESS, CIDR] }, (value) => {
  if (typeof value === 'string') {
    if (ipVersion(value) !== undefined) return { value: normalizeIp(value) };
    const parsed = value.includes('/') ? parseCidr(value) : undefined;
    if (parsed) return { value: formatCidr(parsed) };
  }
  return { reason: `'${pythonText(value)}' is not a valid IP address or CIDR` };
});

const addressPair = dictionary({ ip_address: addressOrCidr }, { mac_address: macAddress() });

const addressPairs = checkedBy<AddressPair[]>(shapeOf(listOf(addressPair, MOST_PAIRS)), (value) => {
  if (value === null) return { value: [] };
  if (!Array.isArray(value)) return { reason: `'${pythonText(value)}' is not a list` };
  if (value.length > MOST_PAIRS) {
    return {
      type: 'AllowedAddressPairExhausted',
      reason: `The number of allowed address pair exceeds the maximum ${MOST_PAIRS}.`,
    };
  }
  const pairs: AddressPair[] = [];
  for (const item of value) {
    if (typeof item === 'object' && item !== null && !Array.isArray(item) && !Object.hasOwn(item, 'ip_address')) {
      return { type: 'AllowedAddressPairsMissingIP', reason: 'AllowedAddressPair must contain ip_address' };
    }
    const outcome = addressPair.safeParse(item);
    if (!outcome.success) return { reason: outcome.error.issues[0]?.message ?? '' };
    pairs.push(outcome.data as unknown as AddressPair);
  }
  return { value: pairs };
});

/** A connection of a device to a network. */
export const port = defineResource({
  name: 'port',
  collection: 'ports',
  doc: 'A connection of a device to a network: a MAC address, addresses, and what may pass.',
  tagged: true,
  bulk: true,
  quota: 500,
  notFound: { type: 'PortNotFound', message: (id) => `Port ${id} could not be found.` },
  attributes: {
    ...identified,
    name,
    description,
    network_id: attribute(uuid(), { post: 'required', put: false, doc: 'Network' }),
    admin_state_up: attribute(boolean(), { storage: 'boolean', default: true, doc: 'Whether it forwards' }),
    mac_address: attribute(macAddress(), { doc: 'MAC address; unset: one of fa:16:3e:…' }),
    fixed_ips: attribute(fixedIps, {
      storage: 'computed',
      filter: true,
      doc: 'Addresses; unset: one per family; []: none but those that follow from the MAC address',
    }),
    device_id: attribute(text(255), { default: '', doc: 'Device that has it: a server, a router, …' }),
    device_owner: attribute(text(255), { default: '', doc: 'Kind of device: `compute:nova`, `network:dhcp`, …' }),
    security_groups: attribute(uuidList(), {
      storage: 'computed',
      filter: true,
      doc: 'Security groups; unset: the default group of the project',
    }),
    port_security_enabled: attribute(boolean(), {
      storage: 'boolean',
      doc: 'Whether addresses and security groups are enforced',
    }),
    allowed_address_pairs: attribute(addressPairs, {
      storage: 'json',
      default: [],
      doc: 'Further addresses that it may send from, at most 10',
    }),
    'binding:vnic_type': attribute(
      oneOf(
        'normal',
        'direct',
        'macvtap',
        'baremetal',
        'direct-physical',
        'virtio-forwarder',
        'smart-nic',
        'vdpa',
        'accelerator-direct',
        'accelerator-direct-physical',
        'remote-managed',
      ),
      { default: 'normal', doc: 'Kind of device that is wanted' },
    ),
    'binding:host_id': attribute(hostId, {
      default: '',
      adminSet: true,
      adminView: true,
      doc: 'Host that it is on',
    }),
    'binding:profile': attribute(anyObject(), {
      storage: 'json',
      default: {},
      adminSet: true,
      adminView: true,
      doc: 'For the host',
    }),
    'binding:vif_type': readOnly(given<string>(), {
      adminView: true,
      doc: '`unbound`, or `bridge` on a bridge of the host',
    }),
    'binding:vif_details': readOnly(given<Record<string, unknown>>({ type: 'object' }), {
      storage: 'json',
      adminView: true,
      doc: 'How it is plugged',
    }),
    extra_dhcp_opts: attribute(dhcpOptions as never as ReturnType<typeof given<ExtraDhcpOption[]>>, {
      storage: 'json',
      default: [],
      doc: 'DHCP options for it alone; a PUT adds and changes those that it names, and removes those of value null',
    }),
    dns_name: attribute(dnsName(), { default: '', doc: 'Host name' }),
    dns_assignment: readOnly(
      given<{ ip_address: string; hostname: string; fqdn: string }[]>(
        arrayOf(objectOf({ ip_address: IP_ADDRESS, hostname: TEXT, fqdn: TEXT })),
      ),
      {
        storage: 'computed',
        doc: 'Names of its addresses',
      },
    ),
    status: readOnly(given<string>(), { doc: '`ACTIVE`, `DOWN`, `BUILD`, or `N/A` for a floating IP’s own' }),
    ip_allocation: readOnly(given<string>(TEXT), {
      storage: 'computed',
      filter: false,
      doc: '`immediate`, or `none` without addresses',
    }),
    qos_policy_id: attribute(onlyNull('QoS policies'), { default: null, doc: 'Always null: no QoS policies yet' }),
    qos_network_policy_id: readOnly(given<string | null>({ type: 'null' }), {
      storage: 'computed',
      doc: 'Always null',
    }),
    tags: attribute(listOf(text(255)), { storage: 'computed', put: false, doc: 'Labels for filters' }),
  },
});

export type Port = ObjectOf<typeof port>;
