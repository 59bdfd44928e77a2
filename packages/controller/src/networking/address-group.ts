import { type AddressGroup, addressGroup } from '@portward/model/address-group.ts';
import { badRequest } from '@portward/model/api-error.ts';
import { pythonText } from '@portward/model/attribute.ts';
import { formatCidr, parseCidr } from '@portward/model/ip-address.ts';
import type { Transaction } from '../store/store.ts';
import { insertObject, updateObject } from './collection.ts';
import { addressesExist, addressesNotFound, addressGroupInUse } from './errors.ts';
import type { Rules } from './rules.ts';

/** Rules of address groups. Addresses come and go by actions of their own. */
export const addressGroupRules: Rules<typeof addressGroup> = {
  definition: addressGroup,

  load: async (_db, rows) => rows.map((row) => ({ ...row, shared: false })),

  async create(tx, values) {
    const id = await insertObject(tx, addressGroup, { ...values, addresses: ordered(values.addresses ?? []) });
    tx.changed('address_group', id);
    return id;
  },

  async update(tx, current, values) {
    await updateObject(tx, addressGroup, current.id, values);
    tx.changed('address_group', current.id);
  },

  async remove(tx, current) {
    const rule = await tx.db
      .selectFrom('security_group_rules')
      .select('id')
      .where('remote_address_group_id', '=', current.id)
      .limit(1)
      .executeTakeFirst();
    if (rule !== undefined) throw addressGroupInUse(current.id);
    await tx.db.deleteFrom('address_groups').where('id', '=', current.id).execute();
    tx.deleted('address_group', current.id);
  },

  actions: {
    async add_addresses(tx, current, body) {
      const wanted = requestedAddresses(body);
      const present = new Set(current.addresses);
      const twice = wanted.filter((address) => present.has(address));
      if (twice.length > 0) throw addressesExist(pythonText(twice), current.id);
      await writeAddresses(tx, current, [...current.addresses, ...wanted]);
      return undefined;
    },
    async remove_addresses(tx, current, body) {
      const unwanted = new Set(requestedAddresses(body));
      const present = new Set(current.addresses);
      const missing = [...unwanted].filter((address) => !present.has(address));
      if (missing.length > 0) throw addressesNotFound(pythonText(missing), current.id);
      await writeAddresses(
        tx,
        current,
        current.addresses.filter((address) => !unwanted.has(address)),
      );
      return undefined;
    },
  },
};

/** In order of their text, none twice: two ways of writing one network are one. */
const ordered = (addresses: readonly string[]): string[] => [...new Set(addresses)].sort();

async function writeAddresses(tx: Transaction, { id }: AddressGroup, addresses: readonly string[]): Promise<void> {
  await updateObject(tx, addressGroup, id, { addresses: ordered(addresses) });
  tx.changed('address_group', id);
}

/** The bare `{"addresses": […]}` of the actions. Here Neutron takes an address without prefix length for a host. */
function requestedAddresses(body: Record<string, unknown>): string[] {
  const { addresses, ...unknown } = body;
  const names = Object.keys(unknown).sort();
  if (names.length > 0) throw badRequest(`Unrecognized attribute(s) '${names.join(', ')}'`);
  const wrong = (reason: string) => badRequest(`Invalid input for addresses. Reason: ${reason}.`);
  if (!Array.isArray(addresses)) throw wrong(`'${pythonText(addresses)}' is not a list`);
  return ordered(
    addresses.map((address) => {
      const parsed = typeof address === 'string' ? parseCidr(address) : undefined;
      if (parsed === undefined) throw wrong(`'${pythonText(address)}' is not a valid IP subnet`);
      return formatCidr(parsed);
    }),
  );
}
