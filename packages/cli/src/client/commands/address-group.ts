import type { Json, JsonObject } from '../cell.ts';
import type { Call, Column, Command, Option } from '../command.ts';
import { addressGroup } from '../network-resources.ts';
import { projectOptions } from '../other-resources.ts';
import { find, idOf, objectPath } from '../resolve.ts';

const GROUP = { name: 'address-group', help: 'Address group (name or ID)' };

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'Description', attr: 'description' },
  { title: 'Project', attr: 'project_id' },
  { title: 'Addresses', attr: 'addresses' },
];

/** A single address is the network that has only it. */
function asNetwork(text: string): Json {
  if (text.includes('/')) return text;
  return `${text}/${text.includes(':') ? 128 : 32}`;
}

const ADDRESS: Option = {
  flag: '--address',
  metavar: '<ip-address>',
  repeat: true,
  help: 'Address or network, as CIDR (may be repeated)',
};

/** Addresses come and go by actions of their own. */
async function changeAddresses(call: Call, verb: 'add' | 'remove', group: JsonObject): Promise<void> {
  const addresses = call.values.texts('--address').map(asNetwork);
  if (addresses.length === 0) return;
  const path = `${objectPath(addressGroup, idOf(group))}/${verb}_addresses`;
  await call.session.request('network', 'PUT', path, { body: { addresses } });
}

/** `address group …` */
export const commands: readonly Command[] = [
  {
    words: 'address group create',
    help: 'Create an address group, for rules of security groups to refer to',
    example: 'address group create --address 192.0.2.0/24 friends',
    arguments: [{ name: 'name', help: 'Name', attr: 'name' }],
    options: [
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      { ...ADDRESS, attr: 'addresses', convert: asNetwork },
      ...projectOptions('Whose it is (name or ID)'),
    ],
    action: { do: 'create', resource: addressGroup, start: { addresses: [] } },
  },
  {
    words: 'address group list',
    help: 'List address groups',
    example: 'address group list',
    options: [
      { flag: '--name', metavar: '<name>', help: 'With this name', attr: 'name' },
      ...projectOptions('Of this project (name or ID)'),
    ],
    action: { do: 'list', resource: addressGroup, columns },
  },
  {
    words: 'address group show',
    help: 'Show an address group',
    example: 'address group show friends',
    arguments: [GROUP],
    action: { do: 'show', resource: addressGroup },
  },
  {
    words: 'address group set',
    help: 'Change an address group; addresses given are added to those it has',
    example: 'address group set --address 192.0.2.7 friends',
    arguments: [GROUP],
    options: [
      { flag: '--name', metavar: '<name>', help: 'New name', attr: 'name' },
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      ADDRESS,
    ],
    action: {
      do: 'set',
      resource: addressGroup,
      finish: (_attrs, call, current) => changeAddresses(call, 'add', current),
    },
  },
  {
    words: 'address group unset',
    help: 'Take addresses from an address group',
    example: 'address group unset --address 192.0.2.7 friends',
    arguments: [GROUP],
    options: [ADDRESS],
    carriedOut: true,
    action: {
      do: 'call',
      output: 'none',
      run: async (call) => {
        const group = await find(call.session, addressGroup, call.values.text(GROUP.name) ?? '');
        await changeAddresses(call, 'remove', group);
        return undefined;
      },
    },
  },
  {
    words: 'address group delete',
    help: 'Delete address groups',
    example: 'address group delete friends',
    arguments: [{ ...GROUP, many: true }],
    action: { do: 'delete', resource: addressGroup },
  },
];
