import { ApiError } from '../api-error.ts';
import type { Json, JsonObject } from '../cell.ts';
import { dictListCell, isObject } from '../cell.ts';
import type { Argument, Call, Command, Option, Outcome } from '../command.ts';
import { ClientError } from '../errors.ts';
import { showOutput } from '../execute.ts';
import { floatingIp, network, port, securityGroup } from '../network-resources.ts';
import { server } from '../other-resources.ts';
import { find, findId, idOf, listAll, objectPath, versionOf } from '../resolve.ts';

const SERVER: Argument = { name: 'server', help: 'Server (name or ID)' };

const TAG: Option = { flag: '--tag', metavar: '<tag>', help: 'Tag of the interface (compute API 2.49 or newer)' };

/** Interfaces have tags from this microversion on; it is what is asked for when the user asks for none. */
const INTERFACES = { service: 'compute', microversion: '2.49' } as const;

/** Is the microversion that is sent at least this one? */
function supports({ session }: Call, minor: number): boolean {
  const version = versionOf(session, INTERFACES).headers?.['X-OpenStack-Nova-API-Version'] ?? '';
  return Number(version.split('.')[1]) >= minor;
}

async function serverPath({ values, session }: Call): Promise<string> {
  return objectPath(server, await findId(session, server, values.text('server') ?? ''));
}

/** Asks the compute API for one thing about a server. */
async function ask(call: Call, method: string, path: string, body?: Json): Promise<Json> {
  const version = versionOf(call.session, path.endsWith('/action') ? server : INTERFACES);
  const parts = body === undefined ? version : { ...version, body };
  return (await call.session.request('compute', method, path, parts)).body;
}

/** The tag of a new interface, where the API knows one. */
function tagOf(call: Call): JsonObject {
  const tag = call.values.text('--tag');
  if (tag === undefined) return {};
  if (supports(call, 49)) return { tag };
  throw new ClientError('--os-compute-api-version 2.49 or greater is required to support the --tag option');
}

async function addPort(call: Call): Promise<undefined> {
  const path = await serverPath(call);
  const portId = await findId(call.session, port, call.values.text('port') ?? '');
  await ask(call, 'POST', `${path}/os-interface`, { interfaceAttachment: { port_id: portId, ...tagOf(call) } });
}

async function addNetwork(call: Call): Promise<undefined> {
  const path = await serverPath(call);
  const id = await findId(call.session, network, call.values.text('network') ?? '');
  await ask(call, 'POST', `${path}/os-interface`, { interfaceAttachment: { net_id: id, ...tagOf(call) } });
}

async function removePort(call: Call): Promise<undefined> {
  const path = await serverPath(call);
  const id = await findId(call.session, port, call.values.text('port') ?? '');
  await ask(call, 'DELETE', `${path}/os-interface/${encodeURIComponent(id)}`);
}

async function removeNetwork(call: Call): Promise<undefined> {
  const path = await serverPath(call);
  const id = await findId(call.session, network, call.values.text('network') ?? '');
  const body = await ask(call, 'GET', `${path}/os-interface`);
  const all = isObject(body) && Array.isArray(body.interfaceAttachments) ? body.interfaceAttachments : [];
  for (const one of all.filter(isObject)) {
    if (one.net_id === id) await ask(call, 'DELETE', `${path}/os-interface/${encodeURIComponent(String(one.port_id))}`);
  }
}

/** Older compute APIs add an address by an action that answers nothing. */
async function addFixedIp(call: Call): Promise<Outcome> {
  const path = await serverPath(call);
  const id = await findId(call.session, network, call.values.text('network') ?? '');
  if (!supports(call, 44)) {
    tagOf(call);
    await ask(call, 'POST', `${path}/action`, { addFixedIp: { networkId: id } });
    return showOutput([], {});
  }
  const address = call.values.text('--fixed-ip-address');
  const fixed = address === undefined ? {} : { fixed_ips: [{ ip_address: address }] };
  const interfaceAttachment = { net_id: id, ...fixed, ...tagOf(call) };
  const body = await ask(call, 'POST', `${path}/os-interface`, { interfaceAttachment });
  const answer = isObject(body) && isObject(body.interfaceAttachment ?? null) ? body.interfaceAttachment : {};
  const fields = [
    { name: 'Port ID', attr: 'port_id' },
    { name: 'Server ID', attr: 'server_id' },
    { name: 'Network ID', attr: 'net_id' },
    { name: 'MAC Address', attr: 'mac_addr' },
    { name: 'Port State', attr: 'port_state' },
    { name: 'Fixed IPs', attr: 'fixed_ips', cell: dictListCell },
    ...(supports(call, 49) ? [{ name: 'Tag', attr: 'tag' }] : []),
  ];
  return showOutput(fields, { ...(answer as JsonObject), server_id: path.split('/').at(-1) ?? '' });
}

