import { randomUUID } from 'node:crypto';
import { ApiError } from '@portward/model/api-error.ts';
import type { AgentConfigurations } from '@portward/model/feed.ts';
import type { Caller } from '../caller.ts';
import { type Answer, CloudFixture } from '../identity/cloud-fixture.ts';
import type { Transaction } from '../store/store.ts';
import { imageRoutes } from './image-routes.ts';
import type { PortBinding, ServerNetworking, ServerPort, WantedPort } from './networking-port.ts';
import { computeRoutes } from './routes.ts';
import { serverFeedObjects } from './servers.ts';

interface FakePort extends ServerPort {
  readonly project: string;
  readonly server: string;
  readonly host: string;
}

interface FakeNetwork {
  readonly id: string;
  readonly name: string;
  readonly project: string;
}

/** Networking as far as Compute sees it, in memory. It forgets nothing when a transaction is undone. */
export class FakeNetworking implements ServerNetworking {
  readonly networks: FakeNetwork[] = [];
  readonly ports = new Map<string, FakePort>();

  addNetwork(project: string, name: string): string {
    const id = randomUUID();
    this.networks.push({ id, name, project });
    return id;
  }

  /** A port that belongs to no server yet. */
  addPort(project: string, networkId: string, change: Partial<FakePort> = {}): string {
    const id = randomUUID();
    const name = this.networks.find((network) => network.id === networkId)?.name ?? '';
    this.ports.set(id, {
      id,
      project,
      server: '',
      host: '',
      network_id: networkId,
      network_name: name,
      mac_address: 'fa:16:3e:00:00:01',
      status: 'DOWN',
      fixed_ips: [{ subnet_id: 'subnet', ip_address: `10.0.0.${this.ports.size + 2}` }],
      floating_ips: [],
      security_groups: [group('default')],
      ...change,
    });
    return id;
  }

  async networksFor(_db: unknown, caller: Caller) {
    return this.networks.filter((network) => network.project === caller.projectId);
  }

  async createPort(_tx: Transaction, caller: Caller, wanted: WantedPort): Promise<string> {
    const network = this.networks.find(({ id }) => id === wanted.networkId);
    if (network === undefined || (network.project !== caller.projectId && !caller.isAdmin)) {
      throw new ApiError(404, 'NetworkNotFound', `Network ${wanted.networkId} could not be found.`);
    }
    if (wanted.fixedIp === '10.0.0.1') {
      throw new ApiError(409, 'IpAddressAlreadyAllocated', 'IP address 10.0.0.1 already allocated in subnet subnet');
    }
    const groups = wanted.securityGroups.length === 0 ? ['default'] : wanted.securityGroups;
    if (groups.includes('nope')) throw new ApiError(404, 'SecurityGroupNotFound', 'Security group nope does not exist');
    return this.addPort(wanted.projectId, wanted.networkId, {
      server: wanted.serverId,
      host: wanted.host,
      security_groups: groups.map(group),
      ...(wanted.fixedIp !== undefined && { fixed_ips: [{ subnet_id: 'subnet', ip_address: wanted.fixedIp }] }),
    });
  }

  async bindPort(_tx: Transaction, caller: Caller, { portId, serverId, host }: PortBinding): Promise<void> {
    const port = this.ports.get(portId);
    if (port === undefined || port.project !== caller.projectId) {
      throw new ApiError(404, 'PortNotFound', `Port ${portId} could not be found.`);
    }
    if (port.server !== '') throw new ApiError(409, 'PortInUse', `Port ${portId} is still in use.`);
    this.ports.set(portId, { ...port, server: serverId, host });
  }

  async unbindPort(_tx: Transaction, portId: string): Promise<void> {
    this.ports.set(portId, { ...(this.ports.get(portId) as FakePort), server: '', host: '' });
  }

  async deletePort(_tx: Transaction, portId: string): Promise<void> {
    this.ports.delete(portId);
  }

  async portsOf(_db: unknown, serverIds: readonly string[]) {
    return Map.groupBy(
      [...this.ports.values()].filter((port) => serverIds.includes(port.server)),
      (port) => port.server,
    );
  }

  async addSecurityGroup(_tx: Transaction, _caller: Caller, serverId: string, name: string): Promise<void> {
    if (name === 'nope') throw new ApiError(404, 'SecurityGroupNotFound', `Security group ${name} does not exist`);
    this.#changeGroups(serverId, (groups) => [...groups, group(name)]);
  }

  async removeSecurityGroup(_tx: Transaction, _caller: Caller, serverId: string, name: string): Promise<void> {
    this.#changeGroups(serverId, (groups) => groups.filter((one) => one.name !== name));
  }

  #changeGroups(
    serverId: string,
    change: (groups: ServerPort['security_groups']) => ServerPort['security_groups'],
  ): void {
    for (const port of this.ports.values()) {
      if (port.server === serverId) this.ports.set(port.id, { ...port, security_groups: change(port.security_groups) });
    }
  }
}

const group = (name: string) => ({ id: `id of ${name}`, name, description: '', project_id: '' });

/** A cloud with Compute and Image, for tests. */
export interface ComputeFixture {
  readonly cloud: CloudFixture;
  readonly networking: FakeNetworking;
  /** A request below `/compute/v2.1`, in the version given as `2.47`. */
  compute(method: Parameters<CloudFixture['request']>[0], path: string, options?: ComputeRequest): Promise<Answer>;
  close(): Promise<void>;
}

/** What a request carries. */
export interface ComputeRequest {
  readonly token?: string;
  readonly body?: unknown;
  readonly version?: string;
}

export async function openComputeFixture(): Promise<ComputeFixture> {
  const cloud = await CloudFixture.open(async (db, kind, ids) =>
    kind === 'server'
      ? new Map([...(await serverFeedObjects(db, ids))].map(([id, one]) => [id, { ...one }]))
      : new Map(),
  );
  const networking = new FakeNetworking();
  const { identity, store } = cloud;
  await cloud.app.register(computeRoutes({ store, networking, now: identity.now }, identity), { prefix: '/compute' });
  await cloud.app.register(imageRoutes(identity), { prefix: '/image' });
  return {
    cloud,
    networking,
    compute: (method, path, { token, body, version } = {}) =>
      cloud.request(method, `/compute/v2.1/${path}`, {
        token,
        body,
        headers: version === undefined ? {} : { 'openstack-api-version': `compute ${version}` },
      }),
    close: () => cloud.close(),
  };
}

/** Lets a host have an agent that plays VMs, last heard of at the time given. */
export async function addMachineHost(
  { cloud }: ComputeFixture,
  host: string,
  heardOf: Date = cloud.identity.now(),
  machines = true,
): Promise<void> {
  const time = heardOf.toISOString().slice(0, 19).replace('T', ' ');
  const configurations: AgentConfigurations = { nat_backend: 'nftables', bridge_mappings: {}, machines };
  await cloud.store.write(({ db }) =>
    db
      .insertInto('agents')
      .values({
        id: randomUUID(),
        agent_type: 'Linux bridge agent',
        binary: 'neutron-linuxbridge-agent',
        host,
        topic: '',
        admin_state_up: true,
        availability_zone: 'nova',
        created_at: time,
        started_at: time,
        heartbeat_timestamp: time,
        configurations: { ...configurations },
        description: '',
      })
      .execute(),
  );
}
