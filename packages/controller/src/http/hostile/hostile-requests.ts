import fc, { type Arbitrary } from 'fast-check';
import type { OpenApiDocument, OperationObject } from '../openapi/document.ts';
import {
  hostileBody,
  hostileJson,
  hostileText,
  idFor,
  mutated,
  type Surroundings,
  valuesOf,
} from './hostile-values.ts';

/** A request as it is sent; `who` is a name of the world's tokens, or no name of one. */
export interface HostileRequest {
  readonly who: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

interface KnownOperation {
  readonly method: string;
  readonly path: string;
  readonly operation: OperationObject;
}

/** The stream that does not end, what waits because it is asked to, and the document itself. */
const NOT_ASKED = ['/portward/v1/feed', '/portward/v1/progress', '/openapi.json'];

/** Operations that requests can be made for. */
export function operationsOf(document: OpenApiDocument): KnownOperation[] {
  return Object.entries(document.paths)
    .flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
    )
    .filter(({ path }) => !NOT_ASKED.includes(path));
}

const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());

/** Parts of a URL that are not what an encoder would make. */
const rawPart = fc.constantFrom(
  '%00',
  '%ff',
  '%c3%28',
  '%ed%a0%80',
  '%zz',
  '%',
  '%2',
  '%2f',
  '..%2f..',
  '+',
  ';',
  '~',
  '[]',
  'a[b][c]',
);
// Not `.` and `..`: what sends the requests would resolve them, as browsers do.
const urlPart = fc
  .oneof({ weight: 3, arbitrary: hostileText.map(encoded) }, rawPart)
  .filter((text) => !/^\.{0,2}$/.test(text));

function paths(path: string, around: Surroundings): Arbitrary<string> {
  const segments = path.split('/').slice(1);
  return fc
    .tuple(
      ...segments.map((segment, index) => {
        if (!segment.startsWith('{')) return fc.constant(segment);
        const name =
          segment === '{id}' || segment === '{parentId}' || segment === '{target}' ? segments[index - 1] : segment;
        return fc.oneof(
          { weight: 5, arbitrary: idFor((name as string).replace(/s$/, ''), around) },
          { weight: 1, arbitrary: urlPart },
        );
      }),
    )
    .map((chosen) => `/${chosen.join('/')}`);
}

function queries({ parameters = [] }: OperationObject, around: Surroundings): Arbitrary<string> {
  const known = parameters.filter((parameter) => parameter.in === 'query');
  const names = fc.oneof(
    ...(known.length > 0 ? [{ weight: 6, arbitrary: fc.constantFrom(...known.map(({ name }) => name)) }] : []),
    { weight: 1, arbitrary: hostileText },
  );
  const pair = names.chain((name) => {
    const schema = known.find((parameter) => parameter.name === name)?.schema;
    const item = schema?.items ?? schema;
    const valid = item === undefined ? hostileText : valuesOf(item, around, name).map(String);
    return fc.oneof(
      { weight: 3, arbitrary: valid.map((value) => `${encoded(name)}=${encoded(value)}`) },
      { weight: 1, arbitrary: urlPart.map((value) => `${encoded(name)}=${value}`) },
      { weight: 1, arbitrary: fc.constantFrom(`${encoded(name)}`, `${encoded(name)}[]=1`, `${encoded(name)}[a][b]=1`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(urlPart, fc.integer({ min: 2, max: 300 }))
          .map(([value, times]) => new Array(times).fill(`${encoded(name)}=${value.slice(0, 20)}`).join('&')),
      },
    );
  });
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant('') },
    { weight: 3, arbitrary: fc.array(pair, { minLength: 1, maxLength: 4 }).map((pairs) => `?${pairs.join('&')}`) },
  );
}

/** Words of bodies that have no schema, so that requests get past the first check. */
const WORDS = [
  'server',
  'keypair',
  'name',
  'id',
  'auth',
  'identity',
  'methods',
  'password',
  'user',
  'project',
  'domain',
];
const MORE_WORDS = [
  'role',
  'tags',
  'metadata',
  'networks',
  'uuid',
  'port',
  'interfaceAttachment',
  'net_id',
  'os-start',
];

/** Stands for arrays in arrays, which only text can say: they are too deep for the functions that write JSON. */
const DEEP_MARK = '@deep@';
const withDepth = (value: unknown): Arbitrary<string> =>
  fc
    .integer({ min: 1, max: 50_000 })
    .map((depth) => JSON.stringify(value).replaceAll(`"${DEEP_MARK}"`, '['.repeat(depth) + ']'.repeat(depth)));

function bodies({ requestBody }: OperationObject, around: Surroundings): Arbitrary<string> {
  const schema = requestBody?.content['application/json']?.schema;
  const wordy = fc.dictionary(fc.constantFrom(...WORDS, ...MORE_WORDS), hostileJson, {
    maxKeys: 3,
    noNullPrototype: true,
  });
  const valid: Arbitrary<unknown> =
    schema === undefined ? fc.dictionary(fc.constantFrom(...WORDS, ...MORE_WORDS), wordy) : valuesOf(schema, around);
  const text = (value: unknown): string => JSON.stringify(value) ?? '';
  return fc.oneof(
    { weight: 4, arbitrary: valid.map(text) },
    { weight: 6, arbitrary: valid.chain((value) => mutated(value)).map(text) },
    { weight: 1, arbitrary: valid.chain((value) => mutated(value, fc.constant(DEEP_MARK))).chain(withDepth) },
    { weight: 1, arbitrary: hostileBody },
  );
}

const printable = fc.string({ unit: 'binary-ascii' }).map((text) => text.replace(/[^\x20-\x7e]/g, '').trim());
const oddHeaders: Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  fc
    .oneof(
      printable,
      fc.nat().map((revision) => `revision_number=${revision}`),
    )
    .map((value) => ({ 'if-match': value })),
  fc
    .oneof(printable, fc.constantFrom('text/plain', 'application/json; charset=latin1', 'application/xml', ''))
    .map((value) => ({ 'content-type': value })),
  printable.map((value) => ({ host: value })),
  fc.constantFrom('evil.example/x', 'a b', '<script>', 'x:99999', '[::1', 'a@b').map((host) => ({ host })),
  printable.map((value) => ({ 'openstack-api-version': `compute ${value}`, 'x-subject-token': value })),
  printable.map((value) => ({ authorization: `Bearer ${value}` })),
);
const who = fc.oneof(
  { weight: 12, arbitrary: fc.constant('alice') },
  { weight: 3, arbitrary: fc.constant('admin') },
  { weight: 1, arbitrary: fc.constant('unscoped') },
  { weight: 1, arbitrary: printable },
);

/** Requests of one operation. */
export function requestsFor(
  { method, path, operation }: KnownOperation,
  around: Surroundings,
): Arbitrary<HostileRequest> {
  const hasBody = method !== 'GET';
  return fc.record({
    who,
    method: fc.oneof(
      { weight: 20, arbitrary: fc.constant(method) },
      fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'PATCH'),
    ),
    url: fc.tuple(paths(path, around), queries(operation, around)).map((parts) => parts.join('').slice(0, 15_000)),
    headers: oddHeaders,
    body: hasBody ? fc.option(bodies(operation, around), { nil: undefined, freq: 15 }) : fc.constant(undefined),
  });
}
