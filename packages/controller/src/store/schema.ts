import type { addressGroup } from '@portward/model/address-group.ts';
import type { addressScope } from '@portward/model/address-scope.ts';
import type { agent } from '@portward/model/agent.ts';
import type { Attribute, Storage } from '@portward/model/attribute.ts';
import type { FeedKind } from '@portward/model/feed.ts';
import type { floatingIp } from '@portward/model/floating-ip.ts';
import type { network } from '@portward/model/network.ts';
import type { port } from '@portward/model/port.ts';
import type { portForwarding } from '@portward/model/port-forwarding.ts';
import type { rbacPolicy } from '@portward/model/rbac-policy.ts';
import { columnOf, type Resource } from '@portward/model/resource.ts';
import { NETWORKING_RESOURCES } from '@portward/model/resources.ts';
import type { router } from '@portward/model/router.ts';
import type { securityGroup } from '@portward/model/security-group.ts';
import type { securityGroupRule } from '@portward/model/security-group-rule.ts';
import type { subnet } from '@portward/model/subnet.ts';
import type { subnetPool } from '@portward/model/subnet-pool.ts';

type ColumnName<K> = K extends `${infer Head}:${infer Tail}` ? `${Head}_${Tail}` : K;

/** The columns of a resource's table: its attributes but for the computed ones. */
export type RowOf<R> =
  R extends Resource<infer A>
    ? {
        [K in keyof A as A[K] extends Attribute<infer _T, infer S>
          ? S extends 'computed'
            ? never
            : ColumnName<K>
          : never]: A[K] extends Attribute<infer T, Storage> ? T : never;
      }
    : never;

/** The tables. Those of resources follow their definitions; a test holds the migrations against both. */
export interface Database {
  networks: RowOf<typeof network>;
  subnets: RowOf<typeof subnet>;
  ports: RowOf<typeof port>;
  /** One row per address of a port; `(subnet_id, ip_value)` is unique. */
  fixed_ips: {
    port_id: string;
    network_id: string;
    subnet_id: string;
    /** Canonical text. */
    ip_address: string;
    /** The address as 32 hexadecimal digits, so that text order is address order. */
    ip_value: string;
    /** Place in the port's list. */
    position: number;
  };
  /** Ports in the order in which Compute gave them to a server. */
  server_interfaces: { port_id: string; server_id: string; position: number };
  port_security_groups: { port_id: string; security_group_id: string; position: number };
  routers: RowOf<typeof router>;
  floatingips: RowOf<typeof floatingIp>;
  port_forwardings: RowOf<typeof portForwarding>;
  security_groups: RowOf<typeof securityGroup>;
  security_group_rules: RowOf<typeof securityGroupRule>;
  agents: RowOf<typeof agent>;
  address_groups: RowOf<typeof addressGroup>;
  address_scopes: RowOf<typeof addressScope>;
  subnetpools: RowOf<typeof subnetPool>;
  rbac_policies: RowOf<typeof rbacPolicy>;
  tags: { resource_id: string; tag: string };
  /** What the data plane said last of an object, beside Neutron's own status. */
  applied: {
    kind: string;
    resource_id: string;
    host: string;
    revision_number: number;
    status: string;
    reason: string | null;
    updated_at: string;
  };
  /** The transactional outbox: what changed, in commit order. `object` is null for a deletion. */
  changes: { seq: number; kind: FeedKind | 'identity'; id: string; object: Record<string, unknown> | null };
  settings: { name: string; value: string };
  /** Limits that were set for a project; without one, the service's default counts. */
  quotas: { project_id: string; service: 'network' | 'compute'; resource: string; maximum: number };
  domains: { id: string; name: string; description: string; enabled: boolean };
  projects: {
    id: string;
    name: string;
    domain_id: string;
    description: string | null;
    enabled: boolean;
    parent_id: string | null;
    is_domain: boolean;
  };
  users: {
    id: string;
    name: string;
    domain_id: string;
    enabled: boolean;
    default_project_id: string | null;
    email: string | null;
    description: string;
    /** PHC string of an argon2id hash. */
    password_hash: string | null;
    /** Tokens of an older generation are void: grows when the password changes or the user is disabled. */
    generation: number;
  };
  roles: {
    id: string;
    name: string;
    domain_id: string | null;
    description: string;
    /** Ids of the roles that come with it. */
    implies: string[];
  };
  role_assignments: {
    role_id: string;
    user_id: string;
    target_type: 'project' | 'domain' | 'system';
    /** Project or domain id, `all` for the system. */
    target_id: string;
  };
  application_credentials: {
    id: string;
    name: string;
    user_id: string;
    project_id: string;
    description: string;
    /** SHA-256 of the secret, which is random and long. */
    secret_hash: string;
    role_ids: string[];
    unrestricted: boolean;
    expires_at: string | null;
    created_at: string;
  };
  signing_keys: { id: string; secret: string; created_at: string };
  /** Tokens revoked before their time, by audit id. */
  revocations: { audit_id: string; expires_at: string };
  servers: {
    id: string;
    name: string;
    project_id: string;
    user_id: string;
    host: string;
    running: boolean;
    status: string;
    flavor_id: string;
    image_id: string | null;
    key_name: string | null;
    public_key: string | null;
    user_data: string | null;
    metadata: Record<string, unknown>;
    availability_zone: string;
    created_at: string;
    updated_at: string;
    description: string | null;
    /** Only admins change or delete it. */
    locked: boolean;
    /** Ids of the ports that were made for it, and go with it. */
    own_port_ids: string[];
  };
  /** Servers that lists may still go on after. */
  deleted_servers: { id: string; project_id: string; deleted_at: string; server: Database['servers'] };
  keypairs: { user_id: string; name: string; public_key: string; fingerprint: string; created_at: string };
}

const columnsStoredAs = (storage: Storage, more: string[]): ReadonlySet<string> =>
  new Set([
    ...NETWORKING_RESOURCES.flatMap((definition: Resource) =>
      Object.entries(definition.attributes)
        .filter(([, attribute]) => attribute.storage === storage)
        .map(([name]) => columnOf(name)),
    ),
    ...more,
  ]);

/** Columns that hold booleans, whatever the table. */
export const BOOLEAN_COLUMNS = columnsStoredAs('boolean', [
  'enabled',
  'is_domain',
  'unrestricted',
  'running',
  'locked',
]);
/** Columns that hold JSON, whatever the table. */
export const JSON_COLUMNS = columnsStoredAs('json', [
  'object',
  'metadata',
  'own_port_ids',
  'role_ids',
  'implies',
  'server',
]);
