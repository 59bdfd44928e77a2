/**
 * An error that the API answers as it stands: HTTP status, type and message in the shape of the service that speaks.
 * Networking prints `{"NeutronError": {type, message, detail}}`, Identity and Compute their own envelopes.
 */
export class ApiError extends Error {
  readonly status: number;
  /** Exception class name as Neutron prints it, e.g. `PortNotFound`. */
  readonly type: string;

  constructor(status: number, type: string, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.type = type;
  }
}

/** 400 of attribute-level validation. */
export const badRequest = (message: string): ApiError => new ApiError(400, 'HTTPBadRequest', message);

/** 400 of a value that could not be converted. */
export const invalidInput = (reason: string): ApiError =>
  new ApiError(400, 'InvalidInput', `Invalid input for operation: ${reason}.`);
