import type { CellFormat, Json, JsonObject } from '../cell.ts';
import { dictCell, dictListCell, isObject, listCell, listsByNameCell, pythonText, Shaped } from '../cell.ts';
import type { Call, Field } from '../command.ts';
import { ClientError } from '../errors.ts';
import { showOutput } from '../execute.ts';
import type { ShowOutput } from '../format.ts';
import { flavor, image } from '../other-resources.ts';
import { find, idOf } from '../resolve.ts';

/** What stands for the image of a server that has none. */
export const BOOTED_FROM_VOLUME = 'N/A (booted from volume)';

const POWER_STATES = ['NOSTATE', 'Running', '', 'Paused', 'Shutdown', '', 'Crashed', 'Suspended'];

/** The power state's name; the API gives its number. */
export const powerStateCell: CellFormat = (value) =>
  new Shaped((typeof value === 'number' ? POWER_STATES[value] : undefined) ?? 'N/A', value);

/** Addresses by network, of what `addresses` says. */
export function networksOfServer(object: JsonObject): JsonObject {
  const addresses = isObject(object.addresses) ? object.addresses : {};
  return Object.fromEntries(
    Object.entries(addresses).map(([name, list]) => [
      name,
      Array.isArray(list) ? list.filter(isObject).map((item) => item.addr ?? null) : [],
    ]),
  );
}

/** Names shown as the openstack client shows them, in place of what the API says. */
const RENAMED: Record<string, string> = {
  metadata: 'properties',
  tenant_id: 'project_id',
  'os-extended-volumes:volumes_attached': 'volumes_attached',
};

const CELLS: Record<string, CellFormat> = {
  addresses: listsByNameCell,
  metadata: dictCell,
  'os-extended-volumes:volumes_attached': dictListCell,
  security_groups: dictListCell,
  tags: listCell,
  'OS-EXT-STS:power_state': powerStateCell,
};

/** All the fields of one server, with the names of its image and flavor. */
export async function serverDetail(object: JsonObject, call: Call): Promise<ShowOutput> {
  const shown: JsonObject = { ...object, addresses: networksOfServer(object) };
  delete shown.links;
  shown.image = await imageText(object.image ?? null, call);
  const size = object.flavor;
  const embedded = isObject(size) && size.id === undefined;
  if (!embedded) shown.flavor = await flavorText(size ?? null, call);
  const fields = Object.keys(shown).map((attr): Field => {
    const name = RENAMED[attr] ?? attr;
    const cell = attr === 'flavor' && embedded ? dictCell : CELLS[attr];
    return cell === undefined ? { name, attr } : { name, attr, cell };
  });
  return showOutput(fields, shown);
}

async function imageText(value: Json, { session }: Call): Promise<Json> {
  if (!isObject(value)) return BOOTED_FROM_VOLUME;
  return await named(idOf(value), async (id) => await find(session, image, id));
}

async function flavorText(value: Json, { session }: Call): Promise<Json> {
  if (!isObject(value)) return '';
  return await named(idOf(value), async (id) => await find(session, flavor, id));
}

/** `name (id)`, or the id alone of what is not there any more. */
async function named(id: string, look: (id: string) => Promise<JsonObject>): Promise<string> {
  try {
    const found = await look(id);
    return `${pythonText(found.name ?? null)} (${id})`;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return id;
  }
}
