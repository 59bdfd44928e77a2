import { HOST_SCOPE, parseScope, type Scope } from '../layout/scopes.ts';
import type { World } from '../layout/world.ts';

/**
 * Adds the scopes whose objects' status hangs on one that began or ceased to fail: floating IPs and forwardings on
 * their router, ports on their network.
 */
export function withDependents(world: World, scopes: ReadonlySet<Scope>, turned: ReadonlySet<Scope>): Set<Scope> {
  const all = new Set(scopes);
  const { replica } = world;
  const addForwardings = (floatingIpId: string): void => {
    all.add(`floatingip:${floatingIpId}`);
    for (const { id } of replica.forwardingsByFloatingIp.of(floatingIpId)) all.add(`port_forwarding:${id}`);
  };
  for (const scope of turned) {
    const { kind, id } = parseScope(scope);
    if (kind === 'router') for (const floatingIp of replica.floatingIpsByRouter.of(id)) addForwardings(floatingIp.id);
    else if (kind === 'floatingip') addForwardings(id);
    else if (scope === HOST_SCOPE) for (const port of replica.all('port')) all.add(`port:${port.id}`);
    else if (kind === 'network') for (const port of replica.portsByNetwork.of(id)) all.add(`port:${port.id}`);
  }
  return all;
}
