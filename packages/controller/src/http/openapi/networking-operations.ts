import { shapeOf } from '@portward/model/attribute.ts';
import { arrayOf, type JsonSchema, objectOf, resourceRef, TEXT, UUID_TEXT } from '@portward/model/json-schema.ts';
import { answerSchema } from '@portward/model/resource-schema.ts';
import { router } from '@portward/model/router.ts';
import { documented, type Operation, openTo } from '../../operation.ts';

/** Descriptions of the Networking API's routes that are not those of a collection. */

const VERSIONS = objectOf({
  versions: arrayOf(objectOf({ id: TEXT, status: TEXT, links: arrayOf(objectOf({ rel: TEXT, href: TEXT })) })),
});

export const versionsOperation = openTo(() => ({
  summary: 'List versions of the Networking API',
  answers: { 200: { description: 'One version', schema: VERSIONS } },
}));

const EXTENSION = objectOf({
  alias: TEXT,
  name: TEXT,
  description: TEXT,
  updated: TEXT,
  links: { type: 'array', maxItems: 0 },
});

export const extensionOperations = {
  list: documented(() => ({
    answers: { 200: { description: 'What works', schema: objectOf({ extensions: arrayOf(EXTENSION) }) } },
  })),
  show: documented(() => ({
    answers: {
      200: { description: 'The extension', schema: objectOf({ extension: EXTENSION }) },
      404: { description: 'No such extension', schema: objectOf({ message: TEXT, code: TEXT, title: TEXT }) },
    },
  })),
};

const TAG: JsonSchema = { type: 'string', minLength: 1, maxLength: 255 };
const TAGS = objectOf({ tags: { ...arrayOf(TAG), maxItems: 50, uniqueItems: true } });
const ALL_TAGS = { description: 'All of its tags', schema: TAGS } as const;
const NO_TAG = { 404: { description: 'The object or the tag is not there' } } as const;
const NOT_CHANGED = {
  400: { description: 'No list of tags, or too many' },
  403: { description: 'Visible, and not the caller’s to change' },
  ...NO_TAG,
} as const;
const tagOperation = (
  summary: string,
  operation: Pick<Operation, 'body' | 'answers'>,
  refused: Operation['answers'] = NOT_CHANGED,
) => documented(() => ({ summary, ...operation, answers: { ...operation.answers, ...refused } }));

export const tagOperations = {
  list: tagOperation('List its tags', { answers: { 200: ALL_TAGS } }, NO_TAG),
  replace: tagOperation('Replace its tags', { body: TAGS, answers: { 200: ALL_TAGS } }),
  add: tagOperation('Add tags', { body: TAGS, answers: { 201: ALL_TAGS } }),
  removeAll: tagOperation('Remove all of its tags', { answers: { 204: { description: 'Gone' } } }),
  check: tagOperation('Ask whether it has a tag', { answers: { 204: { description: 'It has' } } }, NO_TAG),
  addOne: tagOperation('Add a tag', { answers: { 201: { description: 'It has it now', schema: { type: 'null' } } } }),
  removeOne: tagOperation('Remove a tag', { answers: { 204: { description: 'Gone' } } }),
};

const INTERFACE = objectOf({
  id: { ...UUID_TEXT, description: 'Router' },
  project_id: TEXT,
  tenant_id: TEXT,
  port_id: UUID_TEXT,
  network_id: UUID_TEXT,
  subnet_id: UUID_TEXT,
  subnet_ids: arrayOf(UUID_TEXT),
});
const CHANGED = {
  400: { description: 'The request makes no sense' },
  403: { description: 'Visible, and not the caller’s to change' },
  404: { description: 'The router, the subnet or the port is not there' },
  409: { description: 'The present state is in the way' },
} as const;

export const interfaceOperation = (summary: string) =>
  documented(() => ({
    summary,
    body: { type: 'object', properties: { subnet_id: UUID_TEXT, port_id: UUID_TEXT }, description: 'At least one.' },
    answers: { 200: { description: 'The interface', schema: INTERFACE }, ...CHANGED },
  }));

export const routesOperation = (adding: boolean) =>
  documented(() => ({
    summary: adding ? 'Add extra routes to a router' : 'Remove extra routes from a router',
    description: 'Routes that are there already, or are not there, do no harm.',
    body: objectOf({ router: objectOf({ routes: shapeOf(router.attributes.routes.schema).request }) }),
    answers: { 200: { description: 'The router', schema: objectOf({ router: resourceRef('router') }) }, ...CHANGED },
    schemas: { Router: answerSchema(router) },
  }));
