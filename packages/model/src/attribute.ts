import { z } from 'zod';
import { formatCidr, ipVersion, normalizeIp, parseCidr } from './ip-address.ts';
import {
  arrayOf,
  CIDR,
  IP_ADDRESS,
  type JsonSchema,
  objectOf,
  orNull,
  type Shape,
  sameShape,
  UUID_TEXT,
} from './json-schema.ts';

/** How the store keeps an attribute; `computed` ones have no column, the rules fill them in when they load. */
export type Storage = 'text' | 'integer' | 'boolean' | 'json' | 'computed';

/** One attribute of a resource: everything that validation, filters, the store and the documents need to know of it. */
export interface Attribute<T = unknown, S extends Storage = Storage> {
  /** Checks and converts a value from a request; its issues carry Neutron's reason texts. */
  readonly schema: z.ZodType<T>;
  readonly storage: S;
  /** What a POST may say of it. */
  readonly post: 'required' | 'optional' | 'denied';
  /** Whether a PUT may change it. */
  readonly put: boolean;
  /** Value of an optional attribute that a POST leaves out. */
  readonly default?: T;
  /** Who but an admin may neither set nor see it. */
  readonly adminOnly: { readonly set: boolean; readonly view: boolean };
  /** Never shown by the API: only the store and the feed know it. */
  readonly internal: boolean;
  /** Accepted in a POST, never shown. */
  readonly writeOnly: boolean;
  /** A number that the API shows as text. */
  readonly asText: boolean;
  readonly filter: boolean;
  readonly sort: boolean;
  /** Meaning, for the reference documents. */
  readonly doc: string;
}

/** What a definition says of an attribute; everything left out has the commonest value. */
export interface AttributeOptions<T, S extends Storage> {
  doc: string;
  storage?: S;
  post?: Attribute['post'];
  put?: boolean;
  default?: T;
  adminSet?: boolean;
  adminView?: boolean;
  internal?: boolean;
  writeOnly?: boolean;
  asText?: boolean;
  filter?: boolean;
  sort?: boolean;
}

/** Declares an attribute that requests may set. */
export function attribute<T, const S extends Storage = 'text'>(
  schema: z.ZodType<T>,
  options: AttributeOptions<NoInfer<T>, S>,
): Attribute<T, S> {
  const storage = options.storage ?? ('text' as S);
  const scalar = storage !== 'json' && storage !== 'computed';
  return {
    schema,
    storage,
    post: options.post ?? 'optional',
    put: options.put ?? true,
    ...('default' in options && { default: options.default as T }),
    adminOnly: { set: options.adminSet ?? false, view: options.adminView ?? false },
    internal: options.internal ?? false,
    writeOnly: options.writeOnly ?? false,
    asText: options.asText ?? false,
    filter: options.filter ?? scalar,
    sort: options.sort ?? scalar,
    doc: options.doc,
  };
}

/** Declares an attribute that only the server sets. */
export function readOnly<T, const S extends Storage = 'text'>(
  schema: z.ZodType<T>,
  options: AttributeOptions<NoInfer<T>, S>,
): Attribute<T, S> {
  return attribute(schema, { ...options, post: 'denied', put: false });
}

/** Declares an attribute that the store and the feed know and the API never shows. */
export function internal<T, const S extends Storage = 'text'>(
  schema: z.ZodType<T>,
  options: AttributeOptions<NoInfer<T>, S>,
): Attribute<T, S> {
  return attribute(schema, { ...options, post: 'denied', put: false, internal: true, filter: false, sort: false });
}

