import { ApiError } from '../api-error.ts';
import type { JsonObject } from '../cell.ts';
import { isObject, pythonText } from '../cell.ts';
import type { Call, Column, Command } from '../command.ts';
import { ClientError } from '../errors.ts';
import { listOutput } from '../execute.ts';
import { availabilityZone } from '../network-resources.ts';
import { listAll, versionOf } from '../resolve.ts';

const columns: readonly Column[] = [
  { title: 'Zone Name', attr: 'name' },
  { title: 'Zone Status', attr: 'status' },
];

const long: readonly Column[] = [
  ...columns,
  { title: 'Zone Resource', attr: 'resource' },
  { title: 'Host Name', attr: 'host' },
  { title: 'Service Name', attr: 'service' },
  { title: 'Service Status', attr: 'service_status' },
];

/** Zones of the compute API; who may not see their hosts sees the zones. */
async function computeZones({ session, values }: Call): Promise<JsonObject[]> {
  const read = async (path: string): Promise<JsonObject[]> => {
    const { body } = await session.request('compute', 'GET', path, versionOf(session, { service: 'compute' }));
    const zones = isObject(body) ? body.availabilityZoneInfo : null;
    return Array.isArray(zones) ? zones.filter(isObject) : [];
  };
  let zones: JsonObject[];
  try {
    zones = await read('/os-availability-zone/detail');
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    zones = await read('/os-availability-zone');
  }
  return zones.flatMap((zone) => {
    const state = zone.zoneState ?? null;
    const available = isObject(state) && state.available === true;
    const row = { name: zone.zoneName ?? '', status: available ? 'available' : 'not available', resource: '' };
    const hosts = zone.hosts ?? null;
    if (!values.has('--long') || !isObject(hosts) || Object.keys(hosts).length === 0) return [row];
    return Object.entries(hosts).flatMap(([host, services]) =>
      Object.entries(isObject(services) ? services : {}).map(([service, status]) => ({
        ...row,
        host,
        service,
        service_status: isObject(status) ? serviceStatus(status) : '',
      })),
    );
  });
}

function serviceStatus({ active, available, updated_at: updated = null }: JsonObject): string {
  return `${active === true ? 'enabled' : 'disabled'} ${available === true ? ':-)' : 'XXX'} ${pythonText(updated)}`;
}

async function networkZones({ session, values, remark }: Call): Promise<JsonObject[]> {
  try {
    const zones = await listAll(session, availabilityZone, {});
    return zones.map(({ name = '', state = '', resource = '' }) => ({
      name,
      status: state === 'unavailable' ? 'not available' : state,
      resource,
    }));
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    if (values.has('--network')) remark('Availability zones list not supported by Network API');
    return [];
  }
}

async function listZones(call: Call): Promise<ReturnType<typeof listOutput>> {
  const { values, remark } = call;
  const all = !['--compute', '--network', '--volume'].some((flag) => values.has(flag));
  const rows: JsonObject[] = [];
  if (all || values.has('--compute')) rows.push(...(await computeZones(call)));
  if (values.has('--volume')) remark('Availability zones list not supported by Block Storage API');
  if (all || values.has('--network')) rows.push(...(await networkZones(call)));
  return listOutput(values.has('--long') ? long : columns, rows, '');
}

/** `availability zone …` */
export const commands: readonly Command[] = [
  {
    words: 'availability zone list',
    help: 'List availability zones',
    example: 'availability zone list --network',
    options: [
      { flag: '--compute', help: 'Of the compute API' },
      { flag: '--network', help: 'Of the networking API' },
      { flag: '--volume', help: 'Of the block storage API' },
      { flag: '--long', help: 'More columns' },
    ],
    action: { do: 'call', output: 'list', run: listZones },
  },
];
