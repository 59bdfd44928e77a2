import { adminStateCell } from '../cell.ts';
import type { Call, Column, Command, Resource } from '../command.ts';
import { listOutput } from '../execute.ts';
import { agent, aliveCell, network, router } from '../network-resources.ts';
import { find, findId, idOf, listAll, objectPath } from '../resolve.ts';

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Agent Type', attr: 'agent_type' },
  { title: 'Host', attr: 'host' },
  { title: 'Availability Zone', attr: 'availability_zone' },
  { title: 'Alive', attr: 'alive', cell: aliveCell },
  { title: 'State', attr: 'admin_state_up', cell: adminStateCell },
  { title: 'Binary', attr: 'binary' },
];

const TYPES: Record<string, string> = {
  bgp: 'BGP dynamic routing agent',
  dhcp: 'DHCP agent',
  'open-vswitch': 'Open vSwitch agent',
  'linux-bridge': 'Linux bridge agent',
  ofa: 'OFA driver agent',
  l3: 'L3 agent',
  loadbalancer: 'Loadbalancer agent',
  metering: 'Metering agent',
  metadata: 'Metadata agent',
  macvtap: 'Macvtap agent',
  nic: 'NIC Switch agent',
};

async function listAgents({ values, session }: Call): Promise<ReturnType<typeof listOutput>> {
  const ofNetwork = values.text('--network');
  const ofRouter = values.text('--router');
  if (ofNetwork !== undefined) {
    const path = `${objectPath(network, await findId(session, network, ofNetwork))}/dhcp-agents`;
    return listOutput(columns, await listAll(session, agent, {}, undefined, path));
  }
  if (ofRouter !== undefined) {
    const path = `${objectPath(router, await findId(session, router, ofRouter))}/l3-agents`;
    const state: Column[] = values.has('--long') ? [{ title: 'HA State', attr: 'ha_state' }] : [];
    return listOutput([...columns, ...state], await listAll(session, agent, {}, undefined, path));
  }
  const type = values.text('--agent-type');
  const query = { agent_type: type === undefined ? undefined : TYPES[type], host: values.text('--host') };
  return listOutput(columns, await listAll(session, agent, query));
}

/** What an agent may be given to serve: by which option, where. */
const SERVED = {
  network: { flag: '--dhcp', kind: 'a DHCP agent', resource: network, collection: 'dhcp-networks' },
  router: { flag: '--l3', kind: 'an L3 agent', resource: router, collection: 'l3-routers' },
} as const satisfies Record<string, { flag: string; kind: string; resource: Resource; collection: string }>;

/** `network agent add|remove network|router`: schedules by hand. */
function scheduleCommand(verb: 'add' | 'remove', what: 'network' | 'router'): Command {
  const { flag, kind, resource, collection } = SERVED[what];
  const direction = verb === 'add' ? 'to' : 'from';
  return {
    words: `network agent ${verb} ${what}`,
    help: verb === 'add' ? `Let an agent serve a ${what}` : `Let an agent serve a ${what} no longer`,
    example: `network agent ${verb} ${what} ${flag} 1d8ae7ac-e8d8-4b36-aa20-ab1bbd1f07a1 ${what}1`,
    arguments: [
      { name: 'agent-id', help: 'ID of the agent' },
      { name: what, help: `${what === 'network' ? 'Network' : 'Router'} (name or ID)` },
    ],
    options: [{ flag, help: `${verb === 'add' ? 'Add' : 'Remove'} it ${direction} ${kind}` }],
    action: {
      do: 'call',
      output: 'none',
      run: async ({ values, session }) => {
        const path = `${objectPath(agent, idOf(await find(session, agent, values.text('agent-id') ?? '')))}/${collection}`;
        const id = await findId(session, resource, values.text(what) ?? '');
        if (!values.has(flag)) return undefined;
        if (verb === 'add') await session.request('network', 'POST', path, { body: { [`${what}_id`]: id } });
        else await session.request('network', 'DELETE', `${path}/${encodeURIComponent(id)}`);
        return undefined;
      },
    },
  };
}

const AGENT = { name: 'network-agent', help: 'ID of the agent' };

/** `network agent …` */
export const commands: readonly Command[] = [
  {
    words: 'network agent list',
    help: 'List the agents of the data plane',
    example: 'network agent list',
    options: [
      { flag: '--agent-type', metavar: '<type>', help: 'Of this type', choices: Object.keys(TYPES) },
      { flag: '--host', metavar: '<host>', help: 'On this host' },
      { flag: '--network', metavar: '<network>', help: 'That serve DHCP to this network', group: 'of' },
      { flag: '--router', metavar: '<router>', help: 'That host this router', group: 'of' },
      { flag: '--long', help: 'With --router: the HA state too' },
    ],
    action: { do: 'call', output: 'list', run: listAgents },
  },
  {
    words: 'network agent show',
    help: 'Show an agent',
    example: 'network agent show 1d8ae7ac-e8d8-4b36-aa20-ab1bbd1f07a1',
    arguments: [AGENT],
    action: { do: 'show', resource: agent },
  },
  {
    words: 'network agent set',
    help: 'Change an agent: whether it is given anything more to serve',
    example: 'network agent set --disable 1d8ae7ac-e8d8-4b36-aa20-ab1bbd1f07a1',
    arguments: [AGENT],
    options: [
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      { flag: '--enable', help: 'Administratively up', attr: 'admin_state_up', value: true, group: 'state' },
      { flag: '--disable', help: 'Administratively down', attr: 'admin_state_up', value: false, group: 'state' },
    ],
    action: { do: 'set', resource: agent },
  },
  {
    words: 'network agent delete',
    help: 'Delete agents that run no longer',
    example: 'network agent delete 1d8ae7ac-e8d8-4b36-aa20-ab1bbd1f07a1',
    arguments: [{ ...AGENT, many: true }],
    action: { do: 'delete', resource: agent },
  },
  scheduleCommand('add', 'network'),
  scheduleCommand('remove', 'network'),
  scheduleCommand('add', 'router'),
  scheduleCommand('remove', 'router'),
];
