import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../api-error.ts';
import type { Json, JsonObject } from '../cell.ts';
import { isObject, pythonText } from '../cell.ts';
import type { Call, Command } from '../command.ts';
import { ClientError } from '../errors.ts';
import { showOutput } from '../execute.ts';
import type { ShowOutput } from '../format.ts';
import { network, port, securityGroup } from '../network-resources.ts';
import { flavor, image, server } from '../other-resources.ts';
import { keyValues } from '../parse.ts';
import { find, findId, idOf, objectPath, unwrapped, versionOf } from '../resolve.ts';
import { readTextFile } from '../text-file.ts';
import { serverDetail } from './server-detail.ts';
import { LIST_OPTIONS, listServers } from './server-list.ts';

const SERVER = { name: 'server', help: 'Server (name or ID)' };
const POLL_MS = 1000;

/** One `--nic`, `--port` or `--network` as the API's network entry. */
async function nicOf(text: string, call: Call): Promise<JsonObject> {
  const given = keyValues(text);
  const known = ['net-id', 'port-id', 'v4-fixed-ip', 'v6-fixed-ip', 'tag'];
  const strange = Object.entries(given).some(([key, value]) => !known.includes(key) || value === '');
  if (strange) {
    throw new ClientError(
      `Invalid argument ${text}; argument must be of form 'net-id=net-uuid,port-id=port-uuid,` +
        "v4-fixed-ip=ip-addr,v6-fixed-ip=ip-addr,tag=tag'",
    );
  }
  const { 'net-id': net, 'port-id': portName, 'v4-fixed-ip': v4, 'v6-fixed-ip': v6, tag } = given;
  if (net !== undefined && portName !== undefined) {
    throw new ClientError(`Invalid argument ${text}; either network or port should be specified but not both`);
  }
  const fixedIp = v4 ?? v6;
  return {
    ...(net === undefined ? {} : { uuid: await findId(call.session, network, net) }),
    ...(fixedIp === undefined ? {} : { fixed_ip: fixedIp }),
    ...(portName === undefined ? {} : { port: await findId(call.session, port, portName) }),
    ...(tag === undefined ? {} : { tag }),
  };
}

async function networksOf(call: Call): Promise<Json | undefined> {
  const nics = [
    ...call.values.texts('--nic'),
    ...call.values.texts('--network').map((name) => `net-id=${name}`),
    ...call.values.texts('--port').map((name) => `port-id=${name}`),
  ];
  const whole = nics.find((nic) => nic === 'auto' || nic === 'none');
  if (whole !== undefined) {
    if (nics.length > 1) {
      throw new ClientError(
        'Specifying a --nic of auto or none cannot be used with any other --nic, --network or --port value.',
      );
    }
    return whole;
  }
  if (nics.length === 0) return undefined;
  return await Promise.all(nics.map((nic) => nicOf(nic, call)));
}

async function createServer(call: Call): Promise<ShowOutput> {
  const { values, session } = call;
  const imageName = values.text('--image');
  const groups: JsonObject[] = [];
  for (const name of values.texts('--security-group'))
    groups.push({ name: await findId(session, securityGroup, name) });
  const properties = Object.fromEntries(values.texts('--property').map((text) => pair(text)));
  const userData = values.text('--user-data');
  const keyName = values.text('--key-name');
  const zone = values.text('--availability-zone');
  const networks = await networksOf(call);
  const hints = Object.fromEntries(values.texts('--hint').map((text) => pair(text)));
  const body: JsonObject = {
    name: values.text('server-name') ?? '',
    flavorRef: await findId(session, flavor, values.text('--flavor') ?? ''),
    imageRef: imageName === undefined ? '' : await findId(session, image, imageName),
    min_count: Number(values.text('--min') ?? 1),
    max_count: Number(values.text('--max') ?? 1),
    ...(networks === undefined ? {} : { networks }),
    ...(groups.length === 0 ? {} : { security_groups: groups }),
    ...(Object.keys(properties).length === 0 ? {} : { metadata: properties }),
    ...(keyName === undefined ? {} : { key_name: keyName }),
    ...(zone === undefined ? {} : { availability_zone: zone }),
    ...textsOf(call, CREATE_TEXTS),
    ...(values.has('--tag') ? { tags: [...values.texts('--tag')] } : {}),
    ...(values.has('--use-config-drive') ? { config_drive: true } : {}),
    ...(userData === undefined ? {} : { user_data: Buffer.from(await readTextFile(userData)).toString('base64') }),
  };
  const answer = await session.request('compute', 'POST', '/servers', {
    ...versionOf(session, server),
    body: { server: body, ...(values.has('--hint') ? { 'os:scheduler_hints': hints } : {}) },
  });
  const created = unwrapped(server, answer.body);
  if (values.has('--wait')) await waitForActive(idOf(created), call);
  const current = await find(session, server, idOf(created));
  // Only the answer to the creation has the password that was set.
  return await serverDetail({ ...created, ...current }, call);
}

