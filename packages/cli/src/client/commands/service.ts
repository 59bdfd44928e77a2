import type { JsonObject } from '../cell.ts';
import type { Call, Column, Command, Option } from '../command.ts';
import { ClientError, MissingError } from '../errors.ts';
import { deleteEach, listOutput, showOutput } from '../execute.ts';
import type { ListOutput, ShowOutput } from '../format.ts';
import { endpoint, findInDomain, project, service } from '../other-resources.ts';
import { find, idOf, listAll, objectPath, unwrapped } from '../resolve.ts';

const SERVICE = { name: 'service', help: 'Service (type, name or ID)' };
const ENDPOINT = { name: 'endpoint-id', help: 'ID of the endpoint' };
const INTERFACES = ['admin', 'public', 'internal'];

const ENABLE: readonly Option[] = [
  { flag: '--enable', help: 'Enabled', attr: 'enabled', value: true, group: 'enable' },
  { flag: '--disable', help: 'Disabled', attr: 'enabled', value: false, group: 'enable' },
];

const REGION: Option = { flag: '--region', metavar: '<region>', help: 'Region (ID)', attr: 'region_id' };

const serviceColumns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'Type', attr: 'type' },
];

const endpointColumns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Region', attr: 'region' },
  { title: 'Service Name', attr: 'service_name' },
  { title: 'Service Type', attr: 'service_type' },
  { title: 'Enabled', attr: 'enabled' },
  { title: 'Interface', attr: 'interface' },
  { title: 'URL', attr: 'url' },
];

/**
 * The service of that id, name or type.
 *
 * @throws ClientError when there is none, or several.
 */
async function findService({ session }: Call, text: string): Promise<JsonObject> {
  try {
    return await find(session, service, text);
  } catch (error) {
    if (!(error instanceof MissingError)) throw error;
    const [only, other] = await listAll(session, service, { type: text });
    if (only === undefined) throw new MissingError(`No service with a type, name or ID of '${text}' exists.`);
    if (other !== undefined) {
      throw new ClientError(`Multiple service matches found for '${text}', use an ID to be more specific.`);
    }
    return only;
  }
}

function withService(object: JsonObject, owner: JsonObject | undefined): JsonObject {
  return { ...object, service_name: owner?.name ?? '', service_type: owner?.type ?? '' };
}

async function listEndpoints(call: Call): Promise<ListOutput> {
  const { values, session } = call;
  const ofService = values.text('--service');
  const inProject = values.text('--project');
  const query = {
    service_id: ofService === undefined ? undefined : idOf(await findService(call, ofService)),
    interface: values.text('--interface'),
    region_id: values.text('--region'),
  };
  const path =
    inProject === undefined
      ? undefined
      : `/OS-EP-FILTER/projects/${await findInDomain(call, project, inProject, '--project-domain')}/endpoints`;
  const found = await listAll(session, endpoint, path === undefined ? query : {}, undefined, path);
  const services = new Map((await listAll(session, service, {})).map((item) => [item.id, item]));
  return listOutput(
    endpointColumns,
    found.map((item) => withService(item, services.get(item.service_id ?? null))),
    '',
  );
}

async function showEndpoint(call: Call): Promise<ShowOutput> {
  const found = await find(call.session, endpoint, call.values.text('endpoint') ?? '');
  const owner = await findService(call, String(found.service_id ?? ''));
  return showOutput(undefined, withService(found, owner));
}

async function createEndpoint(call: Call): Promise<ShowOutput> {
  const { values, session } = call;
  const owner = await findService(call, values.text('service') ?? '');
  const region = values.text('--region');
  const body = {
    endpoint: {
      service_id: idOf(owner),
      interface: values.text('interface') ?? '',
      url: values.text('url') ?? '',
      enabled: !values.has('--disable'),
      ...(region === undefined ? {} : { region_id: region }),
    },
  };
  const answer = await session.request('identity', 'POST', endpoint.collection, { body });
  return showOutput(undefined, withService(unwrapped(endpoint, answer.body), owner));
}

