import type { JsonObject } from '../cell.ts';
import { isObject } from '../cell.ts';
import type { Call, Column, Command, Resource } from '../command.ts';
import { listOutput } from '../execute.ts';
import type { ListOutput } from '../format.ts';
import { findInDomain, project } from '../other-resources.ts';
import { versionOf } from '../resolve.ts';

const hypervisor: Resource = {
  service: 'compute',
  label: 'hypervisor',
  plainName: 'hypervisor',
  collection: '/os-hypervisors',
  one: 'hypervisor',
  many: 'hypervisors',
  nameAttr: 'hypervisor_hostname',
};

const computeService: Resource = {
  service: 'compute',
  label: 'compute service',
  plainName: 'compute service',
  // From here on services have ids that do not change.
  microversion: '2.53',
  collection: '/os-services',
  one: 'service',
  many: 'services',
};

const hypervisorColumns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Hypervisor Hostname', attr: 'hypervisor_hostname' },
  { title: 'Hypervisor Type', attr: 'hypervisor_type' },
  { title: 'Host IP', attr: 'host_ip' },
  { title: 'State', attr: 'state' },
];

const hypervisorLong: readonly Column[] = [
  { title: 'vCPUs Used', attr: 'vcpus_used' },
  { title: 'vCPUs', attr: 'vcpus' },
  { title: 'Memory MB Used', attr: 'memory_mb_used' },
  { title: 'Memory MB', attr: 'memory_mb' },
];

const serviceColumns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Binary', attr: 'binary' },
  { title: 'Host', attr: 'host' },
  { title: 'Zone', attr: 'zone' },
  { title: 'Status', attr: 'status' },
  { title: 'State', attr: 'state' },
  { title: 'Updated At', attr: 'updated_at' },
];

async function listLimits(call: Call): Promise<ListOutput> {
  const { values, session } = call;
  const name = values.text('--project');
  const id = name === undefined ? undefined : await findInDomain(call, project, name, '--domain');
  const query = { reserved: values.has('--reserved') ? 1 : undefined, tenant_id: id };
  const { body } = await session.request('compute', 'GET', '/limits', {
    ...versionOf(session, { service: 'compute' }),
    query,
  });
  const limits = isObject(body) && isObject(body.limits ?? null) ? (body.limits as JsonObject) : {};
  if (values.has('--rate')) return listOutput(RATE_COLUMNS, rates(limits), '');
  const absolute = isObject(limits.absolute ?? null) ? (limits.absolute as JsonObject) : {};
  const rows = Object.entries(absolute).map(([limit, value]) => ({ name: limit, value }));
  return listOutput(
    [
      { title: 'Name', attr: 'name' },
      { title: 'Value', attr: 'value' },
    ],
    values.has('--absolute') ? rows : [],
  );
}

const RATE_COLUMNS: readonly Column[] = [
  { title: 'Verb', attr: 'verb' },
  { title: 'URI', attr: 'uri' },
  { title: 'Value', attr: 'value' },
  { title: 'Remain', attr: 'remaining' },
  { title: 'Unit', attr: 'unit' },
  { title: 'Next Available', attr: 'next-available' },
];

function rates({ rate }: JsonObject): JsonObject[] {
  const groups = Array.isArray(rate) ? rate.filter(isObject) : [];
  return groups.flatMap(({ uri = null, limit }) =>
    (Array.isArray(limit) ? limit.filter(isObject) : []).map((one) => ({ ...one, uri })),
  );
}

/** `hypervisor …`, `compute service …`, `limits …` */
export const commands: readonly Command[] = [
  {
    words: 'hypervisor list',
    help: 'List the hosts that servers run on',
    example: 'hypervisor list',
    options: [
      { flag: '--matching', metavar: '<hostname>', help: 'With a name like this' },
      { flag: '--marker', metavar: '<hypervisor>', help: 'Begin after this one', attr: 'marker' },
      { flag: '--limit', metavar: '<count>', integer: true, help: 'At most so many', attr: 'limit' },
      { flag: '--long', help: 'More columns' },
    ],
    action: {
      do: 'list',
      resource: hypervisor,
      columns: hypervisorColumns,
      long: hypervisorLong,
      path: ({ values }) => {
        const like = values.text('--matching');
        return like === undefined ? '/os-hypervisors/detail' : `/os-hypervisors/${encodeURIComponent(like)}/search`;
      },
    },
  },
  {
    words: 'compute service list',
    help: 'List the services of the compute API',
    example: 'compute service list',
    options: [
      { flag: '--host', metavar: '<host>', help: 'On this host', attr: 'host' },
      { flag: '--service', metavar: '<binary>', help: 'Of this kind, e.g. nova-compute', attr: 'binary' },
      { flag: '--long', help: 'More columns' },
    ],
    action: {
      do: 'list',
      resource: computeService,
      columns: serviceColumns,
      long: [
        { title: 'Disabled Reason', attr: 'disabled_reason' },
        { title: 'Forced Down', attr: 'forced_down' },
      ],
    },
  },
  {
    words: 'limits show',
    help: 'Show the limits of the compute API',
    example: 'limits show --absolute',
    options: [
      { flag: '--absolute', help: 'Absolute limits', group: 'kind' },
      { flag: '--rate', help: 'Limits of the rate of requests', group: 'kind' },
      { flag: '--reserved', help: 'With what is reserved' },
      { flag: '--project', metavar: '<project>', help: 'Of this project (name or ID)' },
      { flag: '--domain', metavar: '<domain>', help: 'Domain of that project (name or ID)' },
    ],
    action: { do: 'call', output: 'list', run: listLimits },
  },
];
