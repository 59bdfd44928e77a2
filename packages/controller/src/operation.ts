import type { JsonSchema } from '@portward/model/json-schema.ts';
import type { FastifyContextConfig } from 'fastify';

/** A parameter of a query, or a header; those of a path are known from the path. */
export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'header';
  readonly description: string;
  readonly schema: JsonSchema;
}

/** What one status means, and what comes with it. */
export interface Outcome {
  readonly description: string;
  readonly schema?: JsonSchema;
  /** JSON unless said otherwise. */
  readonly mediaType?: string;
}

/** What the OpenAPI document says of a route beyond what its method and path tell. */
export interface Operation {
  readonly operationId?: string;
  /** What it is listed under; what its path says, unless said otherwise. */
  readonly group?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly body?: JsonSchema;
  /** By status. Refusals that every route of the room can answer are added. */
  readonly answers?: Readonly<Record<string, Outcome>>;
  /** Whether it is for agents, which have a token of their own. */
  readonly forAgents?: boolean;
  /** Named schemas that the others refer to. */
  readonly schemas?: Readonly<Record<string, JsonSchema>>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For the OpenAPI document; made when it is first asked for. `hidden`: a route that only refuses. */
    operation?: (() => Operation) | 'hidden';
    /** Whether the route needs no token. */
    open?: boolean;
  }
}

/** Options of a route that say how it is described. */
export interface Described {
  readonly config: FastifyContextConfig;
}

/** Options of a route with a description. */
export const documented = (operation: () => Operation): Described => ({ config: { operation } });

/** Options of a route that needs no token, with a description if its path does not say enough. */
export const openTo = (operation: () => Operation): Described => ({ config: { operation, open: true } });
export const OPEN: Described = { config: { open: true } };

/** Options of a route that is only there to refuse. */
export const HIDDEN: Described = { config: { operation: 'hidden' } };