const serviceChanges: readonly Option[] = [
  { flag: '--name', metavar: '<name>', help: 'Name', attr: 'name' },
  { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
  ...ENABLE,
];

/** `service …`, `endpoint …` */
export const commands: readonly Command[] = [
  {
    words: 'service create',
    help: 'Create a service, for endpoints to belong to',
    example: 'service create --name neutron network',
    arguments: [{ name: 'type', help: 'Type of the service', attr: 'type' }],
    options: serviceChanges,
    action: { do: 'create', resource: service, start: { enabled: true } },
  },
  {
    words: 'service list',
    help: 'List services',
    example: 'service list',
    options: [{ flag: '--long', help: 'More columns' }],
    action: {
      do: 'list',
      resource: service,
      columns: serviceColumns,
      long: [
        { title: 'Description', attr: 'description' },
        { title: 'Enabled', attr: 'enabled' },
      ],
    },
  },
  {
    words: 'service show',
    help: 'Show a service',
    example: 'service show network',
    arguments: [SERVICE],
    action: {
      do: 'call',
      output: 'show',
      run: async (call) => showOutput(undefined, await findService(call, call.values.text('service') ?? '')),
    },
  },
  {
    words: 'service set',
    help: 'Change a service',
    example: 'service set --name networking network',
    arguments: [SERVICE],
    options: [{ flag: '--type', metavar: '<type>', help: 'Type', attr: 'type' }, ...serviceChanges],
    action: {
      do: 'call',
      output: 'none',
      run: async (call) => {
        const { values, session } = call;
        const found = await findService(call, values.text('service') ?? '');
        const texts = ['type', 'name', 'description'].flatMap((attr) => {
          const text = values.text(`--${attr}`);
          return text === undefined ? [] : [[attr, text] as const];
        });
        const enabled = values.has('--enable') ? { enabled: true } : values.has('--disable') ? { enabled: false } : {};
        const body = { service: { ...Object.fromEntries(texts), ...enabled } };
        await session.request('identity', 'PATCH', objectPath(service, idOf(found)), { body });
        return undefined;
      },
    },
  },
  {
    words: 'service delete',
    help: 'Delete services',
    example: 'service delete network',
    arguments: [{ ...SERVICE, many: true }],
    action: {
      do: 'call',
      output: 'none',
      run: async (call) => {
        const remove = async (name: string): Promise<void> => {
          const path = objectPath(service, idOf(await findService(call, name)));
          await call.session.request('identity', 'DELETE', path);
        };
        await deleteEach({ ...service, namedBy: 'type, name or ID' }, call.values.texts('service'), call, remove);
        return undefined;
      },
    },
  },
  {
    words: 'endpoint create',
    help: 'Create an endpoint: where a service is reached',
    example: 'endpoint create network public https://network.example.org',
    arguments: [
      SERVICE,
      { name: 'interface', help: `Interface: ${INTERFACES.join(', ')}` },
      { name: 'url', help: 'Its address' },
    ],
    options: [REGION, ...ENABLE],
    action: { do: 'call', output: 'show', run: createEndpoint },
  },
  {
    words: 'endpoint list',
    help: 'List endpoints',
    example: 'endpoint list --service network',
    options: [
      { flag: '--service', metavar: '<service>', help: 'Of this service (type, name or ID)' },
      { flag: '--interface', metavar: '<interface>', help: 'Of this interface', choices: INTERFACES },
      { ...REGION, help: 'In this region (ID)' },
      { flag: '--project', metavar: '<project>', help: 'Of this project (name or ID)' },
      { flag: '--project-domain', metavar: '<domain>', help: 'Domain of that project (name or ID)' },
    ],
    action: { do: 'call', output: 'list', run: listEndpoints },
  },
  {
    words: 'endpoint show',
    help: 'Show an endpoint',
    example: 'endpoint show 1d8ae7ace8d84b36aa20ab1bbd1f07a1',
    arguments: [{ ...ENDPOINT, name: 'endpoint' }],
    action: { do: 'call', output: 'show', run: showEndpoint },
  },
  {
    words: 'endpoint set',
    help: 'Change an endpoint',
    example: 'endpoint set --url https://network.example.org 1d8ae7ace8d84b36aa20ab1bbd1f07a1',
    arguments: [ENDPOINT],
    options: [
      REGION,
      { flag: '--interface', metavar: '<interface>', help: 'Interface', choices: INTERFACES, attr: 'interface' },
      { flag: '--url', metavar: '<url>', help: 'Its address', attr: 'url' },
      {
        flag: '--service',
        metavar: '<service>',
        help: 'Service (type, name or ID)',
        attr: 'service_id',
        convert: async (text, call) => idOf(await findService(call, text)),
      },
      ...ENABLE,
    ],
    action: { do: 'set', resource: endpoint },
  },
  {
    words: 'endpoint delete',
    help: 'Delete endpoints',
    example: 'endpoint delete 1d8ae7ace8d84b36aa20ab1bbd1f07a1',
    arguments: [{ ...ENDPOINT, many: true }],
    action: { do: 'delete', resource: endpoint },
  },
];
