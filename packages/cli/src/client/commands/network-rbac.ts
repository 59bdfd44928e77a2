import type { Json, JsonObject } from '../cell.ts';
import type { Call, Column, Command, Option, Resource } from '../command.ts';
import { UsageError } from '../errors.ts';
import {
  addressGroup,
  addressScope,
  network,
  qosPolicy,
  rbacPolicy,
  securityGroup,
  subnetPool,
} from '../network-resources.ts';
import { findInDomain, project, projectOptions } from '../other-resources.ts';
import { findId } from '../resolve.ts';

const POLICY = { name: 'rbac-policy', help: 'ID of the policy' };

/** What can be shared. */
const OBJECTS: Readonly<Record<string, Resource>> = {
  address_group: addressGroup,
  address_scope: addressScope,
  security_group: securityGroup,
  subnetpool: subnetPool,
  qos_policy: qosPolicy,
  network,
};

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Object Type', attr: 'object_type' },
  { title: 'Object ID', attr: 'object_id' },
];

const TYPE: Option = {
  flag: '--type',
  metavar: '<type>',
  help: `Kind of object: ${Object.keys(OBJECTS).join(', ')}`,
  choices: Object.keys(OBJECTS),
  attr: 'object_type',
};

const ACTION: Option = {
  flag: '--action',
  metavar: '<action>',
  help: 'access_as_external or access_as_shared',
  choices: ['access_as_external', 'access_as_shared'],
  attr: 'action',
};

const TARGET: Option = {
  flag: '--target-project',
  metavar: '<project>',
  help: 'Project that may use it (name or ID)',
  attr: 'target_tenant',
  convert: (text: string, call: Call): Promise<Json> => findInDomain(call, project, text, '--target-project-domain'),
};

const TARGET_DOMAIN: Option = {
  flag: '--target-project-domain',
  metavar: '<domain>',
  help: 'Domain of that project (name or ID)',
};

/** The object by its name, looked up among those of its kind. */
async function namedObject(attrs: JsonObject, { values, session }: Call): Promise<void> {
  if (attrs.target_tenant === undefined) {
    throw new UsageError('one of the arguments --target-project --target-all-projects is required');
  }
  const resource = OBJECTS[values.text('--type') ?? ''] ?? network;
  attrs.object_id = await findId(session, resource, values.text('rbac-object') ?? '');
}

/** `network rbac …` */
export const commands: readonly Command[] = [
  {
    words: 'network rbac create',
    help: 'Share an object with another project, or with all',
    example: 'network rbac create --type network --action access_as_shared --target-project demo private',
    arguments: [{ name: 'rbac-object', help: 'What is shared (name or ID)' }],
    options: [
      { ...TYPE, required: true },
      { ...ACTION, required: true },
      { ...TARGET, group: 'target' },
      {
        flag: '--target-all-projects',
        help: 'All projects may use it',
        attr: 'target_tenant',
        value: '*',
        group: 'target',
      },
      TARGET_DOMAIN,
      ...projectOptions('Whose the policy is (name or ID)'),
    ],
    action: { do: 'create', resource: rbacPolicy, finish: namedObject },
  },
  {
    words: 'network rbac list',
    help: 'List who may use objects of other projects',
    example: 'network rbac list --type network',
    options: [TYPE, ACTION, { flag: '--long', help: 'More columns' }],
    action: { do: 'list', resource: rbacPolicy, columns, long: [{ title: 'Action', attr: 'action' }] },
  },
  {
    words: 'network rbac show',
    help: 'Show an RBAC policy',
    example: 'network rbac show 1d8ae7ac-e8d8-4b36-aa20-ab1bbd1f07a1',
    arguments: [POLICY],
    action: { do: 'show', resource: rbacPolicy },
  },
  {
    words: 'network rbac set',
    help: 'Give the use of an object to another project instead',
    example: 'network rbac set --target-project demo 1d8ae7ac-e8d8-4b36-aa20-ab1bbd1f07a1',
    arguments: [POLICY],
    options: [TARGET, TARGET_DOMAIN],
    action: { do: 'set', resource: rbacPolicy },
  },
  {
    words: 'network rbac delete',
    help: 'Delete RBAC policies',
    example: 'network rbac delete 1d8ae7ac-e8d8-4b36-aa20-ab1bbd1f07a1',
    arguments: [{ ...POLICY, many: true }],
    action: { do: 'delete', resource: rbacPolicy },
  },
];