/** A value as Python prints it inside quotes, which is what Neutron's messages show. */
export function pythonText(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, item]) => `${pythonRepr(key)}: ${pythonRepr(item)}`)
      .join(', ')}}`;
  }
  return String(value);
}

/** A value as Python's repr() shows it. */
export function pythonRepr(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : pythonText(value);
}

type Issue = { message: string; params?: { convert?: true; type?: string } };
type Outcome<T> = { value: T } | { issue: Issue };

/** What the values of each check look like: a check is a function, which no document can be made from. */
const SHAPES = z.registry<Shape>();

/** Of an attribute that nothing was said of: what its column says. */
const STORED_SHAPES: Readonly<Record<Storage, JsonSchema>> = {
  text: { type: 'string' },
  integer: { type: 'integer' },
  boolean: { type: 'boolean' },
  json: {},
  computed: {},
};

/** What values of an attribute look like. */
export function shapeOf(schema: z.ZodType, storage: Storage = 'json'): Shape {
  if (schema instanceof z.ZodNullable) {
    const { request, answer } = shapeOf(schema.unwrap() as z.ZodType, storage);
    return { request: orNull(request), answer: orNull(answer) };
  }
  return SHAPES.get(schema) ?? sameShape(STORED_SHAPES[storage]);
}

/** A schema out of one function that either converts the value or names what is wrong with it. */
function check<T>(shape: Shape | JsonSchema, judge: (value: unknown) => Outcome<T>): z.ZodType<T> {
  const schema = z.any().transform((value: unknown, context): T => {
    const outcome = judge(value);
    if ('value' in outcome) return outcome.value;
    context.issues.push({ code: 'custom', input: value, ...outcome.issue });
    return z.NEVER;
  }) as unknown as z.ZodType<T>;
  return schema.register(SHAPES, 'request' in shape ? shape : sameShape(shape));
}

const wrong = (message: string): { issue: Issue } => ({ issue: { message } });
/** Wrong in a way that Neutron notices while converting: reported as `InvalidInput`, without the attribute's name. */
const unconvertible = (message: string): { issue: Issue } => ({ issue: { message, params: { convert: true } } });

/** Wrong in a way that has a 400 of its own: `type` is Neutron's class name. */
const refusedAs = (type: string, message: string): { issue: Issue } => ({ issue: { message, params: { type } } });

/** Text of at most `max` characters. */
export const text = (max: number): z.ZodType<string> =>
  check({ type: 'string', maxLength: max }, (value) => {
    if (typeof value !== 'string') return wrong(`'${pythonText(value)}' is not a valid string`);
    if ([...value].length > max) return wrong(`'${value}' exceeds maximum length of ${max}`);
    return { value };
  });

/** Text of at most `max` characters, not all of them blank. */
export const filledText = (max: number): z.ZodType<string> =>
  check({ type: 'string', maxLength: max, pattern: '\\S' }, (value) => {
    const outcome = text(max).safeParse(value);
    if (!outcome.success) return wrong(outcome.error.issues[0]?.message ?? `'${pythonText(value)}' is not valid`);
    if (outcome.data.trim() === '') return wrong(`'${outcome.data}' Blank strings are not permitted`);
    return { value: outcome.data };
  });

/** Null, or what `schema` takes. */
export const nullable = <T>(schema: z.ZodType<T>): z.ZodType<T | null> => z.nullable(schema) as z.ZodType<T | null>;

/** A boolean; Neutron also takes `"true"`, `"False"`, 0, 1 and their like. */
export const boolean = (): z.ZodType<boolean> =>
  check({ type: 'boolean' }, (value) => {
    const converted = toBoolean(value);
    return converted === undefined
      ? unconvertible(`'${pythonText(value)}' cannot be converted to boolean`)
      : { value: converted };
  });

/** Neutron's reading of a boolean in a body or a query, or undefined when it is none. */
export function toBoolean(value: unknown): boolean | undefined {
  const folded = typeof value === 'string' ? value.toLowerCase() : value;
  if (folded === true || folded === 1 || folded === 'true' || folded === '1') return true;
  if (folded === false || folded === 0 || folded === 'false' || folded === '0') return false;
  return undefined;
}

/** A feature that is not there: only its absence can be said. */
export const onlyNull = (what: string): z.ZodType<string | null> =>
  check<string | null>({ type: 'null' }, (value) =>
    value === null || value === '' ? { value: null } : wrong(`${what} are not supported`),
  );

/** An integer within inclusive bounds; text of digits counts, as with Neutron. */
export const integer = (min: number, max: number): z.ZodType<number> =>
  check({ type: 'integer', minimum: min, maximum: max }, (value) => {
    const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number))
      return wrong(`'${pythonText(value)}' is not an integer`);
    if (number < min) return wrong(`'${number}' is too small - must be at least '${min}'`);
    if (number > max) return wrong(`'${number}' is too large - must be no larger than '${max}'`);
    return { value: number };
  });

/** Largest number that a column holds. */
const LARGEST_INTEGER = 2_147_483_647;

/** An integer of zero or more. */
export const nonNegative = (): z.ZodType<number> =>
  check({ type: 'integer', minimum: 0, maximum: LARGEST_INTEGER }, (value) => {
    const outcome = integer(Number.MIN_SAFE_INTEGER, LARGEST_INTEGER).safeParse(value);
    if (!outcome.success) return wrong(outcome.error.issues[0]?.message ?? `'${pythonText(value)}' is not an integer`);
    return outcome.data < 0 ? wrong(`'${outcome.data}' should be non-negative`) : { value: outcome.data };
  });

/** A TCP/UDP/SCTP port number; text does not count. */
export const portNumber = (): z.ZodType<number> =>
  check({ type: 'integer', minimum: 1, maximum: 65_535 }, (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return wrong(`'${pythonText(value)}' is not an integer`);
    if (value < 1) return wrong(`'${value}' is too small - must be at least '1'`);
    if (value > 65_535) return wrong(`'${value}' is too large - must be no larger than '65535'`);
    return { value };
  });

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** Whether a text is a UUID, with or without dashes. */
export const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);

/** A UUID. */
export const uuid = (): z.ZodType<string> =>
  check(UUID_TEXT, (value) => (isUuid(value) ? { value } : wrong(`'${pythonText(value)}' is not a valid UUID`)));

/** A list of distinct UUIDs; null counts as the empty list. */
export const uuidList = (): z.ZodType<string[]> =>
  check(emptyWhenNull({ ...arrayOf(UUID_TEXT), uniqueItems: true }), (value) => {
    if (value === null) return { value: [] };
    if (!Array.isArray(value)) return wrong(`'${pythonText(value)}' is not a list`);
    for (const item of value) if (!isUuid(item)) return wrong(`'${pythonText(item)}' is not a valid UUID`);
    const twice = value.find((item, index) => value.indexOf(item) !== index);
    if (twice !== undefined) return wrong(`Duplicate items in the list: '${twice}'`);
    return { value: value as string[] };
  });

/** An IPv4 or IPv6 address, in canonical text. */
export const ipAddress = (): z.ZodType<string> =>
  check(IP_ADDRESS, (value) =>
    typeof value === 'string' && ipVersion(value) !== undefined
      ? { value: normalizeIp(value) }
      : wrong(`'${pythonText(value)}' is not a valid IP address`),
  );

/** A network in CIDR notation; host bits are masked. */
export const cidr = (): z.ZodType<string> =>
  check(CIDR, (value) => {
    const parsed = typeof value === 'string' && value.includes('/') ? parseCidr(value) : undefined;
    return parsed ? { value: formatCidr(parsed) } : unconvertible(`${pythonText(value)} is not in a CIDR format`);
  });

/** A list of distinct networks in CIDR notation, host bits masked; null counts as the empty list. */
export const cidrList = (): z.ZodType<string[]> =>
  check({ request: orNull({ ...arrayOf(CIDR), uniqueItems: true }), answer: arrayOf(CIDR) }, (value) => {
    if (value === null) return { value: [] };
    if (!Array.isArray(value)) return wrong(`'${pythonText(value)}' is not a list`);
    const twice = value.find((item, index) => value.indexOf(item) !== index);
    if (twice !== undefined) return wrong(`Duplicate items in the list: '${pythonText(twice)}'`);
    const networks: string[] = [];
    for (const item of value) {
      const parsed = typeof item === 'string' ? parseCidr(item) : undefined;
      if (parsed === undefined) return wrong(`'${pythonText(item)}' is not a valid IP subnet`);
      if (!item.includes('/')) {
        return wrong(`'${item}' isn't a recognized IP subnet cidr, '${formatCidr(parsed)}' is recommended`);
      }
      networks.push(formatCidr(parsed));
    }
    return { value: networks };
  });

