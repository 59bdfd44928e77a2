import type { JsonObject } from '../cell.ts';
import { dictCell, isObject, listCell, listsByNameCell } from '../cell.ts';
import type { Call, Column, Option } from '../command.ts';
import { ClientError } from '../errors.ts';
import { listOutput } from '../execute.ts';
import { findInDomain, flavor, image, project, server, user } from '../other-resources.ts';
import { findId, idOf, listAll } from '../resolve.ts';
import { BOOTED_FROM_VOLUME, networksOfServer, powerStateCell } from './server-detail.ts';

/** Filters whose text is sent as it is. */
const FILTERS: readonly { flag: string; parameter: string; metavar: string; help: string }[] = [
  { flag: '--reservation-id', parameter: 'reservation_id', metavar: '<id>', help: 'Of this reservation' },
  { flag: '--instance-name', parameter: 'instance_name', metavar: '<regex>', help: 'With an instance name like this' },
  { flag: '--availability-zone', parameter: 'availability_zone', metavar: '<zone>', help: 'In this zone' },
  { flag: '--key-name', parameter: 'key_name', metavar: '<key>', help: 'With this SSH key' },
  { flag: '--progress', parameter: 'progress', metavar: '<percent>', help: 'With this progress' },
  { flag: '--vm-state', parameter: 'vm_state', metavar: '<state>', help: 'In this state of the VM' },
  { flag: '--task-state', parameter: 'task_state', metavar: '<state>', help: 'In this state of a task' },
  { flag: '--changes-before', parameter: 'changes-before', metavar: '<time>', help: 'Changed before this time' },
  { flag: '--changes-since', parameter: 'changes-since', metavar: '<time>', help: 'Changed since this time' },
];

/** The API counts power states. */
const POWER_NUMBERS: Readonly<Record<string, number>> = {
  pending: 0,
  running: 1,
  paused: 3,
  shutdown: 4,
  crashed: 6,
  suspended: 7,
};

/** Options of `server list`. */
export const LIST_OPTIONS: readonly Option[] = [
  { flag: '--ip', metavar: '<regex>', help: 'With an IPv4 address like this' },
  { flag: '--ip6', metavar: '<regex>', help: 'With an IPv6 address like this' },
  { flag: '--name', metavar: '<regex>', help: 'With a name like this' },
  { flag: '--status', metavar: '<status>', help: 'In this status' },
  { flag: '--flavor', metavar: '<flavor>', help: 'Of this flavor' },
  { flag: '--image', metavar: '<image>', help: 'Of this image' },
  { flag: '--host', metavar: '<host>', help: 'On this host' },
  { flag: '--all-projects', help: 'Of all projects (administrators)' },
  { flag: '--project', metavar: '<project>', help: 'Of this project (administrators)' },
  { flag: '--project-domain', metavar: '<domain>', help: 'Domain of that project' },
  { flag: '--user', metavar: '<user>', help: 'Of this user (administrators)' },
  { flag: '--user-domain', metavar: '<domain>', help: 'Domain of that user' },
  { flag: '--long', help: 'More columns' },
  { flag: '--no-name-lookup', short: '-n', help: 'IDs of images and flavors instead of names', group: 'lookup' },
  { flag: '--name-lookup-one-by-one', help: 'Look names up one by one', group: 'lookup' },
  ...FILTERS.map(({ flag, metavar, help }) => ({ flag, metavar, help })),
  { flag: '--config-drive', help: 'With a config drive', group: 'drive' },
  { flag: '--no-config-drive', help: 'Without one', group: 'drive' },
  { flag: '--power-state', metavar: '<state>', help: 'In this power state', choices: Object.keys(POWER_NUMBERS) },
  { flag: '--locked', help: 'Locked ones (compute API 2.73 or newer)', group: 'locked' },
  { flag: '--unlocked', help: 'Unlocked ones (compute API 2.73 or newer)', group: 'locked' },
  { flag: '--deleted', help: 'Deleted ones (administrators)' },
  { flag: '--tags', metavar: '<tag>', repeat: true, help: 'With this tag (may be repeated)' },
  { flag: '--not-tags', metavar: '<tag>', repeat: true, help: 'Without this tag (may be repeated)' },
  { flag: '--marker', metavar: '<server>', help: 'Begin after this server' },
  { flag: '--limit', metavar: '<count>', integer: true, help: 'At most so many' },
];

const POWER = { title: 'Power State', attr: 'OS-EXT-STS:power_state', cell: powerStateCell };
const TASK = { title: 'Task State', attr: 'OS-EXT-STS:task_state' };
const IMAGE_ID: Column = { title: 'Image ID', attr: 'image_id' };
const FLAVOR_ID: Column = { title: 'Flavor ID', attr: 'flavor_id' };
const ZONE: Column = { title: 'Availability Zone', attr: 'OS-EXT-AZ:availability_zone' };
const HOST: Column = { title: 'Host', attr: 'OS-EXT-SRV-ATTR:host' };
const PROPERTIES: Column = { title: 'Properties', attr: 'metadata', cell: dictCell };

