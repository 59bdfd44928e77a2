import { ApiError } from '@portward/model/api-error.ts';

/** The refusals of the Identity API: Keystone's statuses and texts, so that clients that look at them find what they know. */

/** 401 of everything that has to do with who asks: one text, so that it tells nothing. */
export const unauthorized = (): ApiError =>
  new ApiError(401, 'Unauthorized', 'The request you have made requires authentication.');

/** 400 of a body or a parameter that makes no sense. */
export const malformed = (message: string): ApiError => new ApiError(400, 'ValidationError', message);

/** 400 of a body that lacks a name's domain or the like. */
export const expecting = (attribute: string, target: string): ApiError =>
  clientError(`Expecting to find ${attribute} in ${target}.`);

/** 400 of a sentence, followed by whom Keystone blames. */
export const clientError = (sentence: string): ApiError =>
  malformed(
    `${sentence} The server could not comply with the request since it is either malformed or otherwise incorrect. ` +
      'The client is assumed to be in error.',
  );

/** 403 of an action, named as Keystone's policies name it: `identity:list_users`. */
export const forbiddenAction = (action: string): ApiError =>
  new ApiError(403, 'ForbiddenAction', `You are not authorized to perform the requested action: ${action}.`);

/** 403 of what nobody may do, in a sentence of its own. */
export const forbidden = (message: string): ApiError => new ApiError(403, 'Forbidden', message);

/** 404 of a thing by its id or name. */
export const couldNotFind = (what: string, id: string): ApiError =>
  new ApiError(404, 'NotFound', `Could not find ${what}: ${id}.`);

/** 404 of an implication that is none. */
export const impliesNot = (priorId: string, impliedId: string): ApiError =>
  new ApiError(404, 'NotFound', `${priorId} does not imply ${impliedId}.`);

/** 404 of a token. The token itself is a secret, and stays unsaid. */
export const tokenNotFound = (message = 'Could not find token.'): ApiError =>
  new ApiError(404, 'TokenNotFound', message);

/** 409 of a name that is taken. */
export const conflict = (what: string, detail: string): ApiError =>
  new ApiError(409, 'Conflict', `Conflict occurred attempting to store ${what} - ${detail}.`);
