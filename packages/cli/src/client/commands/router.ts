import type { Json, JsonObject } from '../cell.ts';
import { adminStateCell, isObject, listCell } from '../cell.ts';
import type { Call, Column, Command, ListChange, Option } from '../command.ts';
import { ClientError } from '../errors.ts';
import { listOutput, showOutput } from '../execute.ts';
import { extension, network, port, qosPolicy, router, routesCell, subnet } from '../network-resources.ts';
import { findInDomain, project, projectOptions } from '../other-resources.ts';
import { keyValues } from '../parse.ts';
import { find, findId, idOf, listAll, objectPath } from '../resolve.ts';
import { filterTags, TAG_FILTERS, TAGS_FOR_CREATE, TAGS_FOR_SET, TAGS_FOR_UNSET } from '../tags.ts';
import { route } from './subnet.ts';

const ROUTER = { name: 'router', help: 'Router (name or ID)' };

const STATE: readonly Option[] = [
  { flag: '--enable', help: 'Administratively up', attr: 'admin_state_up', value: true, group: 'state' },
  { flag: '--disable', help: 'Administratively down', attr: 'admin_state_up', value: false, group: 'state' },
];

const KIND: readonly Option[] = [
  { flag: '--distributed', help: 'Distributed', attr: 'distributed', value: true, group: 'kind' },
  { flag: '--centralized', help: 'Centralised', attr: 'distributed', value: false, group: 'kind' },
  { flag: '--ha', help: 'Highly available', attr: 'ha', value: true, group: 'ha' },
  { flag: '--no-ha', help: 'Not highly available', attr: 'ha', value: false, group: 'ha' },
];

const GATEWAY: readonly Option[] = [
  { flag: '--external-gateway', metavar: '<network>', help: 'External network it leads to (name or ID)' },
  {
    flag: '--fixed-ip',
    metavar: 'subnet=<subnet>,ip-address=<ip>',
    repeat: true,
    help: 'Its address there (may be repeated)',
    keys: { optional: ['subnet', 'ip-address'] },
  },
  { flag: '--enable-snat', help: 'Translate addresses of what goes out', group: 'snat' },
  { flag: '--disable-snat', help: 'Do not translate them', group: 'snat' },
];

const ROUTE: Option = {
  flag: '--route',
  metavar: 'destination=<cidr>,gateway=<ip>',
  repeat: true,
  help: 'Static route (may be repeated)',
  attr: 'routes',
  keys: { required: ['destination', 'gateway'] },
  convert: route,
};

/**
 * Puts the gateway options into a body.
 *
 * @throws ClientError when an address or SNAT is given without the network they belong to.
 */
async function externalGateway(
  attrs: JsonObject,
  { values, session }: Call,
  verb: 'specify' | 'update',
): Promise<void> {
  const name = values.text('--external-gateway');
  if (name === undefined) {
    if (['--fixed-ip', '--enable-snat', '--disable-snat'].some((flag) => values.has(flag))) {
      const what = verb === 'specify' ? 'specify SNAT or fixed-ip values' : 'update the SNAT or fixed-ip values';
      throw new ClientError(`You must specify '--external-gateway' in order to ${what}`);
    }
    return;
  }
  const info: JsonObject = { network_id: await findId(session, network, name) };
  if (values.has('--disable-snat')) info.enable_snat = false;
  if (values.has('--enable-snat')) info.enable_snat = true;
  const ips: Json[] = [];
  for (const text of values.texts('--fixed-ip')) {
    const given = keyValues(text);
    const ip: JsonObject = {};
    if (given.subnet) ip.subnet_id = await findId(session, subnet, given.subnet);
    if (given['ip-address'] !== undefined) ip.ip_address = given['ip-address'];
    ips.push(ip);
  }
  if (ips.length > 0) info.external_fixed_ips = ips;
  attrs.external_gateway_info = info;
}

/**
 * Gives the gateway a QoS policy, or takes it away; the API wants the network named with it.
 *
 * @throws ClientError for a router without a gateway.
 */
async function gatewayPolicy(attrs: JsonObject, { values, session }: Call, current: JsonObject): Promise<void> {
  const name = values.text('--qos-policy');
  if (name === undefined && !values.has('--no-qos-policy')) return;
  const info = isObject(attrs.external_gateway_info) ? attrs.external_gateway_info : current.external_gateway_info;
  const networkId = isObject(info ?? null) ? (info as JsonObject).network_id : undefined;
  if (networkId === undefined) {
    throw new ClientError(
      "You must specify '--external-gateway' or the router must already have an external network in order to set" +
        ' router gateway IP QoS',
    );
  }
  const policy = name === undefined ? null : await findId(session, qosPolicy, name);
  const given = isObject(attrs.external_gateway_info) ? attrs.external_gateway_info : {};
  attrs.external_gateway_info = { ...given, network_id: networkId, qos_policy_id: policy };
}

