import { ApiError } from '../api-error.ts';
import type { JsonObject } from '../cell.ts';
import { isObject } from '../cell.ts';
import type { Call, Column, Command, Option } from '../command.ts';
import { ConnectError, UsageError } from '../errors.ts';
import { listOutput, showOutput } from '../execute.ts';
import type { ListOutput, ShowOutput } from '../format.ts';
import { project } from '../other-resources.ts';
import { find, idOf, listAll, versionOf } from '../resolve.ts';

/** One kind of thing that is limited. */
interface Kind {
  /** The option of `quota set`, without `--`, which is also its name in `quota show`. */
  readonly option: string;
  /** What the API calls it. */
  readonly attr: string;
  /** What `quota show` and `quota list --detail` call it, where that is another word. */
  readonly shown?: string;
  readonly help: string;
}

const COMPUTE: readonly Kind[] = [
  { option: 'cores', attr: 'cores', help: 'Cores' },
  { option: 'fixed-ips', attr: 'fixed_ips', help: 'Fixed IPs' },
  { option: 'injected-file-size', attr: 'injected_file_content_bytes', help: 'Bytes of an injected file' },
  { option: 'injected-path-size', attr: 'injected_file_path_bytes', help: 'Length of an injected path' },
  { option: 'injected-files', attr: 'injected_files', help: 'Injected files' },
  { option: 'instances', attr: 'instances', help: 'Servers' },
  { option: 'key-pairs', attr: 'key_pairs', help: 'Key pairs' },
  { option: 'properties', attr: 'metadata_items', help: 'Properties of a server' },
  { option: 'ram', attr: 'ram', help: 'Memory, MiB' },
  { option: 'server-groups', attr: 'server_groups', help: 'Server groups' },
  { option: 'server-group-members', attr: 'server_group_members', help: 'Members of a server group' },
];

const NETWORK: readonly Kind[] = [
  { option: 'floating-ips', attr: 'floatingip', help: 'Floating IPs' },
  { option: 'networks', attr: 'network', help: 'Networks' },
  { option: 'ports', attr: 'port', help: 'Ports' },
  { option: 'rbac-policies', attr: 'rbac_policy', shown: 'rbac_policies', help: 'RBAC policies' },
  { option: 'routers', attr: 'router', help: 'Routers' },
  { option: 'subnets', attr: 'subnet', help: 'Subnets' },
  { option: 'subnetpools', attr: 'subnetpool', shown: 'subnet_pools', help: 'Subnet pools' },
  { option: 'secgroup-rules', attr: 'security_group_rule', help: 'Rules of security groups' },
  { option: 'secgroups', attr: 'security_group', help: 'Security groups' },
];

/** Words of `quota list --detail` that differ from those of the options. */
const DETAIL_NAMES: Readonly<Record<string, string>> = {
  'floating-ips': 'floating_ips',
  secgroups: 'security_groups',
  'secgroup-rules': 'security_group_rules',
};

const column = (title: string, attr: string): Column => ({ title, attr });

const networkColumns: readonly Column[] = [
  column('Project ID', 'id'),
  column('Floating IPs', 'floatingip'),
  column('Networks', 'network'),
  column('Ports', 'port'),
  column('RBAC Policies', 'rbac_policy'),
  column('Routers', 'router'),
  column('Security Groups', 'security_group'),
  column('Security Group Rules', 'security_group_rule'),
  column('Subnets', 'subnet'),
  column('Subnet Pools', 'subnetpool'),
];

const computeColumns: readonly Column[] = [
  column('Project ID', 'id'),
  column('Cores', 'cores'),
  column('Fixed IPs', 'fixed_ips'),
  column('Injected Files', 'injected_files'),
  column('Injected File Content Bytes', 'injected_file_content_bytes'),
  column('Injected File Path Bytes', 'injected_file_path_bytes'),
  column('Instances', 'instances'),
  column('Key Pairs', 'key_pairs'),
  column('Metadata Items', 'metadata_items'),
  column('Ram', 'ram'),
  column('Server Groups', 'server_groups'),
  column('Server Group Members', 'server_group_members'),
];

