import { ApiError } from '@portward/model/api-error.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { badCompute } from './errors.ts';

/** Minor versions of 2.x that are spoken. */
export const OLDEST_MINOR = 1;
export const NEWEST_MINOR = 90;

const HEADER = 'openstack-api-version';
const OLD_HEADER = 'x-openstack-nova-api-version';

/** The text of the version that the request asks for; undefined: the oldest. The newer header counts first. */
function asked(request: FastifyRequest): string | undefined {
  const { [HEADER]: header, [OLD_HEADER]: old } = request.headers;
  // The header may name versions for several services: `compute 2.26, volume 3.1`.
  const entries = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',');
  for (const entry of entries) {
    const [service, version] = entry.trim().split(/\s+/);
    if (service === 'compute') return version ?? '';
  }
  return Array.isArray(old) ? old[0] : old;
}

/** Minor version that the request is answered in. Throws 400 of what is no version, 406 of one that is not spoken. */
export function minorVersion(request: FastifyRequest): number {
  const text = asked(request)?.trim();
  if (text === undefined) return OLDEST_MINOR;
  if (text === 'latest') return NEWEST_MINOR;
  const match = /^([1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/.exec(text);
  if (match === null) throw badCompute('API Version String is of invalid format. Must be of format MajorNum.MinorNum.');
  const [major, minor] = [Number(match[1]), Number(match[2])];
  if (major !== 2 || minor < OLDEST_MINOR || minor > NEWEST_MINOR) {
    throw new ApiError(
      406,
      'VersionNotFoundForAPIMethod',
      `Version ${text} is not supported by the API. Minimum is 2.${OLDEST_MINOR} and maximum is 2.${NEWEST_MINOR}.`,
    );
  }
  return minor;
}

/** Names in every answer the version that it is in, and refuses versions that are not spoken. */
export function answerVersions(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', async (request, reply) => {
    reply.header('vary', `OpenStack-API-Version, X-OpenStack-Nova-API-Version`);
    const minor = minorVersion(request);
    reply.header('openstack-api-version', `compute 2.${minor}`).header('x-openstack-nova-api-version', `2.${minor}`);
  });
}
