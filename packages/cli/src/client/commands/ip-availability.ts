import type { Column, Command } from '../command.ts';
import { showOutput } from '../execute.ts';
import { ipAvailability, network, serviceProvider } from '../network-resources.ts';
import { projectOptions } from '../other-resources.ts';
import { findId, unwrapped } from '../resolve.ts';

const columns: readonly Column[] = [
  { title: 'Network ID', attr: 'network_id' },
  { title: 'Network Name', attr: 'network_name' },
  { title: 'Total IPs', attr: 'total_ips' },
  { title: 'Used IPs', attr: 'used_ips' },
];

/** `ip availability …`, `network service provider …` */
export const commands: readonly Command[] = [
  {
    words: 'ip availability list',
    help: 'List how many addresses networks have, and how many are taken',
    example: 'ip availability list',
    options: [
      {
        flag: '--ip-version',
        metavar: '<version>',
        help: '4 (default) or 6',
        integer: true,
        choices: ['4', '6'],
        attr: 'ip_version',
      },
      ...projectOptions('Of networks of this project (name or ID)'),
    ],
    action: {
      do: 'list',
      resource: ipAvailability,
      columns,
      finish: (query) => {
        query.ip_version ??= 4;
      },
    },
  },
  {
    words: 'ip availability show',
    help: 'Show how full the subnets of a network are',
    example: 'ip availability show public',
    arguments: [{ name: 'network', help: 'Network (name or ID)' }],
    action: {
      do: 'call',
      output: 'show',
      run: async ({ values, session }) => {
        const id = await findId(session, network, values.text('network') ?? '');
        const { body } = await session.request('network', 'GET', `${ipAvailability.collection}/${id}`);
        return showOutput(ipAvailability.fields, unwrapped(ipAvailability, body));
      },
    },
  },
  {
    words: 'network service provider list',
    help: 'List what carries out the services of the networking API',
    example: 'network service provider list',
    action: {
      do: 'list',
      resource: serviceProvider,
      columns: [
        { title: 'Service Type', attr: 'service_type' },
        { title: 'Name', attr: 'name' },
        { title: 'Default', attr: 'default' },
      ],
    },
  },
];
