import {
  attribute,
  boolean,
  checkedBy,
  given,
  isUuid,
  listOf,
  onlyNull,
  pythonText,
  readOnly,
  text,
  toBoolean,
} from './attribute.ts';
import { ipVersion, normalizeIp } from './ip-address.ts';
import { arrayOf, IP_ADDRESS, type JsonSchema, objectOf, orNull, type Shape, TEXT, UUID_TEXT } from './json-schema.ts';
import type { FixedIp, FixedIpRequest } from './port.ts';
import { agentHost, defineResource, description, identified, name, type ObjectOf, tags } from './resource.ts';
import { hostRoutes } from './subnet.ts';

/** The router's port on an external network, as the API shows it. */
export interface ExternalGateway {
  network_id: string;
  external_fixed_ips: FixedIp[];
  enable_snat: boolean;
}

/** What a request says of the gateway. */
export interface ExternalGatewayRequest {
  network_id: string;
  external_fixed_ips?: FixedIpRequest[];
  enable_snat?: boolean;
}

const GATEWAY_KEYS = ['network_id', 'enable_snat', 'external_fixed_ips', 'qos_policy_id'];

const gatewayAddress = { subnet_id: UUID_TEXT, ip_address: IP_ADDRESS };
const gateway = (fixedIps: JsonSchema, optional: string[]): JsonSchema =>
  orNull(objectOf({ network_id: UUID_TEXT, external_fixed_ips: fixedIps, enable_snat: { type: 'boolean' } }, optional));
const GATEWAY_SHAPE: Shape = {
  request: gateway(orNull(arrayOf(objectOf(gatewayAddress, Object.keys(gatewayAddress)))), [
    'external_fixed_ips',
    'enable_snat',
  ]),
  answer: gateway(arrayOf(objectOf(gatewayAddress)), []),
};

/** null and {} clear the gateway; else network_id is required and nothing unknown may be there. */
const gatewayRequest = checkedBy<ExternalGatewayRequest | null>(GATEWAY_SHAPE, (value) => {
  if (value === null) return { value: null };
  if (typeof value !== 'object' || Array.isArray(value))
    return { reason: `'${pythonText(value)}' is not a dictionary` };
  const request = value as Record<string, unknown>;
  const keys = Object.keys(request);
  if (keys.length === 0) return { value: null };
  if (!keys.includes('network_id') || keys.some((key) => !GATEWAY_KEYS.includes(key))) {
    const provided = keys.map((key) => `'${key}'`).join(', ');
    return {
      reason: `Validation of dictionary's keys failed. Expected keys: {'network_id'} Provided keys: {${provided}}`,
    };
  }
  if (!isUuid(request.network_id)) return { reason: `'${pythonText(request.network_id)}' is not a valid UUID` };
  const result: ExternalGatewayRequest = { network_id: request.network_id };
  if (request.enable_snat !== undefined && request.enable_snat !== null) {
    const snat = toBoolean(request.enable_snat);
    if (snat === undefined) return { reason: `'${pythonText(request.enable_snat)}' is not a valid boolean value` };
    result.enable_snat = snat;
  }
  const fixedIps = request.external_fixed_ips;
  if (fixedIps !== undefined && fixedIps !== null) {
    if (!Array.isArray(fixedIps)) return { reason: `Invalid data format for fixed IP: '${pythonText(fixedIps)}'` };
    result.external_fixed_ips = [];
    for (const item of fixedIps as Record<string, unknown>[]) {
      if (typeof item !== 'object' || item === null)
        return { reason: `Invalid data format for fixed IP: '${pythonText(item)}'` };
      const { subnet_id: subnetId, ip_address: address, ...rest } = item;
      if (Object.keys(rest).length > 0) return { reason: `Invalid data format for fixed IP: '${pythonText(item)}'` };
      if (subnetId !== undefined && !isUuid(subnetId))
        return { reason: `'${pythonText(subnetId)}' is not a valid UUID` };
      if (address !== undefined && (typeof address !== 'string' || ipVersion(address) === undefined)) {
        return { reason: `'${pythonText(address)}' is not a valid IP address` };
      }
      result.external_fixed_ips.push({
        ...(subnetId !== undefined && { subnet_id: subnetId }),
        ...(address !== undefined && { ip_address: normalizeIp(address) }),
      });
    }
  }
  return { value: result };
});

/** A router between networks of a project and, through its gateway, an external network. */
export const router = defineResource({
  name: 'router',
  collection: 'routers',
  doc: 'A router between networks of a project and, through its gateway, an external network.',
  tagged: true,
  quota: 10,
  notFound: { type: 'RouterNotFound', message: (id) => `Router ${id} could not be found` },
  attributes: {
    ...identified,
    name,
    description,
    admin_state_up: attribute(boolean(), { storage: 'boolean', default: true, doc: 'Whether it forwards' }),
    external_gateway_info: attribute(gatewayRequest as never as ReturnType<typeof given<ExternalGateway | null>>, {
      storage: 'computed',
      default: null,
      doc: 'Gateway to an external network: network_id, external_fixed_ips, enable_snat; null or {} clears it',
    }),
    distributed: attribute(boolean(), {
      storage: 'boolean',
      adminSet: true,
      adminView: true,
      default: false,
      doc: 'Whether routing is done on every host and address translation in the namespace `snat-<id>`',
    }),
    ha: attribute(boolean(), {
      storage: 'boolean',
      adminSet: true,
      adminView: true,
      default: false,
      doc: 'Whether it shall survive the loss of its host',
    }),
    routes: attribute(hostRoutes, { storage: 'json', post: 'denied', default: [], doc: 'Extra routes, at most 30' }),
    flavor_id: attribute(onlyNull('Router flavors'), { put: false, default: null, doc: 'Always null' }),
    availability_zone_hints: attribute(listOf(text(255)), {
      storage: 'json',
      put: false,
      default: [],
      doc: 'Preferred zones',
    }),
    availability_zones: readOnly(given<string[]>(arrayOf(TEXT)), { storage: 'computed', doc: 'Zones of its agent' }),
    status: readOnly(given<string>(), { doc: '`ACTIVE`, `DOWN` or `ERROR`' }),
    tags,
    agent_host: agentHost,
    gateway_port_id: { ...agentHost, doc: 'Its port on the external network' },
    gateway_network_id: { ...agentHost, doc: 'Its external network' },
    enable_snat: {
      ...readOnly(given<boolean>(), { storage: 'boolean', doc: 'Whether what leaves gets its address' }),
      internal: true,
      filter: false,
      sort: false,
    },
  },
});

export type Router = ObjectOf<typeof router>;
