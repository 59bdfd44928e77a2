import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { queryText } from '../identity/request-body.ts';
import type { Reader } from '../store/store.ts';
import { notFound } from './errors.ts';
import { minorVersion } from './microversion.ts';
import type { ServerPort } from './networking-port.ts';
import type { ComputeRoom } from './room.ts';

/** Last minor version that has security groups of its own. */
const LAST_MINOR = 35;

/** A security group in Nova's old form, which cannot hold Networking's rules. */
export const groupDocument = ({ id, name, description, project_id }: ServerPort['security_groups'][number]) => ({
  id,
  name,
  description,
  tenant_id: project_id,
  rules: [],
});

/**
 * `/v2.1/os-security-groups`, to be read only: `openstack server add security group` looks the group up here, not in
 * Networking.
 */
export const securityGroupRoutes =
  ({ store }: ComputeRoom): FastifyPluginAsync =>
  async (fastify) => {
    const groups = (request: FastifyRequest) => {
      const { projectId } = request.caller;
      if (minorVersion(request) > LAST_MINOR) throw notFound('The resource could not be found.');
      return store.read(async (db) => (await groupsOf(db, projectId)).map(groupDocument));
    };

    fastify.get('/os-security-groups', async (request) => {
      const name = queryText(request.query, 'name');
      const found = await groups(request);
      return { security_groups: found.filter((group) => name === undefined || group.name === name) };
    });

    fastify.get<{ Params: { id: string } }>('/os-security-groups/:id', async (request) => {
      const group = (await groups(request)).find(({ id }) => id === request.params.id);
      if (group === undefined) throw notFound(`Security group ${request.params.id} not found.`);
      return { security_group: group };
    });
  };

async function groupsOf(db: Reader, projectId: string): Promise<ServerPort['security_groups']> {
  const rows = await db
    .selectFrom('security_groups')
    .select(['id', 'name', 'description', 'project_id'])
    .where('project_id', '=', projectId)
    .orderBy('name')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({ ...row, description: row.description ?? '' }));
}
