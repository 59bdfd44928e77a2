import { addressGroup } from './address-group.ts';
import { addressScope } from './address-scope.ts';
import { attribute, convertedBy, pythonText, text, uuid } from './attribute.ts';
import { network } from './network.ts';
import { defineResource, identified, type ObjectOf, type Resource } from './resource.ts';
import { securityGroup } from './security-group.ts';
import { subnetPool } from './subnet-pool.ts';

/** Target of a policy that opens an object to every project. */
export const EVERY_PROJECT = '*';

/** What a policy can be about, by `object_type`. */
export const SHAREABLE: ReadonlyMap<string, Resource> = new Map(
  [network, securityGroup, addressGroup, subnetPool, addressScope].map((definition) => [
    definition.name,
    definition as unknown as Resource,
  ]),
);

const objectType = convertedBy<string>({ type: 'string', enum: [...SHAREABLE.keys()] }, (value) => {
  const normalized = typeof value === 'string' ? value.trim().toLowerCase() : '';
  return SHAREABLE.has(normalized)
    ? { value: normalized }
    : { reason: `'${pythonText(value)}' is not a valid RBAC object type` };
});

const targetProject = convertedBy<string>({ type: 'string', maxLength: 255, pattern: '\\S' }, (value) =>
  typeof value === 'string' && value.trim() !== '' && value.length <= 255
    ? { value }
    : { reason: `'${pythonText(value)}' is not a valid target project ID; expected a UUID or '*'` },
);

/** Opens one object to one other project, or to all. */
export const rbacPolicy = defineResource({
  name: 'rbac_policy',
  collection: 'rbac-policies',
  doc: 'Opens one object to one other project, or to all.',
  bulk: true,
  quota: 10,
  notFound: {
    type: 'RbacPolicyNotFound',
    message: (id) => `RBAC policy of type unknown with ID ${id} not found`,
  },
  attributes: {
    id: identified.id,
    project_id: identified.project_id,
    object_type: attribute(objectType, {
      post: 'required',
      put: false,
      doc: '`network`, `security_group`, `address_group`, `subnetpool` or `address_scope`',
    }),
    object_id: attribute(uuid(), { post: 'required', put: false, doc: 'Id of the object' }),
    action: attribute(text(255), {
      post: 'required',
      put: false,
      doc: '`access_as_shared`; for networks also `access_as_external`',
    }),
    target_tenant: attribute(targetProject, {
      post: 'required',
      doc: 'Project that it is opened to; `*`: all, which only admins may say',
    }),
  },
});

export type RbacPolicy = ObjectOf<typeof rbacPolicy>;
