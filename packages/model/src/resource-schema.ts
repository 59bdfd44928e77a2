import { type Attribute, shapeOf } from './attribute.ts';
import type { JsonSchema } from './json-schema.ts';
import type { Resource } from './resource.ts';

/** Attributes that the API knows of, in the order of the definition. */
export function publicAttributes(definition: Resource): [string, Attribute][] {
  return Object.entries(definition.attributes).filter(([, { internal }]) => !internal);
}

const ADMIN_ONLY = 'Set by admins only.';

/** What the inner object of a POST looks like. */
export function createSchema(definition: Resource): JsonSchema {
  const settable = publicAttributes(definition).filter(([, { post }]) => post !== 'denied');
  const required = settable.filter(([, { post }]) => post === 'required').map(([name]) => name);
  return {
    ...requestOf(settable, (declared) => ({
      ...(declared.post === 'optional' && 'default' in declared && { default: declared.default }),
    })),
    ...(required.length > 0 && { required }),
  };
}

/** What the inner object of a PUT looks like: what it leaves out stays as it is. */
export function updateSchema(definition: Resource): JsonSchema {
  return requestOf(publicAttributes(definition).filter(([, { put }]) => put));
}

function requestOf(
  attributes: [string, Attribute][],
  more: (declared: Attribute) => JsonSchema = () => ({}),
): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const [name, declared] of attributes) {
    properties[name] = {
      ...shapeOf(declared.schema, declared.storage).request,
      description: declared.adminOnly.set ? `${declared.doc}. ${ADMIN_ONLY}` : declared.doc,
      ...(declared.writeOnly && { writeOnly: true }),
      ...more(declared),
    };
    if (name === 'project_id') properties.tenant_id = { ...properties[name], description: 'Older name of project_id' };
  }
  return { type: 'object', properties, additionalProperties: false };
}

const NUMBER_AS_TEXT: JsonSchema = { type: 'string', pattern: '^[0-9]+$' };

/** What the API shows of an object. What only admins see is not required, because others do not get it. */
export function answerSchema(definition: Resource): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const [name, declared] of publicAttributes(definition)) {
    if (declared.writeOnly) continue;
    const names = name === 'project_id' ? ['project_id', 'tenant_id'] : [name];
    for (const shown of names) {
      properties[shown] = {
        ...(declared.asText ? NUMBER_AS_TEXT : shapeOf(declared.schema, declared.storage).answer),
        description: declared.adminOnly.view ? `${declared.doc}. Shown to admins only.` : declared.doc,
      };
      if (!declared.adminOnly.view) required.push(shown);
    }
  }
  return { type: 'object', properties, required, additionalProperties: false };
}
