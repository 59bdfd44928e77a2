import { tapDevice } from '@portward/model/device-names.ts';
import type { ObjectStatus, StatusReport } from '@portward/model/feed.ts';
import { isTranslatable } from '@portward/model/port-forwarding.ts';
import { floatingIpPlace } from '../layout/floating-ip.ts';
import { HOST_SCOPE, parseScope, type Scope, type ScopeKind } from '../layout/scopes.ts';
import {
  bridgeOf,
  isDhcp,
  isGateway,
  isInterface,
  isOwnDevice,
  isSnat,
  type Port,
  type World,
} from '../layout/world.ts';

/** How a scope stands in the kernel. */
export interface Standing {
  failureOf(scope: Scope): string | undefined;
  isApplied(scope: Scope): boolean;
}

interface Verdict {
  status: ObjectStatus;
  reason?: string;
}

type Subject = Pick<StatusReport, 'kind' | 'id' | 'revision_number'>;

/** What has been said of each object, so that only news is said. */
export class Statuses {
  readonly #said = new Map<string, string>();

  /** News about the objects of some scopes. */
  news(world: World, standing: Standing, scopes: Iterable<Scope>): StatusReport[] {
    const reports: StatusReport[] = [];
    for (const scope of scopes) {
      const { kind, id } = parseScope(scope);
      OBSERVERS[kind]?.(world, standing, id, (subject, verdict) => {
        const name = `${subject.kind}:${subject.id}`;
        // Of what was never here there is nothing to say; what was here and went is told once.
        if (verdict === undefined && !this.#said.has(name)) return;
        const report: StatusReport = { ...subject, ...(verdict ?? ELSEWHERE) };
        const text = JSON.stringify(report);
        if (this.#said.get(name) === text) return;
        if (verdict === undefined) this.#said.delete(name);
        else this.#said.set(name, text);
        reports.push(report);
      });
    }
    return reports;
  }

  /** Forgets an object that is gone. */
  forget(kind: string, id: string): void {
    this.#said.delete(`${kind}:${id}`);
  }

  /** Forgets everything: all is news again. */
  reset(): void {
    this.#said.clear();
  }
}

const ELSEWHERE: Verdict = { status: 'DOWN', reason: 'it is no longer on this host' };

type Say = (subject: Subject, verdict: Verdict | undefined) => void;
type Observer = (world: World, standing: Standing, id: string, say: Say) => void;

const subject = (kind: StatusReport['kind'], object: { id: string; revision_number?: number }): Subject => ({
  kind,
  id: object.id,
  revision_number: object.revision_number ?? 0,
});

/** ERROR with the reason when a scope failed, ACTIVE when it is in the kernel, DOWN on the way there. */
function verdictOf(standing: Standing, ...scopes: Scope[]): Verdict {
  for (const scope of scopes) {
    const reason = standing.failureOf(scope);
    if (reason !== undefined) return { status: 'ERROR', reason };
  }
  if (scopes.every((scope) => standing.isApplied(scope))) return { status: 'ACTIVE' };
  return { status: 'DOWN', reason: 'not carried out yet' };
}

function observeRouter(world: World, standing: Standing, id: string, say: Say): void {
  const router = world.replica.get('router', id);
  if (router === undefined) return;
  const isHere = router.agent_host === world.host;
  const verdict = !isHere
    ? undefined
    : !router.admin_state_up
      ? { status: 'DOWN' as const, reason: 'its admin_state_up is false' }
      : (unmapped(world, router.gateway_network_id) ?? verdictOf(standing, `router:${id}`, `advertisement:${id}`));
  say(subject('router', router), verdict);
  for (const port of world.replica.portsByDevice.of(id)) {
    if (isInterface(port) || isGateway(port) || isSnat(port)) {
      say(subject('port', port), verdict && port.admin_state_up ? verdict : verdict && { status: 'DOWN' });
    }
  }
}

const OBSERVERS: Partial<Record<ScopeKind, Observer>> = {
  router: observeRouter,
  advertisement: observeRouter,
  floatingip(world, standing, id, say) {
    const floatingIp = world.replica.get('floatingip', id);
    if (floatingIp === undefined) return;
    const leads = floatingIp.port_id !== null || world.replica.forwardingsByFloatingIp.has(id);
    const isHere = floatingIpPlace(world, floatingIp) !== undefined;
    const verdict = !isHere
      ? undefined
      : leads
        ? verdictOf(standing, `floatingip:${id}`, `router:${floatingIp.router_id ?? ''}`)
        : { status: 'DOWN' as const, reason: 'it leads nowhere' };
    say(subject('floatingip', floatingIp), verdict);
  },
  port_forwarding(world, standing, id, say) {
    const forwarding = world.replica.get('port_forwarding', id);
    if (forwarding === undefined) return;
    const floatingIp = world.replica.get('floatingip', forwarding.floatingip_id);
    const isHere = floatingIpPlace(world, floatingIp) !== undefined;
    const verdict = !isHere
      ? undefined
      : !isTranslatable(forwarding.protocol)
        ? { status: 'ERROR' as const, reason: `${forwarding.protocol} is not translatable: it has no ports` }
        : verdictOf(
            standing,
            `port_forwarding:${id}`,
            `floatingip:${forwarding.floatingip_id}`,
            `router:${floatingIp?.router_id ?? ''}`,
          );
    say(subject('port_forwarding', forwarding), verdict);
  },
  port(world, standing, id, say) {
    const port = world.replica.get('port', id);
    if (port === undefined || isOwnDevice(port)) return;
    say(subject('port', port), portVerdict(world, standing, port));
  },
  dhcp(world, standing, id, say) {
    const network = world.replica.get('network', id);
    if (network === undefined || network.agent_host !== world.host) return;
    for (const port of world.replica.portsByNetwork.of(id)) {
      if (isDhcp(port)) say(subject('port', port), verdictOf(standing, `dhcp:${id}`));
    }
  },
  server(world, standing, id, say) {
    const server = world.replica.get('server', id);
    if (server === undefined || !world.machines || server.host !== world.host) return;
    say(
      subject('server', server),
      server.running ? verdictOf(standing, `server:${id}`) : { status: 'DOWN', reason: 'it shall not run' },
    );
  },
};

function portVerdict(world: World, standing: Standing, port: Port): Verdict | undefined {
  const tap = tapDevice(port.id);
  if (!world.taps.has(tap)) {
    return port['binding:host_id'] === world.host
      ? { status: 'DOWN', reason: `there is no device ${tap} on ${world.host}` }
      : undefined;
  }
  if (!port.admin_state_up) return { status: 'DOWN', reason: 'its admin_state_up is false' };
  const network = world.replica.get('network', port.network_id);
  if (bridgeOf(world, network) === undefined) {
    return unmapped(world, port.network_id) ?? { status: 'DOWN', reason: 'its network is not on this host' };
  }
  return verdictOf(standing, HOST_SCOPE, `network:${port.network_id}`, `port:${port.id}`);
}

/** Says that a flat network has no bridge here, which no retry mends. */
function unmapped(world: World, networkId: string | null): Verdict | undefined {
  const network = world.replica.get('network', networkId);
  if (network === undefined || network['provider:network_type'] !== 'flat') return undefined;
  const physical = network['provider:physical_network'] ?? '';
  if (world.bridgeMappings.has(physical)) return undefined;
  return { status: 'ERROR', reason: `this host maps the physical network '${physical}' to no bridge` };
}
