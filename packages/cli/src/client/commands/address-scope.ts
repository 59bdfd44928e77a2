import type { Column, Command, Option } from '../command.ts';
import { addressScope } from '../network-resources.ts';
import { projectOptions } from '../other-resources.ts';

const SCOPE = { name: 'address-scope', help: 'Address scope (name or ID)' };

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'IP Version', attr: 'ip_version' },
  { title: 'Shared', attr: 'shared' },
  { title: 'Project', attr: 'project_id' },
];

const SHARE: readonly Option[] = [
  { flag: '--share', help: 'Shared with all projects', attr: 'shared', value: true, group: 'share' },
  { flag: '--no-share', help: 'Not shared', attr: 'shared', value: false, group: 'share' },
];

const IP_VERSION: Option = {
  flag: '--ip-version',
  metavar: '<version>',
  help: '4 or 6',
  integer: true,
  choices: ['4', '6'],
  attr: 'ip_version',
};

/** `address scope …` */
export const commands: readonly Command[] = [
  {
    words: 'address scope create',
    help: 'Create an address scope: subnet pools of one scope have no address in common',
    example: 'address scope create --share inside',
    arguments: [{ name: 'name', help: 'Name', attr: 'name' }],
    options: [{ ...IP_VERSION, help: '4 (default) or 6' }, ...projectOptions('Whose it is (name or ID)'), ...SHARE],
    action: { do: 'create', resource: addressScope, start: { ip_version: 4 } },
  },
  {
    words: 'address scope list',
    help: 'List address scopes',
    example: 'address scope list --ip-version 4',
    options: [
      { flag: '--name', metavar: '<name>', help: 'With this name', attr: 'name' },
      IP_VERSION,
      ...projectOptions('Of this project (name or ID)'),
      ...SHARE,
    ],
    action: { do: 'list', resource: addressScope, columns },
  },
  {
    words: 'address scope show',
    help: 'Show an address scope',
    example: 'address scope show inside',
    arguments: [SCOPE],
    action: { do: 'show', resource: addressScope },
  },
  {
    words: 'address scope set',
    help: 'Change an address scope',
    example: 'address scope set --name within inside',
    arguments: [SCOPE],
    options: [{ flag: '--name', metavar: '<name>', help: 'New name', attr: 'name' }, ...SHARE],
    action: { do: 'set', resource: addressScope, always: true },
  },
  {
    words: 'address scope delete',
    help: 'Delete address scopes',
    example: 'address scope delete inside',
    arguments: [{ ...SCOPE, many: true }],
    action: { do: 'delete', resource: addressScope },
  },
];
