import { ApiError, badRequest } from '@portward/model/api-error.ts';
import { pythonText } from '@portward/model/attribute.ts';
import type { Caller } from '../caller.ts';
import type { Reader, Store, Transaction } from '../store/store.ts';
import type { Collection, Page } from './collection.ts';
import {
  invalidDhcpAgent,
  invalidL3Agent,
  networkHosted,
  networkNotHosted,
  routerHosted,
  routerNotHosted,
} from './errors.ts';
import { parseFields, type QueryString } from './list-query.ts';
import type { Context } from './rules.ts';
import { scheduleNetwork, scheduleRouter, unscheduleNetwork, unscheduleRouter } from './scheduling.ts';

type Body = Record<string, unknown>;

/** What agents of one type carry out: each object on one host. */
interface Task {
  readonly agentType: 'L3 agent' | 'DHCP agent';
  /** Collection and table of the objects. */
  readonly objects: 'routers' | 'networks';
  /** Their path below an agent, and its singular, which policies are named after. */
  readonly path: 'l3-routers' | 'dhcp-networks';
  readonly rule: 'l3-router' | 'dhcp-network';
  /** Path of the agents below an object. */
  readonly agentsPath: 'l3-agents' | 'dhcp-agents';
  /** Key of a POST's body. */
  readonly key: 'router_id' | 'network_id';
  /** What agents show beside their own attributes when asked for by object. */
  readonly more: Body;
  readonly unfit: (agent: string) => ApiError;
  readonly hosted: (object: string, agent: string) => ApiError;
  readonly notHosted: (object: string, agent: string) => ApiError;
  /** Whether it is an error to give an agent what it has. */
  readonly refusesSame: boolean;
  readonly schedule: (tx: Transaction, id: string, host: string) => Promise<void>;
  readonly unschedule: (tx: Transaction, id: string) => Promise<void>;
}

/** What can be given to agents. */
export const TASKS: readonly Task[] = [
  {
    agentType: 'L3 agent',
    objects: 'routers',
    path: 'l3-routers',
    rule: 'l3-router',
    agentsPath: 'l3-agents',
    key: 'router_id',
    // Of a router that more than one host stands by for; there are none yet.
    more: { ha_state: null },
    unfit: invalidL3Agent,
    hosted: routerHosted,
    notHosted: routerNotHosted,
    refusesSame: false,
    schedule: scheduleRouter,
    unschedule: unscheduleRouter,
  },
  {
    agentType: 'DHCP agent',
    objects: 'networks',
    path: 'dhcp-networks',
    rule: 'dhcp-network',
    agentsPath: 'dhcp-agents',
    key: 'network_id',
    more: {},
    unfit: invalidDhcpAgent,
    hosted: networkHosted,
    notHosted: networkNotHosted,
    refusesSame: true,
    schedule: scheduleNetwork,
    unschedule: unscheduleNetwork,
  },
];

/** Throws 403 unless the caller is an admin. */
function requireAdmin(caller: Caller, rule: string): void {
  if (!caller.isAdmin) throw new ApiError(403, 'PolicyNotAuthorized', `rule:${rule} is disallowed by policy`);
}

/** What of a query there is to go by. Neutron looks at none of it here, so that Horizon's `search_opts` does no harm. */
const filtersOf = ({ definition }: Collection, query: QueryString): QueryString =>
  Object.fromEntries(
    Object.entries(query).filter(([key]) => key === 'fields' || Object.hasOwn(definition.attributes, key)),
  );

/** Which agent carries what, and how an admin changes that. Data planes are told in the same transaction. */
export class AgentScheduling {
  readonly #store: Store;
  readonly #collections: ReadonlyMap<string, Collection>;

  constructor(store: Store, collections: ReadonlyMap<string, Collection>) {
    this.#store = store;
    this.#collections = collections;
  }