/** Takes the QoS policy from a gateway that has one. */
function forgetGatewayPolicy(attrs: JsonObject, { values }: Call, current: JsonObject): void {
  if (!values.has('--qos-policy') || values.has('--external-gateway')) return;
  const info = current.external_gateway_info ?? null;
  if (!isObject(info) || !('qos_policy_id' in info)) {
    throw new ClientError('Router does not have external network or qos policy');
  }
  attrs.external_gateway_info = { network_id: info.network_id ?? null, qos_policy_id: null };
}

const ROUTES: readonly ListChange[] = [{ attr: 'routes', clear: '--no-route', name: 'route', givenFirst: true }];

/** The addresses of a router's interfaces, from its ports; the gateway's are shown with the gateway. */
async function interfacesInfo(object: JsonObject, { session }: Call): Promise<void> {
  const ports = await listAll(session, port, { device_id: idOf(object) });
  const inside = ports.filter((item) => item.device_owner !== 'network:router_gateway');
  object.interfaces_info = inside.flatMap((item) => {
    const ips = Array.isArray(item.fixed_ips) ? item.fixed_ips.filter(isObject) : [];
    return ips.map((ip) => ({
      port_id: item.id ?? null,
      ip_address: ip.ip_address ?? null,
      subnet_id: ip.subnet_id ?? null,
    }));
  });
}

async function listRouters(call: Call): Promise<ReturnType<typeof listOutput>> {
  const { values, session } = call;
  const query: JsonObject = {};
  const name = values.text('--name');
  if (name !== undefined) query.name = name;
  if (values.has('--enable')) query.admin_state_up = true;
  if (values.has('--disable')) query.admin_state_up = false;
  const owner = values.text('--project');
  if (owner !== undefined) query.project_id = await findInDomain(call, project, owner, '--project-domain');
  filterTags(query, values);
  const agent = values.text('--agent');
  const path = agent === undefined ? undefined : `/v2.0/agents/${encodeURIComponent(agent)}/l3-routers`;
  const items = await listAll(session, router, query as Record<string, string | boolean>, undefined, path);
  const columns: Column[] = [
    { title: 'ID', attr: 'id' },
    { title: 'Name', attr: 'name' },
    { title: 'Status', attr: 'status' },
    { title: 'State', attr: 'admin_state_up', cell: adminStateCell },
    { title: 'Project', attr: 'project_id' },
  ];
  // Only administrators are told these two.
  const gives = (attr: string): boolean => items.some((item) => (item[attr] ?? null) !== null);
  if (gives('distributed')) columns.push({ title: 'Distributed', attr: 'distributed' });
  if (gives('ha')) columns.push({ title: 'HA', attr: 'ha' });
  if (values.has('--long')) {
    columns.push({ title: 'Routes', attr: 'routes', cell: routesCell });
    const gatewayField = router.fields?.find((field) => field.attr === 'external_gateway_info');
    columns.push({ title: 'External gateway info', ...gatewayField, attr: 'external_gateway_info' });
    if (await hasZones(call)) columns.push({ title: 'Availability zones', attr: 'availability_zones', cell: listCell });
    columns.push({ title: 'Tags', attr: 'tags', cell: listCell });
  }
  return listOutput(columns, items);
}

async function hasZones({ session }: Call): Promise<boolean> {
  const extensions = await listAll(session, extension, {});
  return extensions.some((item) => item.alias === 'router_availability_zone');
}

/** `router add|remove subnet|port`: one request to the router's action. */
function interfaceCommand(verb: 'add' | 'remove', what: 'subnet' | 'port'): Command {
  const resource = what === 'subnet' ? subnet : port;
  const direction = verb === 'add' ? 'to' : 'from';
  return {
    words: `router ${verb} ${what}`,
    help: `${verb === 'add' ? 'Connect' : 'Disconnect'} a ${what} ${direction} a router`,
    example: `router ${verb} ${what} router1 ${what === 'subnet' ? 'private-subnet' : 'port1'}`,
    arguments: [ROUTER, { name: what, help: `${what === 'subnet' ? 'Subnet' : 'Port'} (name or ID)` }],
    carriedOut: true,
    action: {
      do: 'call',
      output: 'none',
      run: async ({ values, session }) => {
        const id = await findId(session, resource, values.text(what) ?? '');
        const path = objectPath(router, await findId(session, router, values.text('router') ?? ''));
        await session.request('network', 'PUT', `${path}/${verb}_router_interface`, { body: { [`${what}_id`]: id } });
        return undefined;
      },
    },
  };
}

