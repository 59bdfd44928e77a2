import type { FastifyRequest } from 'fastify';
import { forbiddenAction } from './errors.ts';
import type { Identity, TokenCaller } from './identity.ts';
import { projectsOfUser } from './projects.ts';
import { requireCaller } from './session.ts';

/** As `requireCaller`; throws 403 unless it is an admin or has a role on the project. */
export async function requireProjectReader(
  identity: Identity,
  request: FastifyRequest,
  projectId: string,
  action: string,
): Promise<TokenCaller> {
  const caller = requireCaller(identity, request);
  if (caller.isAdmin || caller.projectId === projectId) return caller;
  const own = await identity.store.read((db) => projectsOfUser(db, caller.userId));
  if (!own.some((project) => project.id === projectId)) throw forbiddenAction(action);
  return caller;
}
