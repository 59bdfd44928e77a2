/** A JSON Schema (draft 2020-12, which OpenAPI 3.1 speaks), as far as definitions use it. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: JsonType | readonly JsonType[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: JsonSchema;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly description?: string;
  readonly default?: unknown;
  readonly readOnly?: boolean;
  readonly writeOnly?: boolean;
}

type JsonType = 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object' | 'null';

/** What a value looks like in a request, and in an answer, which says it in one form only. */
export interface Shape {
  readonly request: JsonSchema;
  readonly answer: JsonSchema;
}

/** A shape that is the same both ways. */
export const sameShape = (schema: JsonSchema): Shape => ({ request: schema, answer: schema });

export const TEXT: JsonSchema = { type: 'string' };
export const UUID_TEXT: JsonSchema = { type: 'string', format: 'uuid' };
export const IP_ADDRESS: JsonSchema = { type: 'string', anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] };
export const CIDR: JsonSchema = { type: 'string', format: 'cidr', pattern: '^[0-9A-Fa-f:.]+/[0-9]{1,3}$' };
export const TIMESTAMP: JsonSchema = { type: 'string', format: 'date-time' };

export const arrayOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items });

const requiredOf = (required: readonly string[]): JsonSchema => (required.length === 0 ? {} : { required });

/** An object with these keys and no others; those not named in `optional` are always there. */
export const objectOf = (
  properties: Readonly<Record<string, JsonSchema>>,
  optional: readonly string[] = [],
): JsonSchema => ({
  type: 'object',
  properties,
  ...requiredOf(Object.keys(properties).filter((key) => !optional.includes(key))),
  additionalProperties: false,
});

/** The same, or null. */
export function orNull(schema: JsonSchema): JsonSchema {
  const { type } = schema;
  if (type === undefined) return Object.keys(schema).length === 0 ? schema : { anyOf: [schema, { type: 'null' }] };
  const types = typeof type === 'string' ? [type] : type;
  if (types.includes('null')) return schema;
  const nulls = { ...schema, type: [...types, 'null' as const] };
  return {
    ...nulls,
    ...(schema.enum !== undefined && { enum: [...schema.enum, null] }),
    ...(schema.anyOf !== undefined && { anyOf: [...schema.anyOf, { type: 'null' as const }] }),
  };
}

/** `security_group_rule` → `SecurityGroupRule`: what a resource's schemas are called in the OpenAPI document. */
export const schemaName = (resourceName: string): string =>
  resourceName.replace(/(?:^|[_-])([a-z])/g, (_match, letter: string) => letter.toUpperCase());

/** The schema of another resource's objects. */
export const resourceRef = (resourceName: string): JsonSchema => ({
  $ref: `#/components/schemas/${schemaName(resourceName)}`,
});