/** What a creation sends as it was typed, and the minor version of the compute API that knows it. */
const CREATE_TEXTS = [
  { flag: '--password', attr: 'adminPass', minor: 1 },
  { flag: '--description', attr: 'description', minor: 19 },
  { flag: '--hostname', attr: 'hostname', minor: 90 },
  { flag: '--host', attr: 'host', minor: 74 },
  { flag: '--hypervisor-hostname', attr: 'hypervisor_hostname', minor: 74 },
] as const;

function textsOf({ values, session }: Call, known: typeof CREATE_TEXTS): JsonObject {
  const given = known.filter(({ flag }) => values.has(flag));
  for (const { flag, minor } of given) {
    if (Number(session.auth.computeVersion.split('.')[1]) >= minor) continue;
    throw new ClientError(`--os-compute-api-version 2.${minor} or greater is required to support the ${flag} option`);
  }
  return Object.fromEntries(given.map(({ flag, attr }) => [attr, values.text(flag) ?? '']));
}

function pair(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new ClientError(`Expected 'key=value' type, but got: ${text}`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

async function waitForActive(id: string, call: Call): Promise<void> {
  for (;;) {
    const { status = null, progress = 0 } = await find(call.session, server, id);
    const word = pythonText(status).toLowerCase();
    if (word === 'active') break;
    if (word === 'error') throw new ClientError(`Error creating server: ${call.values.text('server-name')}`);
    if (progress) call.progress(`\rProgress: ${pythonText(progress)}`);
    await sleep(POLL_MS);
  }
  call.progress('\n');
}

async function showServer(call: Call): Promise<ShowOutput> {
  const { values, session } = call;
  const found = await find(session, server, values.text('server') ?? '');
  const part = async (name: string): Promise<JsonObject> => {
    const path = `${objectPath(server, idOf(found))}/${name}`;
    const { body } = await session.request('compute', 'GET', path, versionOf(session, server));
    return isObject(body) ? body : {};
  };
  if (values.has('--diagnostics')) return showOutput(undefined, await part('diagnostics'));
  if (!values.has('--topology')) return await serverDetail(found, call);
  return await serverDetail({ ...found, topology: await part('topology') }, call);
}

/** Stops at the first server that cannot be found or deleted, as the openstack client does. */
async function deleteServers(call: Call): Promise<undefined> {
  const { values, session } = call;
  const all = values.has('--all-projects') ? { all_tenants: 'True' } : {};
  for (const name of values.texts('server')) {
    const id = idOf(await find(session, server, name, all));
    const path = objectPath(server, id);
    const version = versionOf(session, server);
    if (values.has('--force')) {
      await session.request('compute', 'POST', `${path}/action`, { ...version, body: { forceDelete: null } });
    } else {
      await session.request('compute', 'DELETE', path, version);
    }
    if (values.has('--wait')) await waitUntilGone(id, call);
  }
}

async function waitUntilGone(id: string, { session }: Call): Promise<void> {
  for (;;) {
    try {
      const { body } = await session.request('compute', 'GET', objectPath(server, id), versionOf(session, server));
      const found = isObject(body) ? unwrapped(server, body) : {};
      if (found.status === 'ERROR') throw new ClientError(`Error deleting server: ${id}`);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return;
      throw error;
    }
    await sleep(POLL_MS);
  }
}

/** `server …` */
export const commands: readonly Command[] = [
  {
    words: 'server create',
    help: 'Create a server (record of a VM)',
    example: 'server create --flavor m1.small --image cirros --nic port-id=web1-port --wait web1',
    arguments: [{ name: 'server-name', help: 'Name' }],
    options: [
      { flag: '--flavor', metavar: '<flavor>', required: true, help: 'Flavor (name or ID)' },
      { flag: '--image', metavar: '<image>', required: true, help: 'Image (name or ID)' },
      {
        flag: '--nic',
        metavar: 'net-id=<network>|port-id=<port>[,v4-fixed-ip=<ip>]|auto|none',
        repeat: true,
        help: 'Network interface (may be repeated)',
      },
      { flag: '--network', metavar: '<network>', repeat: true, help: 'The same as --nic net-id=<network>' },
      { flag: '--port', metavar: '<port>', repeat: true, help: 'The same as --nic port-id=<port>' },
      { flag: '--security-group', metavar: '<group>', repeat: true, help: 'Security group (may be repeated)' },
      { flag: '--key-name', metavar: '<key>', help: 'SSH key' },
      { flag: '--password', metavar: '<password>', help: 'Password of its administrator (others may see it)' },
      { flag: '--description', metavar: '<text>', help: 'Description (compute API 2.19 or newer)' },
      { flag: '--hostname', metavar: '<name>', help: 'Host name (compute API 2.90 or newer)' },
      { flag: '--host', metavar: '<host>', help: 'Host it is to run on (compute API 2.74 or newer)' },
      {
        flag: '--hypervisor-hostname',
        metavar: '<name>',
        help: 'Hypervisor it is to run on (compute API 2.74 or newer)',
      },
      { flag: '--tag', metavar: '<tag>', repeat: true, help: 'Tag (compute API 2.52 or newer; may be repeated)' },
      { flag: '--hint', metavar: '<key=value>', repeat: true, help: 'Hint for the scheduler (may be repeated)' },
      { flag: '--use-config-drive', help: 'With a config drive', group: 'drive' },
      { flag: '--no-config-drive', help: 'Without one', group: 'drive' },
      { flag: '--property', metavar: '<key=value>', repeat: true, help: 'Metadata (may be repeated)' },
      { flag: '--user-data', metavar: '<file>', help: 'File with user data' },
      { flag: '--availability-zone', metavar: '<zone>', help: 'Availability zone, or zone:host' },
      { flag: '--min', metavar: '<count>', integer: true, help: 'At least so many' },
      { flag: '--max', metavar: '<count>', integer: true, help: 'At most so many' },
      { flag: '--wait', help: 'Return when it is active' },
    ],
    action: { do: 'call', output: 'show', run: createServer },
  },
  {
    words: 'server list',
    help: 'List servers',
    example: 'server list --long',
    options: LIST_OPTIONS,
    action: { do: 'call', output: 'list', run: listServers },
  },
  {
    words: 'server show',
    help: 'Show a server',
    example: 'server show web1',
    arguments: [SERVER],
    options: [
      { flag: '--diagnostics', help: 'What its hypervisor says of it', group: 'what' },
      { flag: '--topology', help: 'Its place among cores and memory, too (compute API 2.78 or newer)', group: 'what' },
    ],
    action: {
      do: 'call',
      output: 'show',
      run: showServer,
    },
  },
  {
    words: 'server delete',
    help: 'Delete servers',
    example: 'server delete web1',
    arguments: [{ ...SERVER, many: true }],
    options: [
      { flag: '--force', help: 'Whatever state they are in' },
      { flag: '--all-projects', help: 'Look in all projects (by name)' },
      { flag: '--wait', help: 'Return when they are gone' },
    ],
    action: { do: 'call', output: 'none', run: deleteServers },
  },
];