  /** The objects that an agent carries. Throws 403, and 404 of the agent. */
  async objectsOf(task: Task, agentId: string, query: QueryString, context: Context): Promise<Page> {
    requireAdmin(context.caller, `get_${task.path}`);
    const agent = await this.#store.read((db) => this.#agent(db, agentId, context));
    const host = agent.agent_type === task.agentType ? agent.host : null;
    const collection = this.#collection(task.objects);
    return collection.list(filtersOf(collection, query), context, (select) => select.where('agent_host', '=', host));
  }

  /** The agents that carry an object: one or none. Throws 403, and 404 of the object. */
  async agentsOf(task: Task, id: string, query: QueryString, context: Context): Promise<Body[]> {
    requireAdmin(context.caller, `get_${task.agentsPath}`);
    const object = await this.#store.read((db) => this.#collection(task.objects).find(db, id, context));
    const { agent_host: host } = object as unknown as { agent_host: string | null };
    const agents = this.#collection('agents');
    const { items } = await agents.list(filtersOf(agents, query), context, (select) =>
      select.where('host', '=', host).where('agent_type', '=', task.agentType),
    );
    const fields = parseFields(query);
    const more = Object.entries(task.more).filter(([key]) => fields.size === 0 || fields.has(key));
    return items.map((item) => ({ ...item, ...Object.fromEntries(more) }));
  }

  /** Gives an object to an agent. Throws 403, 404 and, where another has it, 409. */
  async add(task: Task, agentId: string, body: Body, context: Context): Promise<void> {
    requireAdmin(context.caller, `create_${task.rule}`);
    const id = objectId(task, body);
    await this.#store.write(async (tx) => {
      const object = await this.#collection(task.objects).find(tx.db, id, context);
      const agent = await this.#agent(tx.db, agentId, context);
      if (agent.agent_type !== task.agentType || !agent.admin_state_up) throw task.unfit(agentId);
      const present = await agentAt(tx.db, task, (object as unknown as { agent_host: string | null }).agent_host);
      if (present === agentId && !task.refusesSame) return;
      if (present !== undefined) throw task.hosted(id, present);
      await task.schedule(tx, id, agent.host);
    });
  }

  /** Takes an object from an agent: nobody carries it then. Throws 403, 404, and 409 of what the agent does not have. */
  async remove(task: Task, agentId: string, id: string, context: Context): Promise<void> {
    requireAdmin(context.caller, `delete_${task.rule}`);
    await this.#store.write(async (tx) => {
      const agent = await this.#agent(tx.db, agentId, context);
      const object = await tx.db
        .selectFrom(task.objects)
        .select('agent_host')
        .where('id', '=', id)
        .limit(1)
        .executeTakeFirst();
      if (agent.agent_type !== task.agentType || object?.agent_host !== agent.host) throw task.notHosted(id, agentId);
      await task.unschedule(tx, id);
    });
  }

  #collection(path: string): Collection {
    return this.#collections.get(path) as Collection;
  }

  async #agent(db: Reader, id: string, context: Context) {
    const agent = await this.#collection('agents').find(db, id, context);
    return agent as unknown as { agent_type: string; host: string; admin_state_up: boolean };
  }
}

/** The id of the agent that does the task on the host; undefined: nobody does. */
async function agentAt(db: Reader, { agentType }: Task, host: string | null): Promise<string | undefined> {
  if (host === null) return undefined;
  const row = await db
    .selectFrom('agents')
    .select('id')
    .where('host', '=', host)
    .where('agent_type', '=', agentType)
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}

/** What a POST is about; throws 400. */
function objectId({ key }: Task, body: Body): string {
  const { [key]: id, ...rest } = body;
  const unknown = Object.keys(rest);
  if (unknown.length > 0) throw badRequest(`Unrecognized attribute(s) '${unknown.sort().join(', ')}'`);
  if (id === undefined) throw badRequest(`Failed to parse request. Required attribute '${key}' not specified`);
  if (typeof id !== 'string') {
    throw badRequest(`Invalid input for ${key}. Reason: '${pythonText(id)}' is not a valid string.`);
  }
  return id;
}
