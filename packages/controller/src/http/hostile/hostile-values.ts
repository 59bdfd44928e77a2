import type { JsonSchema } from '@portward/model/json-schema.ts';
import fc, { type Arbitrary } from 'fast-check';
import type { Ids } from './hostile-world.ts';

/** Names that every JavaScript object answers to, and others that parsers stumble over. */
const TRAPS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
  'length',
  '',
  ' ',
  '.',
  '..',
  '*',
  '%',
  '_',
  "'",
  '"',
  ';--',
  "' or '1'='1",
  '\0',
  '\ud800',
  'ÿ',
  '’',
  '\u202e',
  '😀',
  'null',
  'undefined',
  'true',
  'NaN',
  '0x10',
  '1e3',
  '-1',
  '65536',
  '9007199254740993',
  '999999999999999999999999',
  '127.0.0.1',
  '::',
  '::ffff:1.2.3.4',
  'fe80::1%eth0',
  '0.0.0.0/0',
  '::/0',
  '1.2.3.4/33',
  '256.1.1.1',
  '<script>',
];

/** Texts that somebody with bad intentions, or a broken client, sends. */
export const hostileText: Arbitrary<string> = fc.oneof(
  fc.constantFrom(...TRAPS),
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.integer({ min: 1, max: 5000 }).map((length) => 'x'.repeat(length)),
  fc.integer({ min: 1, max: 2000 }).map((length) => '0'.repeat(length)),
  fc.uuid(),
  fc.ipV4(),
  fc.ipV6(),
);

const hostileNumber = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, -1, 0.5, 1e21, 1e308, 2 ** 31, 2 ** 31 - 1, 2 ** 53, -(2 ** 63), 65_535, 65_536),
);

/** Any JSON, of the sizes and keys that break things. */
export const hostileJson: Arbitrary<unknown> = fc.letrec((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    hostileText,
    hostileNumber,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...TRAPS), fc.string()), tie('json'), {
      maxKeys: 4,
      noNullPrototype: false,
    }),
  ),
})).json as Arbitrary<unknown>;