/** A unicast MAC address, in lower case with colons. */
export const macAddress = (): z.ZodType<string> =>
  check({ type: 'string', format: 'mac', pattern: '^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$' }, (value) => {
    const folded = typeof value === 'string' ? value.toLowerCase().replaceAll('-', ':') : '';
    return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(folded) && folded !== '00:00:00:00:00:00'
      ? { value: folded }
      : wrong(`'${pythonText(value)}' is not a valid MAC address`);
  });

/** One of a fixed set of texts. */
export const oneOf = <const T extends string | number>(...choices: T[]): z.ZodType<T> =>
  check({ type: typeof choices[0] === 'number' ? 'integer' : 'string', enum: choices }, (value) =>
    choices.includes(value as T) ? { value: value as T } : wrong(`${pythonText(value)} is not in valid_values`),
  );

/** One of a fixed set of integers; text of digits counts. */
export const oneOfIntegers = <const T extends number>(...choices: T[]): z.ZodType<T> =>
  check({ type: 'integer', enum: choices }, (value) => {
    const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number)) {
      return unconvertible(`'${pythonText(value)}' is not an integer`);
    }
    return choices.includes(number as T) ? { value: number as T } : wrong(`${number} is not in valid_values`);
  });

/** An object with exactly the given keys, those with `?` optional, or a reason why it is not. */
export function dictionary<T extends Record<string, z.ZodType>>(
  required: T,
  optional: Record<string, z.ZodType> = {},
): z.ZodType<Record<string, unknown>> {
  const side = (which: keyof Shape): JsonSchema => {
    const shapes = Object.entries({ ...required, ...optional }).map(([key, schema]) => [key, shapeOf(schema)[which]]);
    return objectOf(Object.fromEntries(shapes), Object.keys(optional));
  };
  return check({ request: side('request'), answer: side('answer') }, (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return wrong(`'${pythonText(value)}' is not a dictionary`);
    }
    const keys = Object.keys(value);
    const known = { ...required, ...optional };
    if (Object.keys(required).some((key) => !keys.includes(key)) || keys.some((key) => !Object.hasOwn(known, key))) {
      const set = (names: string[]) => `{${names.map((name) => `'${name}'`).join(', ')}}`;
      return wrong(
        `Validation of dictionary's keys failed. Expected keys: ${set(Object.keys(required))} Provided keys: ${set(keys)}`,
      );
    }
    const result: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const outcome = (known[key] as z.ZodType).safeParse(item);
      if (!outcome.success) return wrong(outcome.error.issues[0]?.message ?? `'${pythonText(item)}' is not valid`);
      result[key] = outcome.data;
    }
    return { value: result };
  });
}

