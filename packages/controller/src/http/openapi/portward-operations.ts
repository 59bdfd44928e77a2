import { type JsonSchema, objectOf, orNull, TEXT, TIMESTAMP } from '@portward/model/json-schema.ts';
import { reportJsonSchema } from '../../networking/agent-report.ts';
import { documented } from '../../operation.ts';

/** Descriptions of the routes below `/portward/v1`. */

export const feedOperation = documented(() => ({
  summary: 'Follow changes, as agents do',
  description: 'A stream of JSON lines that does not end: a snapshot, `synced`, then changes in commit order.',
  forAgents: true,
  parameters: [
    {
      name: 'after',
      in: 'query',
      description: 'Sequence number of the last change that is known; without it a snapshot comes first',
      schema: { type: 'integer', minimum: 0 },
    },
  ],
  answers: {
    200: { description: 'Changes', mediaType: 'application/x-ndjson', schema: { type: 'object' } },
    400: { description: 'No sequence number' },
  },
}));

export const reportOperation = documented(() => ({
  summary: 'Say how objects stand on a host, as agents do',
  forAgents: true,
  body: reportJsonSchema(),
  answers: { 204: { description: 'Taken down' }, 400: { description: 'No report' } },
}));

const REVISION: JsonSchema = { type: 'integer' };
const STATUS = objectOf({
  status: { type: 'string', enum: ['ACTIVE', 'DOWN', 'ERROR'] },
  reason: { ...orNull(TEXT), description: 'Why it is not ACTIVE' },
  host: { ...orNull(TEXT), description: 'Host that reported last' },
  host_alive: {
    ...orNull({ type: 'boolean' }),
    description: 'Whether its agent still reports; if not, this is how it stood when last heard of',
  },
  revision_number: { ...REVISION, description: 'Of the object' },
  applied_revision: { ...orNull(REVISION), description: 'That the host has carried out' },
  updated_at: orNull(TIMESTAMP),
});

export const statusOperation = documented(() => ({
  answers: {
    200: { description: 'How it stands on its host', schema: STATUS },
    404: { description: 'Not there, or not visible to the caller' },
  },
}));

const COUNT: JsonSchema = { type: 'integer', minimum: 0 };
const PROGRESS = objectOf(
  {
    position: { ...COUNT, description: 'Number of the last change that was committed before the request' },
    settled: {
      type: 'boolean',
      description: 'Whether every live host has carried out all changes up to there, or has said of what it could not',
    },
    live_hosts: COUNT,
    behind: { ...COUNT, description: 'Of these, the hosts that have not' },
    hosts: {
      type: 'array',
      description: 'For administrators',
      items: objectOf({ host: TEXT, alive: { type: 'boolean' }, position: COUNT }),
    },
  },
  ['hosts'],
);

export const progressOperation = documented(() => ({
  summary: 'Ask whether the hosts have carried out all that was asked for, and wait until they have',
  parameters: [
    {
      name: 'wait',
      in: 'query',
      description: 'Seconds to wait at most; 0 unless given',
      schema: { type: 'integer', minimum: 0, maximum: 60 },
    },
  ],
  answers: {
    200: { description: 'How far the hosts are', schema: PROGRESS },
    400: { description: 'No number of seconds' },
  },
}));

const AGENT = objectOf({
  alive: { type: 'boolean' },
  started_at: TEXT,
  heartbeat_timestamp: TEXT,
  applied_seq: { ...COUNT, description: 'Number of the last change that it has carried out' },
  position: { ...COUNT, description: 'Number of the last change that there is' },
  drift: { ...COUNT, description: 'Things that it found otherwise than it had left them, since its start' },
  drift_by_kind: {
    type: 'object',
    additionalProperties: COUNT,
    description: 'The same by kind: `address`, `route`, `nft-chain`, …',
  },
});

export const agentOperation = documented(() => ({
  summary: 'Ask what is known of a host’s agent, as `portward doctor` does',
  forAgents: true,
  answers: {
    200: { description: 'The agent, or null when none has reported', schema: objectOf({ agent: orNull(AGENT) }) },
  },
}));
