import { attribute, boolean, given, readOnly, text } from './attribute.ts';
import { orNull } from './json-schema.ts';
import { defineResource, identified, type ObjectOf } from './resource.ts';

/** A task that a Portward agent does on its host; Neutron has a program for each, Portward one for all. */
export const agent = defineResource({
  name: 'agent',
  collection: 'agents',
  doc: 'A task that the Portward agent does on its host. Neutron has a program for each, Portward one for all.',
  notFound: { type: 'AgentNotFound', message: (id) => `Agent ${id} could not be found.` },
  attributes: {
    id: identified.id,
    agent_type: readOnly(given<string>(), { doc: '`L3 agent`, `DHCP agent` or `Linux bridge agent`' }),
    binary: readOnly(given<string>(), { doc: 'Neutron’s program for this type: `neutron-l3-agent`' }),
    host: readOnly(given<string>(), { doc: 'Host name' }),
    topic: readOnly(given<string>(), { doc: 'For Neutron’s message bus; of no meaning here' }),
    alive: readOnly(given<boolean>({ type: 'boolean' }), {
      storage: 'computed',
      filter: true,
      doc: 'Whether it has been heard of lately',
    }),
    admin_state_up: attribute(boolean(), { storage: 'boolean', post: 'denied', doc: 'Whether new work goes to it' }),
    availability_zone: readOnly(given<string>(), { doc: 'Zone' }),
    created_at: readOnly(given<string>(), { filter: false, doc: 'First heard of, `YYYY-MM-DD HH:MM:SS`' }),
    started_at: readOnly(given<string>(), { filter: false, doc: 'Last start' }),
    heartbeat_timestamp: readOnly(given<string>(), { filter: false, doc: 'Last heard of' }),
    configurations: readOnly(given<Record<string, unknown>>({ type: 'object' }), {
      storage: 'json',
      doc: 'What it was started with',
    }),
    description: attribute(text(255), { post: 'denied', doc: 'Free text' }),
    resources_synced: readOnly(given<boolean | null>(orNull({ type: 'boolean' })), {
      storage: 'computed',
      doc: 'Always null',
    }),
    resource_versions: readOnly(given<Record<string, string>>({ type: 'object' }), {
      storage: 'computed',
      doc: 'Always {}',
    }),
  },
});

export type Agent = ObjectOf<typeof agent>;
