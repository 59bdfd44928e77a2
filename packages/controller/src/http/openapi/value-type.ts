import type { JsonSchema } from '@portward/model/json-schema.ts';

const FORMATS: Readonly<Record<string, string>> = {
  uuid: 'UUID',
  ipv4: 'IPv4 address',
  ipv6: 'IPv6 address',
  cidr: 'CIDR',
  mac: 'MAC address',
  'dns-name': 'DNS name',
  'date-time': 'time',
  'port-range': '`a:b`',
};

/** What a schema allows, in a few words for the reference: `text ≤ 255`, `list of UUID`, `68–9000, or null`. */
export function valueType(schema: JsonSchema): string {
  const types = schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type;
  const names = [...new Set(types.filter((type) => type !== 'null').map((type) => nameOfType(type, schema)))];
  if (names.length === 0 && schema.anyOf !== undefined) names.push(...alternatives(schema.anyOf));
  const always = types.length > 0 && names.length === 0 ? ['null'] : names;
  if (always.length === 0) return 'any';
  return always.join(' or ') + (names.length > 0 && allowsNull(schema) ? ', or null' : '');
}

const allowsNull = ({ type, anyOf = [] }: JsonSchema): boolean =>
  type === undefined ? anyOf.some((one) => one.type === 'null') : type.includes('null');

const alternatives = (schemas: readonly JsonSchema[]): string[] => [
  ...new Set(
    schemas
      .filter((one) => one.type !== 'null')
      .map((one) => (one.format === undefined ? valueType(one) : (FORMATS[one.format] ?? one.format)))
      .map((name) => (/^IPv[46] address$/.test(name) ? 'IP address' : name)),
  ),
];

function nameOfType(type: string, schema: JsonSchema): string {
  if (schema.enum !== undefined) {
    return schema.enum
      .filter((choice) => choice !== null)
      .map((choice) => `\`${choice}\``)
      .join(', ');
  }
  switch (type) {
    case 'string':
      if (schema.format !== undefined) return FORMATS[schema.format] ?? schema.format;
      if (schema.anyOf !== undefined) return alternatives(schema.anyOf).join(' or ');
      return schema.maxLength === undefined ? 'text' : `text ≤ ${schema.maxLength}`;
    case 'integer':
      if (schema.minimum === undefined) return 'integer';
      return schema.maximum === undefined ? `≥ ${schema.minimum}` : `${schema.minimum}–${schema.maximum}`;
    case 'array':
      return `list of ${valueType(schema.items ?? {})}`;
    case 'object':
      return schema.properties === undefined
        ? 'object'
        : `{${Object.keys(schema.properties)
            .map((key) => (schema.required?.includes(key) ? key : `${key}?`))
            .join(', ')}}`;
    default:
      return type;
  }
}
