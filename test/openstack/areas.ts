import { ABSENT_STEPS } from './absent.ts';
import { NETWORK_STEPS } from './networks.ts';
import { PORT_STEPS } from './ports.ts';
import { QUOTA_STEPS } from './quotas.ts';
import { ROUTER_STEPS } from './routers.ts';
import { SERVICE_STEPS } from './services.ts';
import { SHARING_STEPS } from './sharing.ts';

/** Commands of openstackclient in the order in which they run, each area in a cloud of its own. */
export const AREAS = {
  'networks and subnets': NETWORK_STEPS,
  'subnet pools, address scopes, address groups, RBAC': SHARING_STEPS,
  'ports and security groups': PORT_STEPS,
  'routers, floating IPs, port forwardings': ROUTER_STEPS,
  'agents, identity, servers': SERVICE_STEPS,
  'quotas, IP availability, scheduling': QUOTA_STEPS,
  'what is not served': ABSENT_STEPS,
};
