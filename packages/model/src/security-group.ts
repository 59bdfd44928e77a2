import { attribute, boolean, given, nullable, readOnly, text } from './attribute.ts';
import { arrayOf, type JsonSchema, TEXT } from './json-schema.ts';
import { defineResource, identified, name, type ObjectOf, shared, tags } from './resource.ts';
import { answerSchema } from './resource-schema.ts';
import { type SecurityGroupRule, securityGroupRule } from './security-group-rule.ts';

const RULE = answerSchema(securityGroupRule);
/** A group lists its rules with one key more than they have alone, as Neutron does. */
const LISTED_RULE: JsonSchema = {
  ...RULE,
  properties: { ...RULE.properties, tags: arrayOf(TEXT) },
  required: [...(RULE.required ?? []), 'tags'],
};

/** A set of rules about what may reach, and leave, the ports that carry it. */
export const securityGroup = defineResource({
  name: 'security_group',
  collection: 'security-groups',
  doc: 'A set of rules about what may reach, and leave, the ports that carry it. Each project has one named `default`, made when it is first needed.',
  tagged: true,
  bulk: true,
  shareActions: ['access_as_shared'],
  quota: 10,
  notFound: { type: 'SecurityGroupNotFound', message: (id) => `Security group ${id} does not exist` },
  attributes: {
    ...identified,
    name,
    description: attribute(nullable(text(255)), { default: '', doc: 'Free text' }),
    stateful: attribute(boolean(), {
      storage: 'boolean',
      default: true,
      doc: 'Whether replies pass without a rule of their own',
    }),
    shared: readOnly(given<boolean>({ type: 'boolean' }), shared),
    security_group_rules: readOnly(given<SecurityGroupRule[]>(arrayOf(LISTED_RULE)), {
      storage: 'computed',
      doc: 'Its rules, whole',
    }),
    tags,
  },
});

export type SecurityGroup = ObjectOf<typeof securityGroup>;
