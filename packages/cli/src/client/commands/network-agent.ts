import { adminStateCell, eitherCell } from '../cell.ts';
import type { Call, Column, Command } from '../command.ts';
import { listOutput } from '../execute.ts';
import { agent, network, router } from '../network-resources.ts';
import { findId, listAll, objectPath } from '../resolve.ts';

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Agent Type', attr: 'agent_type' },
  { title: 'Host', attr: 'host' },
  { title: 'Availability Zone', attr: 'availability_zone' },
  { title: 'Alive', attr: 'alive', cell: eitherCell(':-)', 'XXX') },
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
];
