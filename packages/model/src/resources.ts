import { addressGroup } from './address-group.ts';
import { addressScope } from './address-scope.ts';
import { agent } from './agent.ts';
import { floatingIp } from './floating-ip.ts';
import { network } from './network.ts';
import { port } from './port.ts';
import { portForwarding } from './port-forwarding.ts';
import { rbacPolicy } from './rbac-policy.ts';
import type { Resource } from './resource.ts';
import { router } from './router.ts';
import { securityGroup } from './security-group.ts';
import { securityGroupRule } from './security-group-rule.ts';
import { subnet } from './subnet.ts';
import { subnetPool } from './subnet-pool.ts';

/** Every resource of the Networking API, in an order in which what is referred to comes first. */
export const NETWORKING_RESOURCES = [
  addressScope,
  subnetPool,
  network,
  subnet,
  addressGroup,
  securityGroup,
  securityGroupRule,
  router,
  port,
  floatingIp,
  portForwarding,
  agent,
  rbacPolicy,
] as const satisfies readonly Resource[];
