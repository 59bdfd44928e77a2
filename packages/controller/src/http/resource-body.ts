import { badRequest } from '@portward/model/api-error.ts';
import type { Resource } from '@portward/model/resource.ts';

type Body = Record<string, unknown>;

const isObject = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The inner objects of a POST, and whether they came as a list; throws Neutron's 400s. */
export function createBodies(definition: Resource, body: unknown): { bodies: Body[]; bulk: boolean } {
  const outer = outerObject(body);
  const plural = pluralKey(definition);
  if (definition.bulk && Object.hasOwn(outer, plural) && !Object.hasOwn(outer, definition.name)) {
    const list = outer[plural];
    if (!Array.isArray(list) || list.length === 0) throw badRequest('Resources required');
    return { bodies: list.map((item) => innerObject(definition, item)), bulk: true };
  }
  return { bodies: [singleBody(definition, body)], bulk: false };
}

/** The inner object of a PUT or single POST. */
export function singleBody(definition: Resource, body: unknown): Body {
  const outer = outerObject(body);
  if (!Object.hasOwn(outer, definition.name)) throw badRequest(`Unable to find '${definition.name}' in request body`);
  return innerObject(definition, outer[definition.name]);
}

/** A body that must be there, and an object. */
export function outerObject(body: unknown): Body {
  if (body === undefined || body === null || body === '') throw badRequest('Resource body required');
  if (!isObject(body)) throw badRequest('Body contains invalid data');
  if (Object.keys(body).length === 0) throw badRequest('Resource body required');
  return body;
}

function innerObject(definition: Resource, value: unknown): Body {
  if (!isObject(value)) throw badRequest(`Object '${definition.name}' contains invalid data`);
  return value;
}

/** Key of a list in a body: `security_groups`, where the path says `security-groups`. */
export const pluralKey = (definition: Resource): string => definition.collection.replaceAll('-', '_');
