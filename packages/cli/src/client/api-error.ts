import type { Json } from './cell.ts';
import { isObject } from './cell.ts';
import { ClientError, EXIT } from './errors.ts';

/** The APIs a session speaks, by the type their catalog entry has. */
/** An API of the cloud; `portward`: what OpenStack has no place for, see the controller's `/portward/v1`. */
export type Service = 'network' | 'compute' | 'identity' | 'image' | 'portward';

/** What an error answer carried, and of which request. */
export interface ApiFailure {
  readonly service: Service;
  readonly status: number;
  readonly url: string;
  readonly body: Json;
  readonly requestId: string | undefined;
}

const SDK_NAMES: Record<number, string> = {
  400: 'BadRequestException',
  404: 'ResourceNotFound',
  409: 'ConflictException',
  412: 'PreconditionFailedException',
};

/**
 * An API refused a request. `reason` is the API's own message and `type` its error class (`OverQuota`,
 * `PortForwardingNotFound`, …; empty when it names none); `message` is the whole line as the openstack client words it.
 */
export class ApiError extends ClientError {
  readonly service: Service;
  readonly status: number;
  readonly type: string;
  readonly reason: string;
  readonly url: string;
  readonly requestId: string | undefined;

  constructor(failure: ApiFailure) {
    const reason = errorMessage(failure.body) ?? defaultReason(failure.status);
    super(failureLine(failure, reason), failure.status === 401 ? EXIT.unreachable : EXIT.refused);
    this.name = 'ApiError';
    this.service = failure.service;
    this.status = failure.status;
    this.type = errorType(failure.body);
    this.reason = reason;
    this.url = failure.url;
    this.requestId = failure.requestId;
  }
}

/** The line that some commands of the openstack client make of a refusal by the networking API. */
export function executionLine({ status, reason }: ApiError): string {
  return `Error while executing command: ${SDK_NAMES[status] ?? 'HttpException'}: ${status}, ${reason}`;
}

/** A refusal in the words of the library that the openstack client uses for networks, images and some of compute. */
export function libraryLine({ status, url, reason }: Pick<ApiError, 'status' | 'url' | 'reason'>): string {
  const source = status >= 400 && status < 500 ? 'Client' : 'Server';
  return `${SDK_NAMES[status] ?? 'HttpException'}: ${status}: ${source} Error for url: ${url}, ${reason}`;
}

/** Network and image errors are worded by one client library, identity and compute errors by others. */
function failureLine({ service, status, url, requestId }: ApiFailure, reason: string): string {
  if (status !== 401 && (service === 'network' || service === 'image')) return libraryLine({ status, url, reason });
  const request = requestId === undefined ? '' : ` (Request-ID: ${requestId})`;
  return `${reason} (HTTP ${status})${request}`;
}

/** The messages in an error body: `{"NeutronError": {"message": …}}`, `{"error": {…}}`, `{"itemNotFound": {…}}`. */
function errorMessage(body: Json): string | undefined {
  if (typeof body === 'string') return body.trim() === '' ? undefined : body.trim();
  if (!isObject(body)) return undefined;
  const inner = Object.values(body).flatMap((part) => (isObject(part) ? messageOf(part) : []));
  const found = inner.length > 0 ? inner : messageOf(body);
  return found.length === 0 ? undefined : found.join('\n');
}

function messageOf(part: { [key: string]: Json }): string[] {
  const message = part.message ?? part.faultstring;
  return typeof message === 'string' && message !== '' ? [message] : [];
}

function errorType(body: Json): string {
  if (!isObject(body)) return '';
  for (const part of Object.values(body)) {
    if (!isObject(part)) continue;
    const type = part.type ?? part.title;
    if (typeof type === 'string') return type;
  }
  return Object.keys(body)[0] ?? '';
}

function defaultReason(status: number): string {
  if (status === 401) return 'The request you have made requires authentication.';
  if (status === 404) return 'Not Found';
  return status >= 500 ? 'the service failed without saying why' : 'the request was refused without a reason';
}