/** Bodies that are no values: broken, deep, wide, or written so that a parser is misled. */
export const hostileBody: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    '{',
    'null',
    '[]',
    '{}',
    '"x"',
    '{"network":{"name":"a","name":"b"}}',
    '{"__proto__":{"isAdmin":true},"network":{}}',
    '{"network":{"__proto__":{"shared":true}}}',
    '{"network":{"constructor":{"prototype":{"x":1}}}}',
    '{"port":{"name":1e999}}',
    '\ufeff{}',
    '{"network":{"name":"\\ud800"}}',
    '{"network":{"name":"\\u0000"}}',
  ),
  hostileText,
  hostileJson.map((value) => JSON.stringify(value) ?? ''),
  fc.integer({ min: 1, max: 20_000 }).map((depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`),
  fc.integer({ min: 1, max: 5000 }).map((depth) => `${'{"network":'.repeat(depth)}1${'}'.repeat(depth)}`),
  fc.integer({ min: 1, max: 3000 }).map((count) => JSON.stringify({ networks: new Array(count).fill({ mtu: 'x' }) })),
  fc.integer({ min: 1, max: 1_100_000 }).map((size) => JSON.stringify({ network: { name: 'x'.repeat(size) } })),
);

/** What values of a schema are made of beside the schema. */
export interface Surroundings {
  /** Schemas that `$ref` leads to, by name. */
  readonly schemas: Readonly<Record<string, JsonSchema>>;
  readonly own: Ids;
  readonly foreign: Ids;
}

/** An id for an attribute or a place in a path: mostly of the caller's own and of the right kind. */
export function idFor(name: string, { own, foreign }: Pick<Surroundings, 'own' | 'foreign'>): Arbitrary<string> {
  const kinds = Object.keys(own).filter((kind) => name.replaceAll('-', '_').includes(stem(kind)));
  // The longest name fits best: `internal_port_id` is of a port, `security_group_rule` no group.
  const [kind] = kinds.sort((a, b) => b.length - a.length);
  const all = (ids: Ids) => Object.values(ids).flat();
  const mine = (kind === undefined ? undefined : own[kind]) ?? all(own);
  const theirs = (kind === undefined ? undefined : foreign[kind]) ?? all(foreign);
  const external = name.startsWith('floating_network') ? (own.external ?? mine) : mine;
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...external) },
    { weight: 3, arbitrary: fc.constantFrom(...theirs) },
    { weight: 1, arbitrary: fc.constantFrom(...all(own), ...all(foreign)) },
    { weight: 1, arbitrary: fc.uuid() },
  );
}

const stem = (kind: string): string => kind.replaceAll('-', '_').replace(/s$/, '');

const octet = fc.integer({ min: 0, max: 255 });
/** Addresses of Alice's networks, mostly. */
const address = fc.oneof(
  octet.map((last) => `192.168.2.${last}`),
  octet.map((last) => `172.24.0.${last}`),
  fc.ipV4(),
  fc.ipV6(),
);
const block = fc.oneof(
  fc.tuple(octet, octet, fc.integer({ min: 0, max: 32 })).map(([a, b, prefix]) => `192.168.${a}.${b}/${prefix}`),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([text, prefix]) => `${text}/${prefix}`),
);
const hexPair = fc.integer({ min: 1, max: 255 }).map((value) => value.toString(16).padStart(2, '0'));
const mac = fc.array(hexPair, { minLength: 3, maxLength: 3 }).map((tail) => `fa:16:3e:${tail.join(':')}`);
const portNumber = fc.integer({ min: 1, max: 65_535 });
const ports = fc.tuple(portNumber, portNumber).map((pair) => pair.sort((a, b) => a - b).join(':'));

const FORMATS: Readonly<Record<string, Arbitrary<string>>> = {
  cidr: block,
  mac,
  'port-range': ports,
  'dns-name': fc.constantFrom('', 'vm', 'VM-1', 'vm.example', 'vm.example.'),
  'date-time': fc.constant('2026-11-23T20:19:31Z'),
};

/** Values that a schema allows. `name` is that of the attribute. */
export function valuesOf(schema: JsonSchema, around: Surroundings, name = ''): Arbitrary<unknown> {
  if (schema.$ref !== undefined) {
    const target = around.schemas[schema.$ref.split('/').at(-1) as string] as JsonSchema;
    return valuesOf(target, around, name);
  }
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.type === undefined && schema.anyOf !== undefined)
    return fc.oneof(...schema.anyOf.map((one) => valuesOf(one, around, name)));
  const types = schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type;
  if (types.length === 0) return hostileJson;
  return fc.oneof(...types.map((type) => valuesOfType(type, schema, around, name)));
}

function valuesOfType(type: string, schema: JsonSchema, around: Surroundings, name: string): Arbitrary<unknown> {
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number':
      return fc.integer({ min: schema.minimum ?? -(2 ** 31), max: schema.maximum ?? 2 ** 31 - 1 });
    case 'array':
      return arraysOf(schema, around, name);
    case 'object':
      return objectsOf(schema, around);
    default:
      return textsOf(schema, around, name);
  }
}

function arraysOf({ items = {}, maxItems = 3, uniqueItems = false }: JsonSchema, around: Surroundings, name: string) {
  const item = valuesOf(items, around, name);
  const maxLength = Math.min(maxItems, 3);
  return uniqueItems
    ? fc.uniqueArray(item, { maxLength, selector: (value) => JSON.stringify(value) })
    : fc.array(item, { maxLength });
}

function objectsOf({ properties = {}, required = [] }: JsonSchema, around: Surroundings): Arbitrary<unknown> {
  const members = Object.entries(properties).map(([key, schema]) => [key, valuesOf(schema, around, key)] as const);
  const optional = members.filter(([key]) => !required.includes(key)).map(([key]) => key);
  // A few of the optional ones at a time: with all of them, one is always wrong.
  return fc
    .subarray(optional, { maxLength: Math.min(optional.length, 4) })
    .chain((chosen) =>
      fc.record(Object.fromEntries(members.filter(([key]) => required.includes(key) || chosen.includes(key)))),
    );
}

function textsOf(schema: JsonSchema, around: Surroundings, name: string): Arbitrary<string> {
  if (schema.format === 'uuid') return idFor(name, around);
  if (name === 'project_id' || name === 'tenant_id') return idFor('project', around);
  if (schema.anyOf !== undefined) return address;
  const format = schema.format === undefined ? undefined : FORMATS[schema.format];
  if (format !== undefined) return format;
  const max = schema.maxLength ?? 40;
  const pattern = new RegExp(schema.pattern ?? '');
  const plain = fc.oneof(
    fc.string({ minLength: schema.minLength ?? 0, maxLength: Math.min(max, 40) }),
    fc.constantFrom('web', 'vm.example', 'network:dhcp', 'compute:nova').filter((text) => text.length <= max),
  );
  return plain.filter((text) => pattern.test(text));
}

/** The same value with something else in one place: another value, a key more, or a key less. */
export function mutated(value: unknown, others: Arbitrary<unknown> = hostileJson): Arbitrary<unknown> {
  const places = placesOf(value);
  return fc
    .tuple(fc.constantFrom(...places), others, fc.constantFrom('replace', 'add', 'remove'))
    .map(([place, other, how]) => changedAt(value, place, other, how));
}

type Place = readonly (string | number)[];

function placesOf(value: unknown, here: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [here];
  return [here, ...Object.entries(value).flatMap(([key, item]) => placesOf(item, [...here, key]))];
}

function changedAt(value: unknown, [key, ...rest]: Place, other: unknown, how: string): unknown {
  if (key === undefined) {
    if (how !== 'add' || typeof value !== 'object' || value === null || Array.isArray(value)) return other;
    return { ...value, [String(JSON.stringify(other)).replaceAll('"', '').slice(0, 20)]: other };
  }
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>;
  if (rest.length === 0 && how === 'remove') delete copy[key];
  else copy[key] = changedAt(copy[key], rest, other, how);
  return copy;
}
