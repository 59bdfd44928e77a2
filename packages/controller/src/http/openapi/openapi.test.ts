import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { AGENT_TOKEN, type Sent, ServerFixture } from '../server-fixture.ts';
import { AnswerCheck } from './answer-check.ts';
import type { OpenApiDocument, OperationObject } from './document.ts';

const server = await ServerFixture.open();
after(() => server.close());
const answer = await server.request('GET', '/openapi.json');
const document: OpenApiDocument = answer.body;
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const operationOf = (method: string, path: string): OperationObject =>
  document.paths[path]?.[method.toLowerCase()] as OperationObject;

test('the document needs no token and is what OpenAPI 3.1 says', async () => {
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  const outcome = await new Validator().validate(structuredClone(document) as never);
  assert.deepEqual([outcome.valid, outcome.errors], [true, undefined]);
});

test('every operation has an id of its own, a summary, and the parameters of its path', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
  for (const { method, path, operation } of operations) {
    assert.ok(METHODS.includes(method), method);
    assert.match(operation.summary, /^[A-Z][^_]{4,}$/, path);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
    assert.deepEqual(
      declared.map(({ name }) => name),
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
    );
  }
});

test('every reference leads to a schema, and every schema is used', () => {
  const text = JSON.stringify(document);
  const used = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name));
  assert.deepEqual([...used].sort(), Object.keys(document.components.schemas).sort());
});

test('a definition says what requests and answers hold', () => {
  const { NetworkCreate, NetworkUpdate, Network, PortForwardingCreate, SubnetCreate } = document.components.schemas;
  assert.deepEqual(SubnetCreate?.required, ['network_id', 'ip_version']);
  assert.deepEqual(NetworkCreate?.properties?.mtu, {
    type: 'integer',
    minimum: 68,
    maximum: 9000,
    description: 'Largest packet, bytes',
    default: 1500,
  });
  assert.equal(NetworkCreate?.properties?.agent_host, undefined);
  assert.match(String(NetworkCreate?.properties?.shared?.description), /Set by admins only/);
  assert.equal(NetworkUpdate?.properties?.availability_zone_hints, undefined);
  assert.deepEqual(Network?.properties?.ipv4_address_scope?.type, ['string', 'null']);
  assert.ok(Network?.required?.includes('tenant_id'));
  assert.ok(!Network?.required?.includes('provider:network_type'));
  assert.equal(PortForwardingCreate?.properties?.project_id?.writeOnly, true);
  assert.equal(document.components.schemas.PortForwarding?.properties?.project_id, undefined);
});

test('a list names its filters, sort keys, fields and pages', () => {
  const names = (path: string) => operationOf('GET', path).parameters?.map(({ name }) => name) ?? [];
  const networks = names('/networking/v2.0/networks');
  for (const name of [
    'name',
    'tenant_id',
    'router:external',
    'tags-any',
    'changed_since',
    'fields',
    'sort_key',
    'marker',
  ])
    assert.ok(networks.includes(name), name);
  assert.ok(!networks.includes('created_at') && !networks.includes('agent_host'));
  const ports = names('/networking/v2.0/ports');
  assert.ok(ports.includes('fixed_ips') && ports.includes('security_groups'));
  const forwardings = names('/networking/v2.0/floatingips/{parentId}/port_forwardings');
  assert.ok(forwardings.includes('external_port') && !forwardings.includes('internal_port'));
  const update = operationOf('PUT', '/networking/v2.0/networks/{id}').parameters?.map(({ name }) => name);
  assert.deepEqual(update, ['id', 'If-Match']);
});

test('what only refuses is not in the document', () => {
  assert.equal(operationOf('PUT', '/networking/v2.0/security-group-rules/{id}'), undefined);
  assert.equal(operationOf('POST', '/networking/v2.0/agents'), undefined);
  assert.equal(operationOf('DELETE', '/networking/v2.0/networks'), undefined);
  assert.equal(operationOf('POST', '/image/v2/images'), undefined);
});

