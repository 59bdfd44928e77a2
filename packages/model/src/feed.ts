import type { AddressGroup } from './address-group.ts';
import type { FloatingIp } from './floating-ip.ts';
import type { Network } from './network.ts';
import type { Port } from './port.ts';
import type { PortForwarding } from './port-forwarding.ts';
import type { Router } from './router.ts';
import type { SecurityGroup } from './security-group.ts';
import type { SecurityGroupRule } from './security-group-rule.ts';
import type { Server } from './server.ts';
import type { Subnet } from './subnet.ts';

/**
 * The objects that data planes follow, by kind: the resource as the store has it, without what can be derived from
 * other objects of the feed (a network's subnets, a group's rules, a floating IP's forwardings).
 */
export interface FeedObjects {
  network: Pick<
    Network,
    | 'id'
    | 'project_id'
    | 'name'
    | 'admin_state_up'
    | 'router:external'
    | 'provider:network_type'
    | 'provider:physical_network'
    | 'mtu'
    | 'agent_host'
    | 'revision_number'
  >;
  subnet: Pick<
    Subnet,
    | 'id'
    | 'network_id'
    | 'ip_version'
    | 'cidr'
    | 'gateway_ip'
    | 'enable_dhcp'
    | 'dns_nameservers'
    | 'host_routes'
    | 'ipv6_ra_mode'
    | 'ipv6_address_mode'
    | 'revision_number'
  >;
  port: Pick<
    Port,
    | 'id'
    | 'project_id'
    | 'name'
    | 'network_id'
    | 'admin_state_up'
    | 'mac_address'
    | 'fixed_ips'
    | 'device_id'
    | 'device_owner'
    | 'security_groups'
    | 'port_security_enabled'
    | 'allowed_address_pairs'
    | 'binding:host_id'
    | 'extra_dhcp_opts'
    | 'dns_name'
    | 'revision_number'
  >;
  /** `external_gateway_info` is told by gateway_port_id, gateway_network_id and enable_snat. */
  router: Pick<
    Router,
    | 'id'
    | 'project_id'
    | 'name'
    | 'admin_state_up'
    | 'distributed'
    | 'ha'
    | 'routes'
    | 'agent_host'
    | 'gateway_port_id'
    | 'gateway_network_id'
    | 'enable_snat'
    | 'revision_number'
  >;
  floatingip: Pick<
    FloatingIp,
    | 'id'
    | 'project_id'
    | 'floating_network_id'
    | 'floating_ip_address'
    | 'router_id'
    | 'port_id'
    | 'fixed_ip_address'
    | 'revision_number'
  >;
  port_forwarding: Pick<
    PortForwarding,
    | 'id'
    | 'floatingip_id'
    | 'protocol'
    | 'internal_port_id'
    | 'internal_ip_address'
    | 'external_first'
    | 'external_last'
    | 'internal_first'
    | 'internal_last'
    | 'revision_number'
  >;
  address_group: Pick<AddressGroup, 'id' | 'addresses' | 'revision_number'>;
  security_group: Pick<SecurityGroup, 'id' | 'project_id' | 'name' | 'stateful' | 'revision_number'>;
  security_group_rule: Pick<
    SecurityGroupRule,
    | 'id'
    | 'security_group_id'
    | 'direction'
    | 'ethertype'
    | 'protocol'
    | 'port_range_min'
    | 'port_range_max'
    | 'remote_ip_prefix'
    | 'remote_group_id'
    | 'remote_address_group_id'
    | 'revision_number'
  >;
  server: Server;
}

export type FeedKind = keyof FeedObjects;

/** Kinds in an order in which what is referred to comes before what refers to it. */
export const FEED_KINDS = [
  'network',
  'subnet',
  'address_group',
  'security_group',
  'security_group_rule',
  'router',
  'port',
  'floatingip',
  'port_forwarding',
  'server',
] as const satisfies readonly FeedKind[];

/** An object was created or changed; or told for the first time, in a snapshot. */
export type FeedPut = { [K in FeedKind]: { seq: number; op: 'put'; kind: K; object: FeedObjects[K] } }[FeedKind];

/** An object is gone. */
export interface FeedDelete {
  seq: number;
  op: 'delete';
  kind: FeedKind;
  id: string;
}

/**
 * One line of `GET /portward/v1/feed` (NDJSON). `reset` opens a snapshot: what the follower knew no longer counts.
 * `synced` ends it: from here on changes follow in commit order. `heartbeat` shows a quiet feed that it is alive.
 */
export type FeedLine = FeedPut | FeedDelete | { op: 'reset' | 'synced' | 'heartbeat'; seq: number };

/** Seconds between two heartbeats of a quiet feed. A follower that hears nothing for three of them reconnects. */
export const HEARTBEAT_SECONDS = 5;

/** How an object stands on a host. `DOWN`: not (yet) carried out, on purpose; `ERROR`: tried and failed. */
export type ObjectStatus = 'ACTIVE' | 'DOWN' | 'ERROR';

/** What an agent says of one object. */
export interface StatusReport {
  kind: 'port' | 'router' | 'floatingip' | 'port_forwarding' | 'server';
  id: string;
  /** Revision of the object that was applied. */
  revision_number: number;
  status: ObjectStatus;
  /** Why it is not ACTIVE, one sentence. */
  reason?: string;
}

/** Body of `POST /portward/v1/agents/<host>/report`: sent at start, after work, and as a heartbeat. */
export interface AgentReport {
  /** Time of the agent's start, ISO 8601. */
  started_at: string;
  /** All changes up to this sequence number are in the kernel. */
  applied_seq: number;
  configurations: AgentConfigurations;
  statuses: StatusReport[];
}

/** What an agent was started with, as `agent show` prints it. */
export interface AgentConfigurations {
  nat_backend: NatBackend;
  /** Physical network → bridge of the host. */
  bridge_mappings: Record<string, string>;
  /** Whether it plays VMs with namespaces. */
  machines: boolean;
  /** What becomes of packets to ports of a shared floating IP that are not forwarded. */
  misses?: Misses;
  /** Things in the kernel that were found otherwise than the agent had left them since it started; all were mended. */
  drift?: number;
  /** The same by kind: `address`, `route`, `nft-chain`, … */
  drift_by_kind?: Record<string, number>;
}

/** Whether what is not forwarded is refused by an answer, or dropped in silence. */
export type Misses = 'refuse' | 'drop';

/** Which part of netfilter translates addresses. */
export type NatBackend = 'nftables' | 'iptables';
