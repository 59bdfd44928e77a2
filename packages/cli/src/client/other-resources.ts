import type { Call, Option, Resource } from './command.ts';
import { findId } from './resolve.ts';

/** Domains of the Identity service. */
export const domain: Resource = {
  service: 'identity',
  label: 'domain',
  plainName: 'domain',
  ofToken: 'domain',
  collection: '/domains',
  one: 'domain',
  many: 'domains',
};

/** Projects. */
export const project: Resource = {
  service: 'identity',
  label: 'project',
  plainName: 'project',
  ofToken: 'project',
  collection: '/projects',
  one: 'project',
  many: 'projects',
};

/** Users. */
export const user: Resource = {
  service: 'identity',
  label: 'user',
  plainName: 'user',
  ofToken: 'user',
  collection: '/users',
  one: 'user',
  many: 'users',
};

/** Groups of users. */
export const group: Resource = {
  service: 'identity',
  label: 'group',
  plainName: 'group',
  collection: '/groups',
  one: 'group',
  many: 'groups',
};

/** Roles. */
export const role: Resource = {
  service: 'identity',
  label: 'role',
  plainName: 'role',
  collection: '/roles',
  one: 'role',
  many: 'roles',
};

/** Who has which role where. */
export const roleAssignment: Resource = {
  service: 'identity',
  label: 'role assignment',
  plainName: 'role assignment',
  collection: '/role_assignments',
  one: 'role_assignment',
  many: 'role_assignments',
};

/** Services of the catalog, named by type as well. */
export const service: Resource = {
  service: 'identity',
  label: 'service',
  plainName: 'service',
  collection: '/services',
  one: 'service',
  many: 'services',
};

/** Endpoints of services; they have no name. */
export const endpoint: Resource = {
  service: 'identity',
  label: 'endpoint',
  plainName: 'endpoint',
  namedBy: 'ID',
  collection: '/endpoints',
  one: 'endpoint',
  many: 'endpoints',
  idsOnly: true,
};

/** Public keys for servers, named within their user. */
export const keypair: Resource = {
  service: 'compute',
  label: 'Keypair',
  plainName: 'key',
  namedBy: 'name',
  // From here on keys have a type.
  microversion: '2.2',
  collection: '/os-keypairs',
  one: 'keypair',
  many: 'keypairs',
};

/** Servers (virtual machines). */
export const server: Resource = {
  service: 'compute',
  label: 'server',
  plainName: 'server',
  collection: '/servers',
  searchPath: '/servers/detail',
  one: 'server',
  many: 'servers',
};

/** Flavors: sizes of servers. The API has no filter by name, so all are read. */
export const flavor: Resource = {
  service: 'compute',
  label: 'flavor',
  plainName: 'flavor',
  collection: '/flavors',
  searchPath: '/flavors/detail',
  searchQuery: { is_public: 'None' },
  one: 'flavor',
  many: 'flavors',
};

/** Images. Their answers have no envelope. */
export const image: Resource = {
  service: 'image',
  label: 'Image',
  plainName: 'image',
  collection: '/v2/images',
  one: 'image',
  many: 'images',
};

/**
 * The id of a resource of the Identity service within the domain that another option names.
 *
 * @throws ClientError when there is none.
 */
export async function findInDomain(
  call: Call,
  resource: Resource,
  text: string,
  domainOption: string,
): Promise<string> {
  const named = call.values.text(domainOption);
  if (named === undefined) return await findId(call.session, resource, text);
  return await findId(call.session, resource, text, { domain_id: await findId(call.session, domain, named) });
}

/** `--project` and `--project-domain`: whose the object is, or whose objects are listed. */
export function projectOptions(help: string): readonly Option[] {
  return [
    {
      flag: '--project',
      metavar: '<project>',
      help,
      attr: 'project_id',
      convert: (text, call) => findInDomain(call, project, text, '--project-domain'),
    },
    { flag: '--project-domain', metavar: '<domain>', help: 'Domain of that project (name or ID)' },
  ];
}

/** `--immutable`: what may not be changed or deleted until it is mutable again. */
export const IMMUTABLE: readonly Option[] = [
  {
    flag: '--immutable',
    help: 'May not be deleted or changed',
    attr: 'options',
    value: { immutable: true },
    group: 'immutable',
  },
  {
    flag: '--no-immutable',
    help: 'May be deleted and changed',
    attr: 'options',
    value: { immutable: false },
    group: 'immutable',
  },
];

/** `--or-show`: what is there already is shown rather than refused. */
export const OR_SHOW: Option = { flag: '--or-show', help: 'Show the one of that name if there is one' };
