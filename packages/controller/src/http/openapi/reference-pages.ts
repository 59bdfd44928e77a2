import { type Attribute, shapeOf } from '@portward/model/attribute.ts';
import type { Resource } from '@portward/model/resource.ts';
import { publicAttributes } from '@portward/model/resource-schema.ts';
import type { Extension } from '../../networking/extensions.ts';
import type { OpenApiDocument, OperationObject } from './document.ts';
import { ROOMS } from './rooms.ts';
import { valueType } from './value-type.ts';

/** A refusal as the reference shows it. */
export interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly message: (...values: never[]) => string;
}

/** What the pages of docs/api are made from. */
export interface ReferenceSources {
  readonly document: OpenApiDocument;
  readonly resources: readonly Resource[];
  readonly refusals: readonly Refusal[];
}

const MADE = 'Made from the definitions of the API (`npm run docs`).';

type Row = { method: string; path: string; operation: OperationObject };

/** The pages of docs/api by file name, in Markdown. */
export function referencePages({ document, resources, refusals }: ReferenceSources): Map<string, string> {
  const rows: Row[] = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const groups = Map.groupBy(rows, ({ operation }) => operation.tags[0] as string);
  const pages = new Map<string, string>();
  const known = new Map(resources.map((resource) => [groupOf(resource), resource]));
  for (const [group, its] of groups) {
    const resource = known.get(group);
    pages.set(`${fileName(group)}.md`, resource === undefined ? pathsPage(group, its) : resourcePage(resource, its));
  }
  pages.set('errors.md', errorsPage(refusals, resources));
  pages.set('README.md', overview([...groups.keys()], known));
  return pages;
}

const groupOf = (resource: Resource): string => resource.collection.replaceAll('_', '-');
const fileName = (group: string): string => group.toLowerCase();
const title = (group: string): string => {
  const words = group.replaceAll('-', ' ').replace(/^floatingips$/, 'floating IPs');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** A cell of a table: bars would end it, and line breaks the row. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows.map((row) => row.map(cell))].map((row) => `| ${row.join(' | ')} |`).join('\n');

function pathsTable(rows: readonly Row[]): string {
  return table(
    ['request', 'what it does', 'answers'],
    rows.map(({ method, path, operation }) => [
      `\`${method} ${path}\``,
      [operation.summary, operation.description].filter((text) => text !== undefined).join('. '),
      Object.keys(operation.responses)
        .filter((status) => status !== 'default')
        .join(', '),
    ]),
  );
}

function pathsPage(group: string, rows: readonly Row[]): string {
  return `# ${title(group)}\n\n${MADE}\n\n${pathsTable(rows)}\n`;
}