/** `router add|remove route`: changes the routes in one request, whatever others change meanwhile. */
function routeCommand(verb: 'add' | 'remove'): Command {
  return {
    words: `router ${verb} route`,
    help: verb === 'add' ? 'Add static routes to a router' : 'Remove static routes from a router',
    example: `router ${verb} route router1 --route destination=10.9.0.0/16,gateway=192.168.2.5`,
    arguments: [ROUTER],
    options: [ROUTE],
    carriedOut: true,
    action: {
      do: 'call',
      output: 'show',
      run: async (call) => {
        const found = await find(call.session, router, call.values.text('router') ?? '');
        const routes = call.values.texts('--route').map(route);
        const path = `${objectPath(router, idOf(found))}/${verb}_extraroutes`;
        const { body } = await call.session.request('network', 'PUT', path, { body: { router: { routes } } });
        const answer = isObject(body) && isObject(body.router) ? body.router : found;
        return showOutput(router.fields, { tenant_id: answer.project_id ?? null, ...answer });
      },
    },
  };
}

const CHANGEABLE: readonly Option[] = [
  ...STATE,
  ...KIND,
  { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
  ...GATEWAY,
];

/** `router …` */
export const commands: readonly Command[] = [
  {
    words: 'router create',
    help: 'Create a router',
    example: 'router create --external-gateway public router1',
    arguments: [{ name: 'name', help: 'Name', attr: 'name' }],
    options: [
      ...CHANGEABLE,
      ...projectOptions('Whose it is (name or ID)'),
      {
        flag: '--availability-zone-hint',
        metavar: '<zone>',
        repeat: true,
        help: 'Availability zone (may be repeated)',
        attr: 'availability_zone_hints',
      },
      ...TAGS_FOR_CREATE,
    ],
    action: {
      do: 'create',
      resource: router,
      start: { admin_state_up: true },
      finish: (attrs, call) => externalGateway(attrs, call, 'specify'),
    },
  },
  {
    words: 'router list',
    help: 'List routers',
    example: 'router list --long --name router1',
    options: [
      { flag: '--name', metavar: '<name>', help: 'With this name' },
      ...STATE,
      { flag: '--long', help: 'More columns' },
      ...projectOptions('Of this project (name or ID)'),
      { flag: '--agent', metavar: '<agent-id>', help: 'Hosted by this agent (ID)' },
      ...TAG_FILTERS,
    ],
    action: { do: 'call', output: 'list', run: listRouters },
  },
  {
    words: 'router show',
    help: 'Show a router',
    example: 'router show router1',
    arguments: [ROUTER],
    action: { do: 'show', resource: router, finish: interfacesInfo },
  },
  {
    words: 'router set',
    help: 'Change a router; routes given are added to those it has',
    example: 'router set --external-gateway public router1',
    arguments: [ROUTER],
    options: [
      { flag: '--name', metavar: '<name>', help: 'New name', attr: 'name' },
      ...CHANGEABLE,
      ROUTE,
      { flag: '--no-route', help: 'Forget its routes first' },
      { flag: '--qos-policy', metavar: '<policy>', help: 'QoS policy of its gateway', group: 'qos' },
      { flag: '--no-qos-policy', help: 'No QoS policy of its gateway', group: 'qos' },
      ...TAGS_FOR_SET,
    ],
    action: {
      do: 'set',
      resource: router,
      lists: ROUTES,
      finish: async (attrs, call, current) => {
        await externalGateway(attrs, call, 'update');
        await gatewayPolicy(attrs, call, current);
      },
    },
  },
  {
    words: 'router unset',
    help: 'Take its gateway or routes from a router',
    example: 'router unset --external-gateway router1',
    arguments: [ROUTER],
    options: [
      ROUTE,
      { flag: '--external-gateway', help: 'Its gateway', attr: 'external_gateway_info', value: {} },
      { flag: '--qos-policy', help: 'The QoS policy of its gateway' },
      ...TAGS_FOR_UNSET,
    ],
    action: { do: 'unset', resource: router, lists: ROUTES, finish: forgetGatewayPolicy },
  },
  {
    words: 'router delete',
    help: 'Delete routers',
    example: 'router delete router1',
    arguments: [{ ...ROUTER, many: true }],
    action: { do: 'delete', resource: router },
  },
  interfaceCommand('add', 'subnet'),
  interfaceCommand('remove', 'subnet'),
  interfaceCommand('add', 'port'),
  interfaceCommand('remove', 'port'),
  routeCommand('add'),
  routeCommand('remove'),
];
