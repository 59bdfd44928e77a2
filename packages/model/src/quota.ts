import { attribute, boolean, integer, readOnly, text } from './attribute.ts';
import { defineResource, type Resource } from './resource.ts';
import { NETWORKING_RESOURCES } from './resources.ts';

/** No limit. */
export const UNLIMITED = -1;

/** Greatest limit: the greatest 32-bit integer, as with Neutron. */
export const GREATEST_LIMIT = 2_147_483_647;

/** The resources that projects have quotas of; the name of a quota is that of its resource. */
export const LIMITED_RESOURCES: readonly Resource[] = (NETWORKING_RESOURCES as readonly Resource[]).filter(
  ({ quota }) => quota !== undefined,
);

const limitOf = (resource: Resource) =>
  attribute(integer(UNLIMITED, GREATEST_LIMIT), {
    storage: 'computed',
    post: 'denied',
    doc: `How many of \`${resource.collection}\` the project may have; -1: any number`,
  });

/** The limits of one project. Its id is the project's; it is there whether or not anything was set for the project. */
export const quota = defineResource({
  name: 'quota',
  collection: 'quotas',
  doc: 'How many of each thing one project may have; there for every project, whether or not it was set.',
  notFound: { type: 'TenantQuotaNotFound', message: (project) => `Quota for tenant ${project} could not be found.` },
  attributes: {
    ...Object.fromEntries(LIMITED_RESOURCES.map((resource) => [resource.name, limitOf(resource)])),
    project_id: readOnly(text(255), { storage: 'computed', doc: 'Project; also shown as `tenant_id`' }),
    check_limit: attribute(boolean(), {
      storage: 'computed',
      post: 'denied',
      writeOnly: true,
      doc: 'Whether a limit below what is in use is refused',
    }),
    force: attribute(boolean(), {
      storage: 'computed',
      post: 'denied',
      writeOnly: true,
      doc: 'Takes the limits whatever is in use, `check_limit` or not',
    }),
  },
});
