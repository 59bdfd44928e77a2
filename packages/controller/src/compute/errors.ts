import { ApiError } from '@portward/model/api-error.ts';

/** The refusals of the Compute API: Nova's statuses and texts. The envelope's key follows from the status. */

/** 400 of a request that makes no sense. */
export const badCompute = (message: string): ApiError => new ApiError(400, 'badRequest', message);

/** What Networking refused for want of room in a quota of its own is a 403 here; anything else stands as it is. */
export const asServerRefusal = (error: unknown): unknown =>
  error instanceof ApiError && error.type === 'OverQuota'
    ? new ApiError(
        403,
        'forbidden',
        error.message.includes("'port'") ? 'Maximum number of ports exceeded' : error.message,
      )
    : error;

/** 403 of an action, named as Nova's policies name it, without their prefix: `servers:create`. */
export const policyForbids = (action: string): ApiError =>
  new ApiError(403, 'forbidden', `Policy doesn't allow os_compute_api:${action} to be performed.`);

export const notFound = (message: string): ApiError => new ApiError(404, 'itemNotFound', message);
export const serverNotFound = (id: string): ApiError => notFound(`Instance ${id} could not be found.`);
export const flavorNotFound = (id: string): ApiError => notFound(`Flavor ${id} could not be found.`);

/** 409 of a state in which the request cannot be done. */
export const conflicting = (message: string): ApiError => new ApiError(409, 'conflictingRequest', message);
