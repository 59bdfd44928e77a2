import { agent } from './agent.ts';
import { floatingIp } from './floating-ip.ts';
import { network } from './network.ts';
import { port } from './port.ts';
import { portForwarding } from './port-forwarding.ts';
import type { Resource } from './resource.ts';
import { router } from './router.ts';
import { securityGroup } from './security-group.ts';
import { securityGroupRule } from './security-group-rule.ts';
import { subnet } from './subnet.ts';

/** Every resource of the Networking API, in an order in which what is referred to comes first. */
export const NETWORKING_RESOURCES = [
  network,
  subnet,
  securityGroup,
  securityGroupRule,
  router,
  port,
  floatingIp,
  portForwarding,
  agent,
] as const satisfies readonly Resource[];
