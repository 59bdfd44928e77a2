import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type AgentScheduling, TASKS } from '../networking/agent-scheduling.ts';
import type { QueryString } from '../networking/list-query.ts';
import type { Context } from '../networking/rules.ts';
import { documented } from '../operation.ts';
import { outerObject } from './resource-body.ts';

type ById = { Params: { id: string } };
type ByObject = { Params: { id: string; object: string } };

/** Which agents carry which routers and networks, and how to change that: below agents, routers and networks. */
export function agentSchedulingRoutes(
  app: FastifyInstance,
  scheduling: AgentScheduling,
  contextOf: (request: FastifyRequest) => Context,
): void {
  const queryOf = (request: FastifyRequest): QueryString => request.query as QueryString;
  for (const task of TASKS) {
    app.get<ById>(`/agents/:id/${task.path}`, async (request) => {
      const page = await scheduling.objectsOf(task, request.params.id, queryOf(request), contextOf(request));
      return { [task.objects]: page.items };
    });
    app.post<ById>(
      `/agents/:id/${task.path}`,
      documented(() => ({ summary: `Let an agent carry one of the ${task.objects}` })),
      async (request, reply) => {
        await scheduling.add(task, request.params.id, outerObject(request.body), contextOf(request));
        return reply.code(201).header('content-type', 'application/json; charset=utf-8').send('null');
      },
    );
    app.delete<ByObject>(`/agents/:id/${task.path}/:object`, async (request, reply) => {
      await scheduling.remove(task, request.params.id, request.params.object, contextOf(request));
      return reply.code(204).send();
    });
    app.get<ById>(`/${task.objects}/:id/${task.agentsPath}`, async (request) => ({
      agents: await scheduling.agentsOf(task, request.params.id, queryOf(request), contextOf(request)),
    }));
  }
}