const detailColumns: readonly Column[] = [
  column('Resource', 'resource'),
  column('In Use', 'in_use'),
  column('Reserved', 'reserved'),
  column('Limit', 'limit'),
];

type Api = 'compute' | 'network';

/** The quota of a project at one API; nothing where the cloud has no such API. */
async function quotaOf(call: Call, api: Api, id: string, part: '' | '/default' | '/detail'): Promise<JsonObject> {
  const collection = api === 'compute' ? '/os-quota-sets' : '/v2.0/quotas';
  // The same two parts have other names in each API.
  const end = api === 'compute' ? part.replace('/default', '/defaults') : part.replace('/detail', '/details');
  try {
    const path = `${collection}/${encodeURIComponent(id)}${end}`;
    const { body } = await call.session.request(api, 'GET', path, versionOf(call.session, { service: api }));
    const quota = isObject(body) ? body[api === 'compute' ? 'quota_set' : 'quota'] : null;
    return isObject(quota ?? null) ? (quota as JsonObject) : {};
  } catch (error) {
    if (error instanceof ConnectError && api === 'compute') return {};
    throw error;
  }
}

interface Owner {
  readonly id: string;
  readonly name: string;
}

/** The project named, else the one signed in to. */
async function ownerOf({ session }: Call, name: string | undefined): Promise<Owner> {
  if (name === undefined) {
    const own = session.tokenBody.project;
    return isObject(own ?? null)
      ? { id: idOf(own as JsonObject), name: String((own as JsonObject).name ?? '') }
      : { id: '', name: '' };
  }
  const found = await find(session, project, name);
  return { id: idOf(found), name: String(found.name ?? '') };
}

async function showQuota(call: Call): Promise<ShowOutput> {
  const { values, session } = call;
  const named = values.text('project/class');
  if (values.has('--class')) {
    const path = `/os-quota-class-sets/${encodeURIComponent(named ?? 'default')}`;
    const { body } = await session.request('compute', 'GET', path, versionOf(session, { service: 'compute' }));
    const quota = isObject(body) && isObject(body.quota_class_set ?? null) ? (body.quota_class_set as JsonObject) : {};
    return showOutput(undefined, { ...renamed(quota, COMPUTE), project: quota.id ?? null, project_name: named ?? '' });
  }
  const owner = await ownerOf(call, named);
  const part = values.has('--default') ? '/default' : '';
  const compute = await quotaOf(call, 'compute', owner.id, part);
  const networking = await quotaOf(call, 'network', owner.id, part);
  const limits = { ...renamed(compute, COMPUTE), ...renamed(networking, NETWORK) };
  return showOutput(undefined, { ...limits, project: owner.id, project_name: owner.name });
}

function renamed(quota: JsonObject, kinds: readonly Kind[]): JsonObject {
  const present = kinds.filter(({ attr }) => (quota[attr] ?? null) !== null);
  return Object.fromEntries(present.map(({ option, attr, shown }) => [shown ?? option, quota[attr] ?? null]));
}

async function listQuotas(call: Call): Promise<ListOutput> {
  const { values, session } = call;
  const api: Api | undefined = (['compute', 'network'] as const).find((name) => values.has(`--${name}`));
  if (api === undefined) throw new UsageError('one of the arguments --compute --volume --network is required');
  const named = values.text('--project');
  if (values.has('--detail')) return await listDetails(call, api, await ownerOf(call, named));
  const ids = named === undefined ? (await listAll(session, project, {})).map(idOf) : [(await ownerOf(call, named)).id];
  const kinds = api === 'compute' ? COMPUTE : NETWORK;
  const rows: JsonObject[] = [];
  for (const id of ids) {
    try {
      const limits = await quotaOf(call, api, id, '');
      const standard = await quotaOf(call, api, id, '/default');
      if (kinds.some(({ attr }) => limits[attr] !== standard[attr])) rows.push({ ...limits, id });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      call.remark(`Project ${id} not found: ${error.message}`);
    }
  }
  return listOutput(api === 'compute' ? computeColumns : networkColumns, rows, '');
}