test('who needs which token is what the document says', async () => {
  const wrong: string[] = [];
  for (const { method, path, operation } of operations) {
    const url = path.replace(/\{\w+\}/g, 'x');
    for (const body of method === 'GET' ? [undefined] : [undefined, {}, '{']) {
      const { status } = await server.request(method, url, { body });
      if ((status === 401) !== operation.security.length > 0) wrong.push(`${status} ${method} ${path} ${body}`);
    }
  }
  assert.deepEqual(wrong, []);
});

/** Groups of which every operation is walked through; lists of the others are asked for, too. */
const WALKED = new Set([
  ...['networks', 'subnets', 'ports', 'routers', 'floatingips', 'port-forwardings', 'security-groups', 'agents'],
  ...[
    'security-group-rules',
    'address-groups',
    'address-scopes',
    'subnetpools',
    'rbac-policies',
    'extensions',
    'Portward',
  ],
]);

test('real answers of every operation are what the document says', async () => {
  const check = new AnswerCheck(document);
  const admin = await server.cloud.adminToken();
  const alice = await server.cloud.member('alice');
  const send = async (method: string, path: string, body?: unknown, sent: Sent = {}) => {
    const received = await server.request(method, path, { token: admin, body, ...sent });
    assert.equal(check.problem(method, path, received.status, received.body), undefined, `${method} ${path}`);
    assert.ok(received.status < 400, `${method} ${path}: ${received.status} ${received.text}`);
    return received.body;
  };
  const v2 = '/networking/v2.0';
  const network = (path: string, body: unknown) => send('POST', `${v2}${path}`, body);
  const rejects = async (method: string, path: string, status: number, sent: Sent = {}) => {
    const received = await server.request(method, path, { token: admin, ...sent });
    assert.equal(received.status, status, received.text);
    assert.equal(check.problem(method, path, status, received.body), undefined, `${method} ${path}`);
  };

  const walkTags = async (object: string) => {
    await send('PUT', `${object}/tags`, { tags: ['red'] });
    await send('POST', `${object}/tags`, { tags: ['blue'] });
    await send('PUT', `${object}/tags/green`);
    await send('GET', `${object}/tags/green`);
    await send('GET', `${object}/tags`);
    await send('DELETE', `${object}/tags/green`);
    await send('DELETE', `${object}/tags`);
  };

  const external = (
    await network('/networks', {
      network: { 'router:external': true, 'provider:network_type': 'flat', 'provider:physical_network': 'public' },
    })
  ).network;
  await network('/subnets', { subnet: { network_id: external.id, ip_version: 4, cidr: '10.11.7.0/24' } });
  const { networks } = await network('/networks', { networks: [{ name: 'one' }, { name: 'two' }] });
  const { subnet } = await network('/subnets', {
    subnet: {
      network_id: networks[0].id,
      ip_version: 4,
      cidr: '192.168.2.0/24',
      host_routes: [{ destination: '10.9.0.0/16', nexthop: '192.168.2.9' }],
      dns_nameservers: ['192.168.2.3'],
    },
  });
  const six = { network_id: networks[0].id, ip_version: 6, cidr: 'fd00:2::/64', ipv6_ra_mode: 'slaac' };
  await network('/subnets', { subnet: { ...six, ipv6_address_mode: 'slaac', gateway_ip: null } });
  const { security_group: group } = await network('/security-groups', { security_group: { name: 'web' } });
  const { security_group_rule: rule } = await network('/security-group-rules', {
    security_group_rule: {
      security_group_id: group.id,
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: 22,
      port_range_max: 80,
      remote_ip_prefix: '10.0.0.9/8',
    },
  });
  const { router } = await network('/routers', {
    router: { name: 'r', external_gateway_info: { network_id: external.id } },
  });
  await send('PUT', `${v2}/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  const routes = { router: { routes: [{ destination: '10.8.0.0/16', nexthop: '192.168.2.8' }] } };
  await send('PUT', `${v2}/routers/${router.id}/add_extraroutes`, routes);
  await send('PUT', `${v2}/routers/${router.id}`, { router: { name: 'renamed' } });
  await send('PUT', `${v2}/routers/${router.id}/remove_extraroutes`, routes);
  const { port } = await network('/ports', {
    port: {
      network_id: networks[0].id,
      security_groups: [group.id],
      allowed_address_pairs: [{ ip_address: '10.1.0.0/16' }],
      extra_dhcp_opts: [{ opt_name: 'mtu', opt_value: '1400', ip_version: 4 }],
      'binding:profile': { key: 'value' },
      dns_name: 'vm',
      tags: ['red'],
    },
  });
  const { port: second } = await network('/ports', { port: { network_id: networks[0].id } });
  const { floatingip } = await network('/floatingips', { floatingip: { floating_network_id: external.id } });
  const { floatingip: associated } = await network('/floatingips', {
    floatingip: { floating_network_id: external.id, port_id: second.id },
  });
  const forwardings = `${v2}/floatingips/${floatingip.id}/port_forwardings`;
  const target = { internal_port_id: port.id, internal_ip_address: port.fixed_ips[0].ip_address };
  const { port_forwarding: forwarding } = await send('POST', forwardings, {
    port_forwarding: { ...target, protocol: 'tcp', external_port: 2222, internal_port: 22 },
  });
  await send('POST', forwardings, {
    port_forwardings: [
      { ...target, protocol: 'udp', external_port_range: '3000:3009', internal_port_range: '3000:3009' },
    ],
  });
  await send('PUT', `${forwardings}/${forwarding.id}`, { port_forwarding: { external_port: 2223 } });
  await send('GET', `${forwardings}/${forwarding.id}`);
  await send('GET', forwardings);

  const report = (statuses: unknown[]) => ({
    started_at: '2026-11-23T20:19:31Z',
    applied_seq: 1,
    configurations: { nat_backend: 'nftables', bridge_mappings: {}, machines: true },
    statuses,
  });
  const agentSays = { headers: { authorization: `Bearer ${AGENT_TOKEN}` } };
  const word = { id: router.id, kind: 'router', revision_number: 1, status: 'ERROR', reason: 'No room' };
  await send('POST', '/portward/v1/agents/host1/report', report([word]), agentSays);
  for (const [path, { id }] of Object.entries({ routers: router, ports: port, floatingips: floatingip }))
    await send('GET', `/portward/v1/${path}/${id}/status`);
  await send('GET', `/portward/v1/floatingips/${floatingip.id}/port_forwardings/${forwarding.id}/status`);
  await send('GET', '/portward/v1/progress?wait=0');
  for (const host of ['host1', 'nowhere']) await send('GET', `/portward/v1/agents/${host}`, undefined, agentSays);

  const objects = { networks: networks[0], subnets: subnet, ports: port, routers: router, floatingips: associated };
  for (const [path, { id }] of Object.entries({ ...objects, 'security-groups': group })) {
    const key = path.replace('-', '_').slice(0, -1);
    await send('PUT', `${v2}/${path}/${id}`, { [key]: { description: 'd' } });
    await send('GET', `${v2}/${path}/${id}`);
    await send('GET', `${v2}/${path}?limit=1&sort_key=id&sort_dir=desc`);
    await send('GET', `${v2}/${path}?fields=id`);
    for (const token of [alice.token]) {
      await send('GET', `${v2}/${path}`, undefined, { token });
      await rejects('DELETE', `${v2}/${path}/nope`, 404, { token });
    }
    await walkTags(`${v2}/${path}/${id}`);
    await rejects('POST', `${v2}/${path}`, 400, { body: { [key]: { nonsense: 1 } } });
    await rejects('PUT', `${v2}/${path}/${id}`, 412, {
      body: { [key]: {} },
      headers: { 'if-match': 'revision_number=0' },
    });
  }
  const { address_group: addresses } = await network('/address-groups', {
    address_group: { addresses: ['10.3.0.0/16'] },
  });
  const { address_scope: scope } = await network('/address-scopes', { address_scope: { name: 's', ip_version: 4 } });
  const { subnetpool: pool } = await network('/subnetpools', {
    subnetpool: { name: 'p', prefixes: ['10.4.0.0/16'], address_scope_id: scope.id, is_default: true },
  });
  const { rbac_policy: policy } = await network('/rbac-policies', {
    rbac_policy: {
      object_type: 'network',
      object_id: networks[1].id,
      action: 'access_as_shared',
      target_tenant: alice.projectId,
    },
  });
  for (const [path, action, body] of [
    ['address-groups', 'addresses', { addresses: ['10.6.0.0/16'] }],
    ['subnetpools', 'prefixes', { prefixes: ['10.7.0.0/16'] }],
  ] as const) {
    const { id } = path === 'subnetpools' ? pool : addresses;
    await send('PUT', `${v2}/${path}/${id}/add_${action}`, body);
    await send('PUT', `${v2}/${path}/${id}/remove_${action}`, body);
  }
  for (const [path, { id }, body] of [
    ['address-groups', addresses, { address_group: { name: 'n' } }],
    ['address-scopes', scope, { address_scope: { name: 'n' } }],
    ['subnetpools', pool, { subnetpool: { name: 'n' } }],
    ['rbac-policies', policy, { rbac_policy: { target_tenant: 'p' } }],
  ] as const) {
    await send('GET', `${v2}/${path}/${id}`);
    await send('PUT', `${v2}/${path}/${id}`, body);
  }
  await walkTags(`${v2}/subnetpools/${pool.id}`);
  for (const [path, { id }] of [
    ['subnetpools', pool],
    ['address-scopes', scope],
    ['address-groups', addresses],
    ['rbac-policies', policy],
  ] as const)
    await send('DELETE', `${v2}/${path}/${id}`);
  await send('GET', `${v2}/security-group-rules`);
  await send('GET', `${v2}/security-group-rules/${rule.id}`);
  const { agents } = await send('GET', `${v2}/agents`);
  await send('GET', `${v2}/agents/${agents[0].id}`);
  await send('PUT', `${v2}/agents/${agents[0].id}`, { agent: { description: 'd' } });
  for (const [type, path, object, key, agentsPath] of [
    ['L3 agent', 'l3-routers', `routers/${router.id}`, { router_id: router.id }, 'l3-agents'],
    ['DHCP agent', 'dhcp-networks', `networks/${networks[0].id}`, { network_id: networks[0].id }, 'dhcp-agents'],
  ] as const) {
    const { id } = agents.find((agent: { agent_type: string }) => agent.agent_type === type);
    await send('GET', `${v2}/agents/${id}/${path}`);
    await send('GET', `${v2}/${object}/${agentsPath}`);
    const carried = `${v2}/agents/${id}/${path}/${object.split('/')[1]}`;
    await send('DELETE', carried);
    await send('POST', `${v2}/agents/${id}/${path}`, key);
  }
  await send('GET', `${v2}/availability_zones`);
  await send('GET', `${v2}/extensions`);
  await send('GET', `${v2}/extensions/router`);
  await rejects('GET', `${v2}/extensions/nope`, 404);
  await send('GET', `${v2}`);
  await send('GET', '/networking');

  await send('DELETE', `${forwardings}/${forwarding.id}`);
  await send('DELETE', `${v2}/security-group-rules/${rule.id}`);
  for (const { id } of [floatingip, associated]) await send('DELETE', `${v2}/floatingips/${id}`);
  for (const { id } of [port, second]) await send('DELETE', `${v2}/ports/${id}`);
  await send('PUT', `${v2}/routers/${router.id}/remove_router_interface`, { subnet_id: subnet.id });
  await send('DELETE', `${v2}/routers/${router.id}`);
  await send('DELETE', `${v2}/subnets/${subnet.id}`);
  await send('DELETE', `${v2}/networks/${networks[0].id}`);
  await send('DELETE', `${v2}/security-groups/${group.id}`);
  await send('DELETE', `${v2}/agents/${agents[0].id}`);

  for (const { method, path } of operations) {
    if (method === 'GET' && path.startsWith('/networking') && !path.includes('{')) await send('GET', path);
  }
  const missed = operations
    .filter(({ operation }) => WALKED.has(operation.tags[0] as string))
    .map(({ operation }) => operation.operationId)
    .filter((id) => !check.succeeded.has(id));
  assert.deepEqual(missed, ['getPortwardV1Feed'], 'every operation is answered once, but the endless one');
});
