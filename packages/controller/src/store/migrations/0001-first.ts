import {
  type ColumnDataType,
  type CreateTableBuilder,
  type Kysely,
  PostgresAdapter,
  type RawBuilder,
  sql,
} from 'kysely';

type Column = 'text' | 'integer' | 'boolean' | 'json';

/** Types as the database calls them. JSON is kept as text in both; text compares bytewise in both. */
type Types = Readonly<Record<Column, ColumnDataType | RawBuilder<unknown>>>;
const SQLITE_TYPES: Types = { text: 'text', integer: 'integer', boolean: 'boolean', json: 'text' };
const BYTEWISE_TEXT = sql`text collate "C"`;
const POSTGRESQL_TYPES: Types = { text: BYTEWISE_TEXT, integer: 'bigint', boolean: 'boolean', json: BYTEWISE_TEXT };

/** Columns by name; a `?` after the type allows null. */
function withColumns<T extends string>(
  types: Types,
  builder: CreateTableBuilder<T, never>,
  columns: Record<string, Column | `${Column}?`>,
): CreateTableBuilder<T, string> {
  let table = builder as CreateTableBuilder<T, string>;
  for (const [name, type] of Object.entries(columns)) {
    const base = type.replace('?', '') as Column;
    table = table.addColumn(name, types[base], (column) => {
      const typed = name === 'id' ? column.primaryKey() : column;
      return type.endsWith('?') ? typed : typed.notNull();
    });
  }
  return table;
}

const owned = {
  id: 'text',
  project_id: 'text',
  created_at: 'text',
  updated_at: 'text',
  revision_number: 'integer',
} as const;
const named = { ...owned, name: 'text', description: 'text' } as const;

