import type { FastifyPluginAsync } from 'fastify';
import { notFound } from './errors.ts';

/** Parts of the API that older clients look for by name before they use them. */
const EXTENSIONS = Object.entries({
  'os-aggregates': 'Aggregates',
  'os-attach-interfaces': 'AttachInterfaces',
  'os-availability-zone': 'AvailabilityZone',
  'os-console-output': 'ConsoleOutput',
  'os-extended-server-attributes': 'ExtendedServerAttributes',
  'os-extended-status': 'ExtendedStatus',
  'os-hypervisors': 'Hypervisors',
  'os-instance-actions': 'InstanceActions',
  'os-keypairs': 'Keypairs',
  'os-lock-server': 'LockServer',
  'os-quota-sets': 'Quotas',
  'os-security-groups': 'SecurityGroups',
  'os-services': 'Services',
  'os-simple-tenant-usage': 'SimpleTenantUsage',
}).map(([alias, name]) => ({
  alias,
  name,
  namespace: '',
  description: '',
  updated: '2014-12-03T00:00:00Z',
  links: [],
}));

/** `GET /v2.1/extensions`. */
export const extensionRoutes: FastifyPluginAsync = async (fastify) => {
  fastify.get('/extensions', async () => {
    return { extensions: EXTENSIONS };
  });
  fastify.get<{ Params: { alias: string } }>('/extensions/:alias', async (request) => {
    const extension = EXTENSIONS.find(({ alias }) => alias === request.params.alias);
    if (extension === undefined) throw notFound('The resource could not be found.');
    return { extension };
  });
};
