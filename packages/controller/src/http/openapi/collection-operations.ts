import { shapeOf } from '@portward/model/attribute.ts';
import {
  arrayOf,
  type JsonSchema,
  objectOf,
  resourceRef,
  schemaName,
  TEXT,
  UUID_TEXT,
} from '@portward/model/json-schema.ts';
import type { Resource } from '@portward/model/resource.ts';
import { answerSchema, createSchema, updateSchema } from '@portward/model/resource-schema.ts';
import type { Collection } from '../../networking/collection.ts';
import { filterNames, sortKeys, TAG_FILTERS } from '../../networking/list-query.ts';
import { type Described, documented, HIDDEN, type Operation, type Outcome, type Parameter } from '../../operation.ts';
import { pluralKey } from '../resource-body.ts';
import { withArticle } from './route-summary.ts';

export type Verb = 'list' | 'show' | 'create' | 'update' | 'delete';

/** Options of the route that does `verb` on a collection: hidden where the collection refuses it. */
export function collectionOperation(collection: Collection, verb: Verb): Described {
  const { rules, definition } = collection;
  const rule = { list: true, show: true, create: rules.create, update: rules.update, delete: rules.remove }[verb];
  if (rule === undefined) return HIDDEN;
  const operation = (): Operation => {
    const subject = verb === 'list' ? pluralKey(definition) : definition.name;
    const words = subject.replaceAll('_', ' ');
    return {
      group: definition.collection.replaceAll('_', '-'),
      operationId: `${verb}${schemaName(subject)}`,
      summary: `${schemaName(verb)} ${verb === 'list' ? words : withArticle(words)}`,
      ...(rules.adminWrites && verb !== 'list' && verb !== 'show' && { description: 'For admins only.' }),
      ...DETAILS[verb](collection),
    };
  };
  return documented(operation);
}

/** Options of the route of an action, a PUT on `<object>/<action>` that no plain update does. */
export function actionOperation({ definition }: Collection, action: string): Described {
  return documented(() => ({
    group: definition.collection.replaceAll('_', '-'),
    summary: `${schemaName(action.replace(/_.*/, ''))} ${action.replace(/^[^_]*_/, '').replaceAll('_', ' ')} of ${withArticle(definition.name.replaceAll('_', ' '))}`,
    body: { type: 'object' },
    answers: { 200: { description: 'What is there now' }, ...refused(400, 403, 404, 409) },
  }));
}

const createName = (definition: Resource): string => `${schemaName(definition.name)}Create`;
const updateName = (definition: Resource): string => `${schemaName(definition.name)}Update`;
const reference = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const shown = (definition: Resource): Record<string, JsonSchema> => ({
  [schemaName(definition.name)]: answerSchema(definition),
});
const one = (definition: Resource): JsonSchema => objectOf({ [definition.name]: resourceRef(definition.name) });
const refused = (...statuses: number[]): Record<string, Outcome> =>
  Object.fromEntries(statuses.map((status) => [String(status), { description: REFUSALS[status] as string }]));

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'The request makes no sense: a body, an attribute, a filter',
  403: 'Visible, and not the caller’s to change',
  404: 'Not there, or not visible to the caller',
  409: 'The present state is in the way',
  412: 'The revision is not the one that `If-Match` names',
};

const FIELDS: Parameter = {
  name: 'fields',
  in: 'query',
  description: 'Attributes to answer; repeatable. Without it: all. What it leaves out is absent, required or not.',
  schema: arrayOf(TEXT),
};
const IF_MATCH: Parameter = {
  name: 'If-Match',
  in: 'header',
  description: '`revision_number=N`: done only while the object has that revision. Other values mean nothing.',
  schema: TEXT,
};
const LINKS: JsonSchema = arrayOf(objectOf({ rel: { type: 'string', enum: ['next', 'previous'] }, href: TEXT }));