/** A list; a request may say null for the empty one. */
const emptyWhenNull = (list: JsonSchema): Shape => ({ request: orNull(list), answer: list });

function listShape(item: Shape, max: number): Shape {
  const bound = Number.isFinite(max) ? { maxItems: max } : {};
  return {
    request: emptyWhenNull({ ...arrayOf(item.request), ...bound }).request,
    answer: { ...arrayOf(item.answer), ...bound },
  };
}

/** A list of what `item` takes, of at most `max` items; null counts as the empty list. */
export const listOf = <T>(item: z.ZodType<T>, max = Number.POSITIVE_INFINITY): z.ZodType<T[]> =>
  check(listShape(shapeOf(item), max), (value) => {
    if (value === null) return { value: [] };
    if (!Array.isArray(value)) return wrong(`'${pythonText(value)}' is not a list`);
    if (value.length > max) return wrong(`Exceeded maximum amount of ${max} items`);
    const result: T[] = [];
    for (const element of value) {
      const outcome = item.safeParse(element);
      if (!outcome.success) return wrong(outcome.error.issues[0]?.message ?? `'${pythonText(element)}' is not valid`);
      result.push(outcome.data);
    }
    return { value: result };
  });

/** A range of ports, `"a:b"` or `"a"`, kept as `"a:b"`. */
export const portRange = (): z.ZodType<string> =>
  check({ type: 'string', format: 'port-range', pattern: '^[0-9]{1,5}(:[0-9]{1,5})?$' }, (value) => {
    if (typeof value !== 'string') return wrong('Port range must be two integers separated by a colon.');
    const parts = value.split(':');
    if (parts.length > 2) return wrong('Port range must be two integers separated by a colon.');
    const ports: number[] = [];
    for (const part of parts) {
      if (!/^\d+$/.test(part)) return wrong(`Invalid port: ${part}.`);
      const port = Number(part);
      if (port < 1) return wrong(`Invalid port: ${port}, the port must be in the range [1, 65535].`);
      if (port > 65_535) return wrong(`Invalid port: ${port}.`);
      ports.push(port);
    }
    const [first = 0, last = first] = ports;
    if (first > last) return wrong('First port in a port range must be lower than the second port.');
    return { value: `${first}:${last}` };
  });

/** Any JSON object; null counts as the empty one. */
export const anyObject = (): z.ZodType<Record<string, unknown>> =>
  check({ request: orNull({ type: 'object' }), answer: { type: 'object' } }, (value) => {
    if (value === null) return { value: {} };
    return typeof value === 'object' && !Array.isArray(value)
      ? { value: value as Record<string, unknown> }
      : wrong(`'${pythonText(value)}' is not a dictionary`);
  });

/**
 * A value that only the server makes, or that a rule checks: nothing to check here, only a type to carry.
 * `shape` says what it looks like where its column does not tell.
 */
export function given<T>(shape?: Shape | JsonSchema): z.ZodType<T> {
  const schema = z.any() as unknown as z.ZodType<T>;
  if (shape === undefined) return schema;
  return schema.register(SHAPES, 'request' in shape ? shape : sameShape(shape));
}

/** What is wrong with a value: a reason; with `type` a 400 of its own, with `convert` one without the attribute's name. */
export type Objection = { reason: string; type?: string; convert?: boolean };

/** A value that a resource checks for itself, because its reasons are the resource's; `shape` says what it looks like. */
export const checkedBy = <T>(
  shape: Shape | JsonSchema,
  judge: (value: unknown) => { value: T } | Objection,
): z.ZodType<T> =>
  check(shape, (value) => {
    const outcome = judge(value);
    if ('value' in outcome) return outcome;
    if (outcome.type !== undefined) return refusedAs(outcome.type, outcome.reason);
    return outcome.convert ? unconvertible(outcome.reason) : wrong(outcome.reason);
  });

/** As `checkedBy`, for what Neutron checks while it converts: its answer does not name the attribute. */
export const convertedBy = <T>(
  shape: Shape | JsonSchema,
  judge: (value: unknown) => { value: T } | Objection,
): z.ZodType<T> =>
  checkedBy(shape, (value) => {
    const outcome = judge(value);
    return 'value' in outcome ? outcome : { ...outcome, convert: true };
  });