/** What is in use beside what is allowed. */
async function listDetails(call: Call, api: Api, owner: Owner): Promise<ListOutput> {
  const quota = await quotaOf(call, api, owner.id, '/detail');
  const kinds = api === 'compute' ? COMPUTE : NETWORK;
  const rows = kinds.flatMap(({ attr, option, shown }): JsonObject[] => {
    const detail = quota[attr];
    if (!isObject(detail ?? null)) return [];
    const { used, in_use: inUse, reserved, limit } = detail as JsonObject;
    const resource = api === 'compute' ? attr : (shown ?? DETAIL_NAMES[option] ?? option);
    return [{ resource, in_use: used ?? inUse ?? null, reserved: reserved ?? null, limit: limit ?? null }];
  });
  return listOutput(detailColumns, rows);
}

async function setQuota(call: Call): Promise<undefined> {
  const { values, session } = call;
  const named = values.text('project/class') ?? '';
  const given = (kinds: readonly Kind[]): JsonObject => {
    const set = kinds.filter(({ option }) => values.has(`--${option}`));
    return Object.fromEntries(set.map(({ option, attr }) => [attr, Number(values.text(`--${option}`))]));
  };
  const force = values.has('--force') ? { force: true } : {};
  const compute = { ...given(COMPUTE), ...force };
  const networking = { ...(values.has('--check-limit') ? { check_limit: true } : {}), ...force, ...given(NETWORK) };
  const version = versionOf(session, { service: 'compute' });
  if (values.has('--class')) {
    const path = `/os-quota-class-sets/${encodeURIComponent(named)}`;
    const body = { quota_class_set: compute };
    if (Object.keys(compute).length > 0) await session.request('compute', 'PUT', path, { ...version, body });
    if (Object.keys(networking).length > 0)
      call.remark('Network quotas are ignored since quota class is not supported.');
    return undefined;
  }
  const { id } = await ownerOf(call, named);
  if (Object.keys(compute).length > 0) {
    const body = { quota_set: compute };
    await session.request('compute', 'PUT', `/os-quota-sets/${encodeURIComponent(id)}`, { ...version, body });
  }
  if (Object.keys(networking).length > 0) {
    await session.request('network', 'PUT', `/v2.0/quotas/${encodeURIComponent(id)}`, { body: { quota: networking } });
  }
  return undefined;
}

const LIMITS: readonly Option[] = [...NETWORK, ...COMPUTE].map(({ option, help }) => ({
  flag: `--${option}`,
  metavar: '<count>',
  integer: true,
  help,
}));

/** `quota …` */
export const commands: readonly Command[] = [
  {
    words: 'quota list',
    help: 'List quotas that differ from the default, or what a project uses of its quota',
    example: 'quota list --network --detail --project shop',
    options: [
      { flag: '--network', help: 'Of the networking API', group: 'api' },
      { flag: '--compute', help: 'Of the compute API', group: 'api' },
      { flag: '--project', metavar: '<project>', help: 'Of this project (name or ID)' },
      { flag: '--detail', help: 'What is in use, reserved and allowed' },
    ],
    action: { do: 'call', output: 'list', run: listQuotas },
  },
  {
    words: 'quota show',
    help: 'Show the quota of a project',
    example: 'quota show shop',
    arguments: [{ name: 'project/class', help: 'Project (name or ID), or class', optional: true }],
    options: [
      { flag: '--class', help: 'Of this class', group: 'of' },
      { flag: '--default', help: 'The default quota', group: 'of' },
    ],
    action: { do: 'call', output: 'show', run: showQuota },
  },
  {
    words: 'quota set',
    help: 'Change the quota of a project; -1 is no limit',
    example: 'quota set --floating-ips 10 shop',
    arguments: [{ name: 'project/class', help: 'Project (name or ID), or class' }],
    options: [
      ...LIMITS,
      { flag: '--class', help: 'Of this class' },
      { flag: '--force', help: 'Even below what is in use' },
      { flag: '--check-limit', help: 'Not below what is in use' },
    ],
    action: { do: 'call', output: 'none', run: setQuota },
  },
];