/**
 * Gives a floating IP to the port that has the fixed address, else to the first of the server's ports that can have
 * it: not every port need be on a router with a gateway.
 */
async function addFloatingIp(call: Call): Promise<undefined> {
  const { values, session } = call;
  const address = await find(session, floatingIp, values.text('ip-address') ?? '');
  const owner = await findId(session, server, values.text('server') ?? '');
  const ports = await listAll(session, port, { device_id: owner });
  if (ports.length === 0) throw new ClientError('No attached ports found to associate floating IP with');
  const path = objectPath(floatingIp, idOf(address));
  const give = async (floatingip: JsonObject): Promise<unknown> =>
    await session.request('network', 'PUT', path, { body: { floatingip } });
  const fixed = values.text('--fixed-ip-address');
  if (fixed !== undefined) {
    const holder = ports.find((item) => hasAddress(item, fixed));
    if (holder === undefined) throw new ClientError(`No port found for fixed IP address ${fixed}`);
    await give({ port_id: idOf(holder), fixed_ip_address: fixed });
    return;
  }
  let refusal: unknown;
  for (const candidate of ports) {
    try {
      await give({ port_id: idOf(candidate) });
      return;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

function hasAddress({ fixed_ips: ips }: JsonObject, address: string): boolean {
  return Array.isArray(ips) && ips.filter(isObject).some((ip) => ip.ip_address === address);
}

async function removeFloatingIp({ values, session }: Call): Promise<undefined> {
  const address = await find(session, floatingIp, values.text('ip-address') ?? '');
  const body = { floatingip: { port_id: null } };
  await session.request('network', 'PUT', objectPath(floatingIp, idOf(address)), { body });
}

function groupAction(name: 'addSecurityGroup' | 'removeSecurityGroup'): (call: Call) => Promise<undefined> {
  return async (call) => {
    const path = await serverPath(call);
    const group = await findId(call.session, securityGroup, call.values.text('group') ?? '');
    await ask(call, 'POST', `${path}/action`, { [name]: { name: group } });
  };
}

const FIXED: Option = { flag: '--fixed-ip-address', metavar: '<ip>', help: 'The fixed address it is for' };

function attachment(
  words: string,
  help: string,
  argument: Argument & { readonly sample: string },
  run: (call: Call) => Promise<Outcome>,
  options: readonly Option[] = [],
): Command {
  const { sample, ...named } = argument;
  const output = words === 'server add fixed ip' ? 'show' : 'none';
  return {
    words,
    help,
    example: `${words} web1 ${sample}`,
    arguments: [SERVER, named],
    options,
    carriedOut: true,
    action: { do: 'call', output, run },
  };
}

const PORT = { name: 'port', help: 'Port (name or ID)', sample: 'web1-port' };
const NETWORK = { name: 'network', help: 'Network (name or ID)', sample: 'private' };
const GROUP = { name: 'group', help: 'Security group (name or ID)', sample: 'web' };
const FLOATING_IP = { name: 'ip-address', help: 'Floating IP (address or ID)', sample: '10.11.7.4' };
const FIXED_IP = { name: 'ip-address', help: 'Its fixed address', sample: '192.168.2.79' };

/** `server add …`, `server remove …` */
export const commands: readonly Command[] = [
  attachment('server add port', 'Attach a port to a server', PORT, addPort, [TAG]),
  attachment('server remove port', 'Detach a port from a server', PORT, removePort),
  attachment('server add network', 'Attach a server to a network', NETWORK, addNetwork, [TAG]),
  attachment('server remove network', 'Detach a server from a network', NETWORK, removeNetwork),
  attachment('server add fixed ip', 'Give a server an address of a network', NETWORK, addFixedIp, [FIXED, TAG]),
  attachment('server remove fixed ip', 'Take an address from a server', FIXED_IP, async (call) => {
    const address = call.values.text('ip-address') ?? '';
    await ask(call, 'POST', `${await serverPath(call)}/action`, { removeFixedIp: { address } });
    return undefined;
  }),
  attachment('server add floating ip', 'Give a server a floating IP', FLOATING_IP, addFloatingIp, [FIXED]),
  attachment('server remove floating ip', 'Take a floating IP from a server', FLOATING_IP, removeFloatingIp),
  attachment('server add security group', 'Put a server into a security group', GROUP, groupAction('addSecurityGroup')),
  attachment(
    'server remove security group',
    'Take a server out of a security group',
    GROUP,
    groupAction('removeSecurityGroup'),
  ),
];
