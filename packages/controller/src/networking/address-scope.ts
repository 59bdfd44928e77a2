import { addressScope } from '@portward/model/address-scope.ts';
import { insertObject, updateRow } from './collection.ts';
import { addressScopeFixed, addressScopeInUse } from './errors.ts';
import { openToAll } from './rbac-policy-record.ts';
import type { Rules } from './rules.ts';

/** Rules of address scopes: what is shared with all stays so. */
export const addressScopeRules: Rules<typeof addressScope> = {
  definition: addressScope,

  load: async (_db, rows) => rows.map((row) => ({ ...row, shared: false })),

  async create(tx, values) {
    const id = await insertObject(tx, addressScope, values);
    if (values.shared === true)
      await openToAll(tx, addressScope, { id, project_id: values.project_id }, 'access_as_shared');
    return id;
  },

  async update(tx, current, values) {
    if (values.shared === false && current.shared) {
      throw addressScopeFixed(current.id, "Shared address scope can't be unshared");
    }
    if (values.shared === true) await openToAll(tx, addressScope, current, 'access_as_shared');
    await updateRow(tx, addressScope, current.id, values);
  },

  async remove(tx, current) {
    const pool = await tx.db
      .selectFrom('subnetpools')
      .select('id')
      .where('address_scope_id', '=', current.id)
      .limit(1)
      .executeTakeFirst();
    if (pool !== undefined) throw addressScopeInUse(current.id);
    await tx.db.deleteFrom('address_scopes').where('id', '=', current.id).execute();
  },
};
