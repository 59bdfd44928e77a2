import { test } from 'node:test';
import { ABSENT_STEPS } from './openstack/absent.ts';
import { NETWORK_STEPS } from './openstack/networks.ts';
import { PORT_STEPS } from './openstack/ports.ts';
import { QUOTA_STEPS } from './openstack/quotas.ts';
import { ROUTER_STEPS } from './openstack/routers.ts';
import { SERVICE_STEPS } from './openstack/services.ts';
import { SHARING_STEPS } from './openstack/sharing.ts';
import { runSteps } from './openstack/step.ts';

/** Commands of openstackclient in the order in which they run, each area in a cloud of its own. */
const AREAS = {
  'networks and subnets': NETWORK_STEPS,
  'subnet pools, address scopes, address groups, RBAC': SHARING_STEPS,
  'ports and security groups': PORT_STEPS,
  'routers, floating IPs, port forwardings': ROUTER_STEPS,
  'agents, identity, servers': SERVICE_STEPS,
  'quotas, IP availability, scheduling': QUOTA_STEPS,
  'what is not served': ABSENT_STEPS,
};

for (const [area, steps] of Object.entries(AREAS)) {
  test(`the openstack client: ${area}`, (context) => runSteps(context, steps));
}