const DETAILS: Readonly<Record<Verb, (collection: Collection) => Operation>> = {
  list: ({ definition, rules }) => {
    const plural = pluralKey(definition);
    return {
      parameters: [...listParameters(definition, Object.keys(rules.filters ?? {}), rules.ignoredFilters ?? [])],
      answers: {
        200: {
          description: 'Those that the caller may see',
          schema: objectOf({ [plural]: arrayOf(resourceRef(definition.name)), [`${plural}_links`]: LINKS }, [
            `${plural}_links`,
          ]),
        },
        ...refused(400, 404),
      },
      schemas: shown(definition),
    };
  },
  show: ({ definition }) => ({
    parameters: [FIELDS],
    answers: { 200: { description: 'The object', schema: one(definition) }, ...refused(404) },
    schemas: shown(definition),
  }),
  create: ({ definition }) => {
    const single = objectOf({ [definition.name]: reference(createName(definition)) });
    const plural = pluralKey(definition);
    const list = objectOf({ [plural]: arrayOf(reference(createName(definition))) });
    const made = objectOf({ [plural]: arrayOf(resourceRef(definition.name)) });
    return {
      ...(definition.bulk && { description: 'A list makes all of them or none.' }),
      body: definition.bulk ? { anyOf: [single, list] } : single,
      answers: {
        201: {
          description: 'What was made, in the same form',
          schema: definition.bulk ? { anyOf: [one(definition), made] } : one(definition),
        },
        ...refused(400, 403, 404, 409),
      },
      schemas: { ...shown(definition), [createName(definition)]: createSchema(definition) },
    };
  },
  update: ({ definition }) => ({
    parameters: [IF_MATCH],
    body: objectOf({ [definition.name]: reference(updateName(definition)) }),
    answers: {
      200: { description: 'The object as it is now', schema: one(definition) },
      ...refused(400, 403, 404, 409, 412),
    },
    schemas: { ...shown(definition), [updateName(definition)]: updateSchema(definition) },
  }),
  delete: () => ({
    parameters: [IF_MATCH],
    answers: { 204: { description: 'Gone' }, ...refused(403, 404, 409, 412) },
  }),
};

/** Every parameter that a list takes: filters, and what is the same for all. */
function* listParameters(
  definition: Resource,
  custom: readonly string[],
  ignored: readonly string[],
): Generator<Parameter> {
  for (const name of filterNames(definition, custom)) {
    const declared = definition.attributes[name === 'tenant_id' ? 'project_id' : name];
    yield { name, in: 'query', ...filterParameter(name, declared) };
  }
  for (const name of ignored) yield { name, in: 'query', description: 'Accepted, and means nothing', schema: TEXT };
  yield FIELDS;
  const keys = arrayOf({ type: 'string', enum: sortKeys(definition) });
  yield { name: 'sort_key', in: 'query', description: 'Attribute to sort by; repeatable', schema: keys };
  yield {
    name: 'sort_dir',
    in: 'query',
    description: 'Direction; one for each `sort_key`',
    schema: arrayOf({ type: 'string', enum: ['asc', 'desc'] }),
  };
  yield {
    name: 'limit',
    in: 'query',
    description: 'Most items of a page; 0: all',
    schema: { type: 'integer', minimum: 0 },
  };
  yield { name: 'marker', in: 'query', description: 'Id of the item that the page comes after', schema: UUID_TEXT };
  yield { name: 'page_reverse', in: 'query', description: 'The page before the marker', schema: { type: 'boolean' } };
}

const TAG_MEANINGS: Readonly<Record<string, string>> = {
  tags: 'Has all of these tags, comma separated',
  'tags-any': 'Has one of these tags, comma separated',
  'not-tags': 'Lacks one of these tags, comma separated',
  'not-tags-any': 'Has none of these tags, comma separated',
};

function filterParameter(
  name: string,
  declared: Resource['attributes'][string] | undefined,
): Omit<Parameter, 'name' | 'in'> {
  if (TAG_FILTERS.has(name)) return { description: TAG_MEANINGS[name] as string, schema: TEXT };
  if (name === 'changed_since')
    return { description: 'Changed at this time or later', schema: { type: 'string', format: 'date-time' } };
  const answer = declared === undefined ? TEXT : shapeOf(declared.schema, declared.storage).answer;
  // What holds several values is filtered by one of them, or by the rule's own form, which is text.
  const plain = typeof answer.type === 'string' && answer.type !== 'array' && answer.type !== 'object';
  return {
    description: `Has one of these values. ${declared?.doc ?? ''}`.trim(),
    schema: arrayOf(plain ? answer : TEXT),
  };
}
