import { attribute, boolean, given, nullable, readOnly, text } from './attribute.ts';
import { defineResource, identified, name, type ObjectOf, shared, tags } from './resource.ts';
import type { SecurityGroupRule } from './security-group-rule.ts';

/** A set of rules about what may reach, and leave, the ports that carry it. */
export const securityGroup = defineResource({
  name: 'security_group',
  collection: 'security-groups',
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
    shared: readOnly(given<boolean>(), shared),
    security_group_rules: readOnly(given<SecurityGroupRule[]>(), { storage: 'computed', doc: 'Its rules, whole' }),
    tags,
  },
});

export type SecurityGroup = ObjectOf<typeof securityGroup>;
