import type { JsonObject } from '../cell.ts';
import { isObject, pythonText, Shaped } from '../cell.ts';
import type { Call, Command } from '../command.ts';
import { listOutput, showOutput } from '../execute.ts';
import type { ShowOutput } from '../format.ts';

/** The token this command signed in with: the one place where a secret is what was asked for. */
async function issueToken({ session }: Call): Promise<ShowOutput> {
  const { tokenBody, token, projectId, userId } = session;
  const expires = pythonText(tokenBody.expires_at ?? null).replace(/(?:\.\d+)?Z$/, '+0000');
  const domain = isObject(tokenBody.domain) ? tokenBody.domain.id : undefined;
  const shown: JsonObject = {
    expires,
    id: token,
    ...(projectId === undefined ? {} : { project_id: projectId }),
    ...(userId === undefined ? {} : { user_id: userId }),
    ...(domain === undefined ? {} : { domain_id: domain }),
    ...(isObject(tokenBody.system) ? { system: 'all' } : {}),
  };
  return showOutput(undefined, shown);
}

/** Region and address of each endpoint, one a line. */
function endpointsCell(value: JsonObject[string]): Shaped | string {
  const endpoints = Array.isArray(value) ? value.filter(isObject) : [];
  const lines = endpoints.map((endpoint) => {
    const region = endpoint.region_id ?? endpoint.region ?? '<none>';
    const { interface: kind = null, url = null } = endpoint;
    return `${pythonText(region)}\n  ${pythonText(kind)}: ${pythonText(url)}\n`;
  });
  return new Shaped(lines.join(''), value);
}

/** A service of the catalog by its name or type. */
async function showCatalog({ values, session, remark }: Call): Promise<ShowOutput> {
  const name = values.text('service') ?? '';
  const found = session.catalog.find((entry) => entry.name === name || entry.type === name);
  if (found === undefined) {
    remark(`service ${name} not found\n`);
    return showOutput([], {});
  }
  const fields = Object.keys(found)
    .filter((attr) => attr !== 'links')
    .map((attr) => (attr === 'endpoints' ? { name: attr, attr, cell: endpointsCell } : { name: attr, attr }));
  return showOutput(fields, found);
}

/** `token …`, `catalog …` */
export const commands: readonly Command[] = [
  {
    words: 'token issue',
    help: 'Sign in and print the token',
    example: 'token issue -f value -c id',
    action: { do: 'call', output: 'show', run: issueToken },
  },
  {
    words: 'token revoke',
    help: 'Make a token worthless',
    example: 'token revoke "$TOKEN"',
    arguments: [{ name: 'token', help: 'The token' }],
    action: {
      do: 'call',
      output: 'none',
      run: async ({ values, session }) => {
        const subject = { 'X-Subject-Token': values.text('token') ?? '' };
        await session.request('identity', 'DELETE', '/auth/tokens', { headers: subject });
        return undefined;
      },
    },
  },
  {
    words: 'catalog show',
    help: 'Show a service and its endpoints',
    example: 'catalog show network',
    arguments: [{ name: 'service', help: 'Service (name or type)' }],
    action: { do: 'call', output: 'show', run: showCatalog },
  },
  {
    words: 'catalog list',
    help: 'List the services and their endpoints',
    example: 'catalog list',
    action: {
      do: 'call',
      output: 'list',
      run: async ({ session }) =>
        listOutput(
          [
            { title: 'Name', attr: 'name' },
            { title: 'Type', attr: 'type' },
            { title: 'Endpoints', attr: 'endpoints', cell: endpointsCell },
          ],
          session.catalog,
        ),
    },
  },
];