function resourcePage(resource: Resource, rows: readonly Row[]): string {
  const { type, message } = resource.notFound('…');
  const parts = [
    `# ${title(groupOf(resource))}`,
    [resource.doc, MADE].filter((text) => text !== '').join(' '),
    '## Requests',
    pathsTable(rows),
    '## Attributes',
    'What has no POST and no PUT is set by the server. Everybody who may see the object sees what has no mark.',
    attributesTable(resource),
    '## When it is not there',
    `404 \`${type}\`: ${message} Other refusals: [errors](errors.md).`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function attributesTable(resource: Resource): string {
  return table(
    ['attribute', 'type', 'POST', 'PUT', 'default', 'filter', 'sort', 'meaning'],
    publicAttributes(resource).map(([name, declared]) => [
      `\`${name}\``,
      valueType(shapeOf(declared.schema, declared.storage)[settable(declared) ? 'request' : 'answer']),
      declared.post === 'denied' ? '' : declared.post,
      declared.put ? 'yes' : '',
      'default' in declared && declared.post === 'optional' ? `\`${JSON.stringify(declared.default)}\`` : '',
      declared.filter ? 'yes' : '',
      declared.sort ? 'yes' : '',
      meaning(declared),
    ]),
  );
}

const settable = ({ post, put }: Attribute): boolean => post !== 'denied' || put;

function meaning({ doc, adminOnly, writeOnly }: Attribute): string {
  const marks = [
    ...(adminOnly.set && adminOnly.view ? ['Admins only.'] : adminOnly.set ? ['Set by admins only.'] : []),
    ...(adminOnly.view && !adminOnly.set ? ['Shown to admins only.'] : []),
    ...(writeOnly ? ['Never shown.'] : []),
  ];
  return marks.length === 0 ? doc : `${doc.replace(/\.$/, '')}. ${marks.join(' ')}`;
}

/** Stands for any value in a message: text, a list, an object. */
const SOMETHING: unknown = new Proxy(() => '…', {
  get: (_target, key) => (key === Symbol.toPrimitive || key === 'join' ? () => '…' : SOMETHING),
});

function errorsPage(refusals: readonly Refusal[], resources: readonly Resource[]): string {
  const all = [
    ...resources.map((resource) => resource.notFound('…')),
    ...refusals.map(({ status, type, message }) => ({
      status,
      type,
      message: (message as (...values: unknown[]) => string)(...new Array(message.length).fill(SOMETHING)),
    })),
  ];
  const rows = all
    .map(({ status, type, message }) => [String(status), `\`${type}\``, message])
    .sort((a, b) => `${a}`.localeCompare(`${b}`, 'en'));
  return `# Errors of the Networking API

${MADE} \`…\` stands for what the request or the object says.

A refusal changes nothing, and says why: \`{"NeutronError": {"type": …, "message": …, "detail": ""}}\`, with status, type
and text as in Neutron. Beside these, every request may be answered 401 (no token, or a void one), 400 \`HTTPBadRequest\`
or \`InvalidInput\` (a body, an attribute or a filter makes no sense; the message names it), 403 \`PolicyNotAuthorized\`
(visible, and not the caller's to change), 404 (not there, or not visible), 412 \`RevisionNumberConstraintFailed\`
(\`If-Match\`) and 413 (a body of more than 1 MiB).

${table(['status', 'type', 'message'], rows)}
`;
}

function overview(groups: readonly string[], known: ReadonlyMap<string, Resource>): string {
  const rooms = new Set(ROOMS.map(({ title: name }) => name));
  const link = (group: string): string => `[${title(group)}](${fileName(group)}.md)`;
  const networking = groups.filter((group) => !rooms.has(group));
  const resources = networking.filter((group) => known.has(group));
  const others = networking.filter((group) => !known.has(group));
  return `# The API

${MADE} The same in the terms of OpenAPI 3.1, for
generators of clients and for browsers of APIs, is what a controller answers at \`GET /openapi.json\`. What of OpenStack
is supported, and what not: [compatibility](../compatibility.md).

## Networking, \`/networking/v2.0\`

${table(
  ['resource', 'what it is'],
  resources.map((group) => [link(group), known.get(group)?.doc ?? '']),
)}

Also: ${others.map(link).join(', ')}. Refusals: [errors](errors.md).

Every request carries a token in \`X-Auth-Token\`; [Identity](identity.md) gives tokens. Bodies are JSON, with one key that
names the resource: \`{"network": {"name": "private"}}\`; where a resource is made in bulk, a list makes all or none:
\`{"networks": [{…}, {…}]}\`. Every object shows its owner as \`project_id\` and \`tenant_id\`.

| a list's parameter | what it does |
| --- | --- |
| \`<attribute>=value\` | filters; repeated: any of the values; several attributes: all of them |
| \`tags\`, \`tags-any\`, \`not-tags\`, \`not-tags-any\` | filters by tags, comma separated, where a resource has tags |
| \`changed_since=2026-11-23T20:19:31Z\` | changed then or later |
| \`fields=name&fields=id\` | shows these attributes only; also when one object is shown |
| \`sort_key=name&sort_dir=asc\` | sorts; several pairs for several keys |
| \`limit=100&marker=<id>&page_reverse=True\` | pages; the answer links to its neighbours |

\`If-Match: revision_number=7\` with PUT and DELETE: done only while the object has that revision, else 412.

## The other APIs

${groups
  .filter((group) => rooms.has(group))
  .map((group) => `- ${link(group)}`)
  .join('\n')}
`;
}

/** The aliases that \`GET /networking/v2.0/extensions\` answers, as a table. */
export const extensionsTable = (extensions: readonly Extension[]): string =>
  table(
    ['alias', 'what it brings'],
    extensions.map(({ alias, description }) => [`\`${alias}\``, description]),
  );