/** Columns that are only shown when `-c` names them, by title or by attribute. */
const ON_DEMAND: readonly (Column & { readonly alias: string })[] = [
  { title: 'Project ID', attr: 'tenant_id', alias: 'project_id' },
  { title: 'User ID', attr: 'user_id', alias: 'user_id' },
  { title: 'Created At', attr: 'created', alias: 'created_at' },
  { title: 'Security Groups', attr: 'group_names', alias: 'security_groups', cell: listCell },
  { ...TASK, alias: 'task_state' },
  { ...POWER, alias: 'power_state' },
  { ...IMAGE_ID, alias: 'image_id' },
  { ...FLAVOR_ID, alias: 'flavor_id' },
  { ...ZONE, alias: 'availability_zone' },
  { ...HOST, alias: 'host' },
  { ...PROPERTIES, alias: 'properties' },
];

/** Servers with the names of their images and flavors. */
export async function listServers(call: Call): Promise<ReturnType<typeof listOutput>> {
  const { values, session } = call;
  const found = await listAll(session, server, await filters(call), undefined, '/servers/detail');
  const lookUp = found.length > 0 && !values.has('--no-name-lookup');
  const images = lookUp ? await names(() => listAll(session, image, {})) : new Map<string, string>();
  const flavors = lookUp
    ? await names(() => listAll(session, flavor, { is_public: 'None' }, undefined, '/flavors/detail'))
    : new Map<string, string>();
  return listOutput(
    columnsOf(call),
    found.map((item) => completed(item, images, flavors)),
  );
}

async function filters(call: Call): Promise<Record<string, string | number | boolean | undefined>> {
  const { values, session } = call;
  const inProject = values.text('--project');
  const ofUser = values.text('--user');
  const size = values.text('--flavor');
  const system = values.text('--image');
  const marker = values.text('--marker');
  const all = values.has('--all-projects') || inProject !== undefined;
  return {
    ip: values.text('--ip'),
    ip6: values.text('--ip6'),
    name: values.text('--name'),
    status: values.text('--status'),
    host: values.text('--host'),
    limit: values.text('--limit'),
    flavor: size === undefined ? undefined : await findId(session, flavor, size),
    image: system === undefined ? undefined : await findId(session, image, system),
    marker: marker === undefined ? undefined : await findId(session, server, marker),
    tenant_id: inProject === undefined ? undefined : await findInDomain(call, project, inProject, '--project-domain'),
    user_id: ofUser === undefined ? undefined : await findInDomain(call, user, ofUser, '--user-domain'),
    all_tenants: all ? true : undefined,
    deleted: values.has('--deleted') ? true : undefined,
    config_drive: values.has('--config-drive') ? true : values.has('--no-config-drive') ? false : undefined,
    locked: values.has('--locked') ? true : values.has('--unlocked') ? false : undefined,
    power_state: POWER_NUMBERS[values.text('--power-state') ?? ''],
    tags: values.has('--tags') ? values.texts('--tags').join(',') : undefined,
    'not-tags': values.has('--not-tags') ? values.texts('--not-tags').join(',') : undefined,
    ...Object.fromEntries(FILTERS.map(({ flag, parameter }) => [parameter, values.text(flag)])),
  };
}

/** Names by id; what cannot be listed is left unnamed rather than failing the list. */
async function names(read: () => Promise<JsonObject[]>): Promise<Map<string, string>> {
  try {
    return new Map((await read()).map((item) => [idOf(item), String(item.name ?? '')]));
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return new Map();
  }
}

/** The server with the attributes that only the list shows. */
function completed(item: JsonObject, images: Map<string, string>, flavors: Map<string, string>): JsonObject {
  const size = isObject(item.flavor) ? item.flavor : {};
  const picture = isObject(item.image) ? idOf(item.image) : undefined;
  const groups = Array.isArray(item.security_groups) ? item.security_groups.filter(isObject) : [];
  return {
    ...item,
    networks: networksOfServer(item),
    image_id: picture ?? BOOTED_FROM_VOLUME,
    image_name: picture === undefined ? BOOTED_FROM_VOLUME : (images.get(picture) ?? ''),
    flavor_id: size.id ?? null,
    flavor_name: size.original_name ?? flavors.get(idOf(size)) ?? '',
    group_names: groups.map((group) => group.name ?? null),
  };
}

function columnsOf({ values, session, askedColumns }: Call): Column[] {
  const long = values.has('--long');
  const ids = values.has('--no-name-lookup');
  // From this microversion on the API embeds the flavor, which has no id there.
  const embedded = Number(session.auth.computeVersion.split('.')[1]) >= 47;
  const columns: Column[] = [
    { title: 'ID', attr: 'id' },
    { title: 'Name', attr: 'name' },
    { title: 'Status', attr: 'status' },
    ...(long ? [TASK, POWER] : []),
    { title: 'Networks', attr: 'networks', cell: listsByNameCell },
  ];
  if (long) columns.push({ title: 'Image Name', attr: 'image_name' }, IMAGE_ID);
  else columns.push({ title: 'Image', attr: ids ? 'image_id' : 'image_name' });
  if (embedded) columns.push({ title: 'Flavor', attr: 'flavor_name' });
  else if (long) columns.push({ title: 'Flavor Name', attr: 'flavor_name' }, FLAVOR_ID);
  else columns.push({ title: 'Flavor', attr: ids ? 'flavor_id' : 'flavor_name' });
  if (long) columns.push(ZONE, HOST, PROPERTIES);
  const known = new Set(columns.map(({ title }) => title));
  const more = ON_DEMAND.filter(({ title, alias }) => askedColumns.includes(title) || askedColumns.includes(alias));
  return [...columns, ...more.filter(({ title }) => !known.has(title))];
}
