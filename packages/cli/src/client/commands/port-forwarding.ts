import type { Json, JsonObject } from '../cell.ts';
import type { Call, Column, Command, Option } from '../command.ts';
import { ClientError } from '../errors.ts';
import { floatingIp, port, portForwarding } from '../network-resources.ts';

const FLOATING_IP = { name: 'floating-ip', help: 'Floating IP the forwarding belongs to (address or ID)' };
const FORWARDING = { name: 'port-forwarding-id', help: 'ID of the port forwarding' };

/** A range where there is one, else the port: the list keeps the columns that scripts know. */
const portOrRange =
  (side: 'internal' | 'external') =>
  (forwarding: JsonObject): Json =>
    forwarding[`${side}_port`] ?? forwarding[`${side}_port_range`] ?? null;

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Internal Port ID', attr: 'internal_port_id' },
  { title: 'Internal IP Address', attr: 'internal_ip_address' },
  { title: 'Internal Port', attr: 'internal_port', from: portOrRange('internal') },
  { title: 'External Port', attr: 'external_port', from: portOrRange('external') },
  { title: 'Protocol', attr: 'protocol' },
  { title: 'Description', attr: 'description' },
];

/** The API takes protocols in lower case only; people write TCP. */
const lowerCase = (text: string): string => text.toLowerCase();

function forwardingOptions(required: boolean): readonly Option[] {
  return [
    {
      flag: '--internal-ip-address',
      metavar: '<ip>',
      required,
      help: 'Address of the port that connections are sent to',
      attr: 'internal_ip_address',
    },
    { flag: '--port', metavar: '<port>', required, help: 'Port (name or ID)', attr: 'internal_port_id', find: port },
    {
      flag: '--internal-protocol-port',
      metavar: '<port-number>',
      required,
      help: 'TCP/UDP port connections are sent to, or a range first:last',
    },
    {
      flag: '--external-protocol-port',
      metavar: '<port-number>',
      required,
      help: 'TCP/UDP port of the floating IP, or a range first:last',
    },
    {
      flag: '--protocol',
      metavar: '<protocol>',
      required,
      help: 'Protocol: tcp, udp, icmp, sctp, …',
      attr: 'protocol',
      normalise: lowerCase,
    },
    { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
  ];
}

/**
 * Puts the two protocol ports into a body, a range under the attribute that ranges have. The relations checked are
 * those the API demands: as many internal ports as external ones, or a single internal one.
 */
function protocolPorts(attrs: JsonObject, { values }: Call): void {
  const internal = values.text('--internal-protocol-port');
  const external = values.text('--external-protocol-port');
  const insideCount = setPort(attrs, 'internal_port', internal);
  const outsideCount = setPort(attrs, 'external_port', external);
  if (insideCount > 1 && external !== undefined && insideCount !== outsideCount) {
    throw new ClientError('The relation between internal and external ports does not match the pattern 1:N and N:N');
  }
}

/** Sets one side; returns how many ports it has (0: not given). */
function setPort(attrs: JsonObject, attr: string, text: string | undefined): number {
  if (text === undefined) return 0;
  const [first = 0, last = first, more] = text.split(':').map(portNumber);
  if (more !== undefined) throw new ClientError(`'${text}' is neither a port number nor a range first:last`);
  if (last < first) throw new ClientError('The last number in port range must be greater or equal to the first');
  if (text.includes(':')) attrs[`${attr}_range`] = text;
  else attrs[attr] = first;
  return last - first + 1;
}

function portNumber(text: string): number {
  const number = /^\s*\d+\s*$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > 65535) throw new ClientError('The port number range is <1-65535>');
  return number;
}

/** `floating ip port forwarding …` */
export const commands: readonly Command[] = [
  {
    words: 'floating ip port forwarding create',
    help: 'Forward a port (or a range) of a floating IP to a VM',
    example:
      'floating ip port forwarding create --internal-ip-address 192.168.2.79 --port web1-port --protocol tcp' +
      ' --internal-protocol-port 22 --external-protocol-port 2222 10.11.7.4',
    arguments: [FLOATING_IP],
    options: forwardingOptions(true),
    action: { do: 'create', resource: portForwarding, parent: floatingIp, finish: protocolPorts },
  },
  {
    words: 'floating ip port forwarding list',
    help: 'List the port forwardings of a floating IP',
    example: 'floating ip port forwarding list 10.11.7.4',
    arguments: [FLOATING_IP],
    options: [
      { flag: '--port', metavar: '<port>', help: 'To this port', attr: 'internal_port_id', find: port },
      { flag: '--external-protocol-port', metavar: '<port-number>', help: 'From this port, or range first:last' },
      { flag: '--protocol', metavar: '<protocol>', help: 'Of this protocol', attr: 'protocol', normalise: lowerCase },
    ],
    action: {
      do: 'list',
      resource: portForwarding,
      parent: floatingIp,
      columns,
      finish: (query, { values }) => {
        const external = values.text('--external-protocol-port');
        if (external !== undefined) query[external.includes(':') ? 'external_port_range' : 'external_port'] = external;
      },
    },
  },
  {
    words: 'floating ip port forwarding show',
    help: 'Show a port forwarding',
    example: 'floating ip port forwarding show 10.11.7.4 725ade3c-9760-4880-8080-8fc2dbab9acc',
    arguments: [FLOATING_IP, FORWARDING],
    action: { do: 'show', resource: portForwarding, parent: floatingIp },
  },
  {
    words: 'floating ip port forwarding set',
    help: 'Change a port forwarding; only what is given changes',
    example:
      'floating ip port forwarding set --external-protocol-port 2223 10.11.7.4 725ade3c-9760-4880-8080-8fc2dbab9acc',
    arguments: [FLOATING_IP, FORWARDING],
    options: forwardingOptions(false),
    action: { do: 'set', resource: portForwarding, parent: floatingIp, finish: protocolPorts },
  },
  {
    words: 'floating ip port forwarding delete',
    help: 'Delete port forwardings',
    example: 'floating ip port forwarding delete 10.11.7.4 725ade3c-9760-4880-8080-8fc2dbab9acc',
    arguments: [FLOATING_IP, { ...FORWARDING, many: true }],
    action: { do: 'delete', resource: portForwarding, parent: floatingIp },
  },
];
