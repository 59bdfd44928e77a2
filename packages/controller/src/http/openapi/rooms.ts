import { type JsonSchema, objectOf, TEXT } from '@portward/model/json-schema.ts';

/** One of the APIs that share the server: how its errors look, and how its paths are grouped. */
export interface Room {
  readonly prefix: string;
  readonly title: string;
  readonly errorName: string;
  readonly error: JsonSchema;
  tagOf(path: string): string;
}

const code: JsonSchema = { type: 'integer' };
const first = (path: string, place: number): string | undefined => path.split('/')[place];

/** A room whose paths are one group. */
const whole = (prefix: string, title: string, errorName: string, error: JsonSchema): Room => ({
  prefix,
  title,
  errorName,
  error,
  tagOf: () => title,
});

const NETWORKING_ERROR: readonly [string, JsonSchema] = [
  'NetworkingError',
  objectOf({ NeutronError: objectOf({ type: TEXT, message: TEXT, detail: TEXT }) }),
];

/** What is not in a room: the server’s own paths, with Networking’s errors. */
const SERVER = whole('', 'Server', ...NETWORKING_ERROR);

/** In the order in which documents show them. */
export const ROOMS: readonly Room[] = [
  {
    ...whole('/networking', 'Networking', ...NETWORKING_ERROR),
    tagOf: (path) => first(path, 3)?.replaceAll('_', '-') ?? 'versions',
  },
  whole('/portward/v1', 'Portward', ...NETWORKING_ERROR),
  whole('/identity', 'Identity', 'IdentityError', objectOf({ error: objectOf({ code, message: TEXT, title: TEXT }) })),
  whole('/compute', 'Compute', 'ComputeError', {
    type: 'object',
    description: 'One key, named after the status: `itemNotFound`, `badRequest`, …',
    additionalProperties: objectOf({ code, message: TEXT }),
  }),
  whole('/image', 'Image', 'ImageError', objectOf({ message: TEXT, code, title: TEXT })),
  SERVER,
];

/** The room that a path is in. */
export const roomOf = (path: string): Room =>
  ROOMS.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`)) ?? SERVER;