/** The first schema. */
export async function up(db: Kysely<never>): Promise<void> {
  const isPostgresql = db.getExecutor().adapter instanceof PostgresAdapter;
  const types = isPostgresql ? POSTGRESQL_TYPES : SQLITE_TYPES;
  const table = (name: string, columns: Record<string, Column | `${Column}?`>) =>
    withColumns(types, db.schema.createTable(name), columns);
  const index = (name: string, on: string, columns: string[], unique = false) => {
    const builder = db.schema.createIndex(name).on(on).columns(columns);
    return (unique ? builder.unique() : builder).execute();
  };

  // Numbers of changes are never given twice. SQLite keeps the last one itself; in PostgreSQL it is in a row, and who
  // holds that row's lock writes.
  await withColumns(types, db.schema.createTable('changes'), { kind: 'text', object: 'json?' })
    .addColumn('id', types.text, (column) => column.notNull())
    .addColumn('seq', isPostgresql ? 'bigint' : 'integer', (column) =>
      isPostgresql ? column.primaryKey() : column.primaryKey().autoIncrement(),
    )
    .execute();
  if (isPostgresql) {
    await db.schema
      .createTable('feed_position')
      .addColumn('seq', 'bigint', (column) => column.notNull())
      .execute();
    await sql`insert into feed_position (seq) values (0)`.execute(db);
  }
  await withColumns(types, db.schema.createTable('settings'), { name: 'text', value: 'text' })
    .addPrimaryKeyConstraint('settings_key', ['name'])
    .execute();

  await table('networks', {
    ...named,
    admin_state_up: 'boolean',
    router_external: 'boolean',
    is_default: 'boolean',
    provider_network_type: 'text',
    provider_physical_network: 'text?',
    provider_segmentation_id: 'integer?',
    mtu: 'integer',
    port_security_enabled: 'boolean',
    availability_zone_hints: 'json',
    dns_domain: 'text',
    qos_policy_id: 'text?',
    status: 'text',
    agent_host: 'text?',
  }).execute();
  await index('networks_project', 'networks', ['project_id', 'id']);
  await index('networks_name', 'networks', ['name']);

  await table('subnets', {
    ...named,
    network_id: 'text',
    ip_version: 'integer',
    cidr: 'text',
    gateway_ip: 'text?',
    allocation_pools: 'json',
    enable_dhcp: 'boolean',
    dns_nameservers: 'json',
    host_routes: 'json',
    ipv6_ra_mode: 'text?',
    ipv6_address_mode: 'text?',
    subnetpool_id: 'text?',
    service_types: 'json',
    segment_id: 'text?',
  })
    .addForeignKeyConstraint('subnets_network', ['network_id'], 'networks', ['id'])
    .execute();
  await index('subnets_network_index', 'subnets', ['network_id']);
  await index('subnets_project', 'subnets', ['project_id', 'id']);
  await index('subnets_name', 'subnets', ['name']);
  // Blocks of one pool never overlap: the rule sees to it, this is the backstop. Subnets without a pool have null here.
  await index('subnets_pool', 'subnets', ['subnetpool_id', 'cidr'], true);

  await table('subnetpools', {
    ...named,
    prefixes: 'json',
    ip_version: 'integer',
    min_prefixlen: 'integer',
    default_prefixlen: 'integer',
    max_prefixlen: 'integer',
    default_quota: 'integer?',
    address_scope_id: 'text?',
    is_default: 'boolean',
  }).execute();
  await index('subnetpools_project', 'subnetpools', ['project_id', 'id']);
  await index('subnetpools_name', 'subnetpools', ['name']);
  await index('subnetpools_scope', 'subnetpools', ['address_scope_id']);

  await table('address_scopes', { id: 'text', project_id: 'text', name: 'text', ip_version: 'integer' }).execute();
  await index('address_scopes_project', 'address_scopes', ['project_id', 'id']);
  await index('address_scopes_name', 'address_scopes', ['name']);

  await table('address_groups', { ...named, addresses: 'json' }).execute();
  await index('address_groups_project', 'address_groups', ['project_id', 'id']);
  await index('address_groups_name', 'address_groups', ['name']);

  await table('rbac_policies', {
    id: 'text',
    project_id: 'text',
    object_type: 'text',
    object_id: 'text',
    action: 'text',
    target_tenant: 'text',
  }).execute();
  await index('rbac_policies_object', 'rbac_policies', ['object_id', 'action', 'target_tenant'], true);
  await index('rbac_policies_target', 'rbac_policies', ['target_tenant', 'object_type', 'action', 'object_id']);
  await index('rbac_policies_project', 'rbac_policies', ['project_id', 'id']);

  await table('ports', {
    ...named,
    network_id: 'text',
    admin_state_up: 'boolean',
    mac_address: 'text',
    device_id: 'text',
    device_owner: 'text',
    port_security_enabled: 'boolean',
    allowed_address_pairs: 'json',
    binding_vnic_type: 'text',
    binding_host_id: 'text',
    binding_profile: 'json',
    binding_vif_type: 'text',
    binding_vif_details: 'json',
    extra_dhcp_opts: 'json',
    dns_name: 'text',
    status: 'text',
    qos_policy_id: 'text?',
  })
    .addForeignKeyConstraint('ports_network', ['network_id'], 'networks', ['id'])
    .execute();
  await index('ports_mac', 'ports', ['network_id', 'mac_address'], true);
  await index('ports_network', 'ports', ['network_id', 'project_id']);
  await index('ports_device', 'ports', ['device_id']);
  await index('ports_project', 'ports', ['project_id', 'id']);
  await index('ports_name', 'ports', ['name']);

  await withColumns(types, db.schema.createTable('fixed_ips'), {
    port_id: 'text',
    network_id: 'text',
    subnet_id: 'text',
    ip_address: 'text',
    ip_value: 'text',
    position: 'integer',
  })
    .addPrimaryKeyConstraint('fixed_ips_key', ['subnet_id', 'ip_value'])
    .addForeignKeyConstraint('fixed_ips_port', ['port_id'], 'ports', ['id'], (key) => key.onDelete('cascade'))
    .addForeignKeyConstraint('fixed_ips_subnet', ['subnet_id'], 'subnets', ['id'])
    .execute();
  await index('fixed_ips_port_index', 'fixed_ips', ['port_id']);
  await index('fixed_ips_address', 'fixed_ips', ['ip_address', 'network_id']);

  await table('security_groups', { ...named, description: 'text?', stateful: 'boolean' }).execute();
  await index('security_groups_project', 'security_groups', ['project_id', 'id']);
  await index('security_groups_name', 'security_groups', ['name']);
  await sql`create unique index security_groups_default on security_groups (project_id) where name = 'default'`.execute(
    db,
  );

  await table('security_group_rules', {
    ...owned,
    security_group_id: 'text',
    direction: 'text',
    ethertype: 'text',
    protocol: 'text?',
    port_range_min: 'integer?',
    port_range_max: 'integer?',
    remote_ip_prefix: 'text?',
    remote_group_id: 'text?',
    remote_address_group_id: 'text?',
    description: 'text?',
  })
    .addForeignKeyConstraint('rules_group', ['security_group_id'], 'security_groups', ['id'], (key) =>
      key.onDelete('cascade'),
    )
    .execute();
  await index('security_group_rules_group', 'security_group_rules', ['security_group_id']);
  await index('security_group_rules_remote', 'security_group_rules', ['remote_group_id']);
  await index('security_group_rules_addresses', 'security_group_rules', ['remote_address_group_id']);
  await index('security_group_rules_project', 'security_group_rules', ['project_id', 'id']);

  await withColumns(types, db.schema.createTable('server_interfaces'), {
    port_id: 'text',
    server_id: 'text',
    position: 'integer',
  })
    .addPrimaryKeyConstraint('server_interfaces_key', ['port_id'])
    .addForeignKeyConstraint('server_interfaces_port', ['port_id'], 'ports', ['id'], (key) => key.onDelete('cascade'))
    .execute();
  await index('server_interfaces_server', 'server_interfaces', ['server_id', 'position']);

  await withColumns(types, db.schema.createTable('port_security_groups'), {
    port_id: 'text',
    security_group_id: 'text',
    position: 'integer',
  })
    .addPrimaryKeyConstraint('port_security_groups_key', ['port_id', 'security_group_id'])
    .addForeignKeyConstraint('port_groups_port', ['port_id'], 'ports', ['id'], (key) => key.onDelete('cascade'))
    .addForeignKeyConstraint('port_groups_group', ['security_group_id'], 'security_groups', ['id'])
    .execute();
  await index('port_security_groups_group', 'port_security_groups', ['security_group_id']);

  await table('routers', {
    ...named,
    admin_state_up: 'boolean',
    distributed: 'boolean',
    ha: 'boolean',
    routes: 'json',
    flavor_id: 'text?',
    availability_zone_hints: 'json',
    status: 'text',
    agent_host: 'text?',
    gateway_port_id: 'text?',
    gateway_network_id: 'text?',
    enable_snat: 'boolean',
  }).execute();
  await index('routers_project', 'routers', ['project_id', 'id']);
  await index('routers_name', 'routers', ['name']);
  await index('routers_gateway', 'routers', ['gateway_network_id']);

  await table('floatingips', {
    ...owned,
    description: 'text',
    floating_network_id: 'text',
    floating_ip_address: 'text',
    port_id: 'text?',
    fixed_ip_address: 'text?',
    dns_name: 'text',
    dns_domain: 'text',
    qos_policy_id: 'text?',
    router_id: 'text?',
    status: 'text',
    floating_port_id: 'text',
  })
    .addForeignKeyConstraint('floatingips_own_port', ['floating_port_id'], 'ports', ['id'])
    .execute();
  await index('floatingips_project', 'floatingips', ['project_id', 'id']);
  await index('floatingips_address', 'floatingips', ['floating_network_id', 'floating_ip_address'], true);
  await index('floatingips_ip', 'floatingips', ['floating_ip_address']);
  await index('floatingips_port', 'floatingips', ['port_id', 'fixed_ip_address', 'floating_network_id'], true);
  await index('floatingips_router', 'floatingips', ['router_id']);
  await index('floatingips_floating_port', 'floatingips', ['floating_port_id']);

  await table('port_forwardings', {
    ...owned,
    floatingip_id: 'text',
    internal_port_id: 'text',
    internal_ip_address: 'text',
    protocol: 'text',
    external_first: 'integer',
    external_last: 'integer',
    internal_first: 'integer',
    internal_last: 'integer',
    description: 'text',
  })
    .addForeignKeyConstraint('forwardings_floating_ip', ['floatingip_id'], 'floatingips', ['id'])
    .addForeignKeyConstraint('forwardings_port', ['internal_port_id'], 'ports', ['id'])
    .execute();
  // Ranges of one side never overlap, so the one that begins last before a port is the only one that can hold it.
  await index('port_forwardings_external', 'port_forwardings', ['floatingip_id', 'protocol', 'external_first'], true);
  await index(
    'port_forwardings_internal',
    'port_forwardings',
    ['internal_port_id', 'internal_ip_address', 'protocol', 'internal_first'],
    true,
  );
  await index('port_forwardings_floatingip', 'port_forwardings', ['floatingip_id', 'id']);

  await table('agents', {
    id: 'text',
    agent_type: 'text',
    binary: 'text',
    host: 'text',
    topic: 'text',
    admin_state_up: 'boolean',
    availability_zone: 'text',
    created_at: 'text',
    started_at: 'text',
    heartbeat_timestamp: 'text',
    configurations: 'json',
    description: 'text',
  }).execute();
  await index('agents_host', 'agents', ['host', 'agent_type'], true);

  await withColumns(types, db.schema.createTable('tags'), { resource_id: 'text', tag: 'text' })
    .addPrimaryKeyConstraint('tags_key', ['resource_id', 'tag'])
    .execute();
  await index('tags_tag', 'tags', ['tag']);

  await withColumns(types, db.schema.createTable('applied'), {
    kind: 'text',
    resource_id: 'text',
    host: 'text',
    revision_number: 'integer',
    status: 'text',
    reason: 'text?',
    updated_at: 'text',
  })
    .addPrimaryKeyConstraint('applied_key', ['kind', 'resource_id'])
    .execute();

  await withColumns(types, db.schema.createTable('quotas'), {
    project_id: 'text',
    service: 'text',
    resource: 'text',
    maximum: 'integer',
  })
    .addPrimaryKeyConstraint('quotas_key', ['project_id', 'service', 'resource'])
    .execute();

  await table('domains', { id: 'text', name: 'text', description: 'text', enabled: 'boolean' }).execute();
  await index('domains_name', 'domains', ['name'], true);
  await table('projects', {
    id: 'text',
    name: 'text',
    domain_id: 'text',
    description: 'text?',
    enabled: 'boolean',
    parent_id: 'text?',
    is_domain: 'boolean',
  }).execute();
  await index('projects_name', 'projects', ['domain_id', 'name'], true);
  await table('users', {
    id: 'text',
    name: 'text',
    domain_id: 'text',
    enabled: 'boolean',
    default_project_id: 'text?',
    email: 'text?',
    description: 'text',
    password_hash: 'text?',
    generation: 'integer',
  }).execute();
  await index('users_name', 'users', ['domain_id', 'name'], true);
  await table('roles', {
    id: 'text',
    name: 'text',
    domain_id: 'text?',
    description: 'text',
    implies: 'json',
  }).execute();
  await index('roles_name', 'roles', ['name'], true);
  await withColumns(types, db.schema.createTable('role_assignments'), {
    role_id: 'text',
    user_id: 'text',
    target_type: 'text',
    target_id: 'text',
  })
    .addPrimaryKeyConstraint('role_assignments_key', ['user_id', 'target_type', 'target_id', 'role_id'])
    .addForeignKeyConstraint('assignments_user', ['user_id'], 'users', ['id'], (key) => key.onDelete('cascade'))
    .addForeignKeyConstraint('assignments_role', ['role_id'], 'roles', ['id'], (key) => key.onDelete('cascade'))
    .execute();
  await index('role_assignments_target', 'role_assignments', ['target_type', 'target_id']);
  await table('application_credentials', {
    id: 'text',
    name: 'text',
    user_id: 'text',
    project_id: 'text',
    description: 'text',
    secret_hash: 'text',
    role_ids: 'json',
    unrestricted: 'boolean',
    expires_at: 'text?',
    created_at: 'text',
  })
    .addForeignKeyConstraint('credentials_user', ['user_id'], 'users', ['id'], (key) => key.onDelete('cascade'))
    .execute();
  await index('application_credentials_name', 'application_credentials', ['user_id', 'name'], true);
  await table('signing_keys', { id: 'text', secret: 'text', created_at: 'text' }).execute();
  await withColumns(types, db.schema.createTable('revocations'), { audit_id: 'text', expires_at: 'text' })
    .addPrimaryKeyConstraint('revocations_key', ['audit_id'])
    .execute();

  await table('servers', {
    id: 'text',
    name: 'text',
    project_id: 'text',
    user_id: 'text',
    host: 'text',
    running: 'boolean',
    status: 'text',
    flavor_id: 'text',
    image_id: 'text?',
    key_name: 'text?',
    public_key: 'text?',
    user_data: 'text?',
    metadata: 'json',
    availability_zone: 'text',
    created_at: 'text',
    updated_at: 'text',
    description: 'text?',
    locked: 'boolean',
    own_port_ids: 'json',
  }).execute();
  await index('servers_project', 'servers', ['project_id', 'id']);
  await index('servers_name', 'servers', ['name']);
  await table('deleted_servers', { id: 'text', project_id: 'text', deleted_at: 'text', server: 'json' }).execute();
  await index('deleted_servers_age', 'deleted_servers', ['deleted_at']);
  await withColumns(types, db.schema.createTable('keypairs'), {
    user_id: 'text',
    name: 'text',
    public_key: 'text',
    fingerprint: 'text',
    created_at: 'text',
  })
    .addPrimaryKeyConstraint('keypairs_key', ['user_id', 'name'])
    .execute();
}
