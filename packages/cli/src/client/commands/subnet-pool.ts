import { listCell } from '../cell.ts';
import type { Column, Command, ListChange, Option } from '../command.ts';
import { addressScope, numberCell, subnetPool } from '../network-resources.ts';
import { projectOptions } from '../other-resources.ts';
import { TAG_FILTERS, TAGS_FOR_CREATE, TAGS_FOR_SET, TAGS_FOR_UNSET } from '../tags.ts';

const POOL = { name: 'subnet-pool', help: 'Subnet pool (name or ID)' };

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'Prefixes', attr: 'prefixes', cell: listCell },
];

const long: readonly Column[] = [
  { title: 'Default Prefix Length', attr: 'default_prefixlen', cell: numberCell },
  { title: 'Address Scope', attr: 'address_scope_id' },
  { title: 'Default Subnet Pool', attr: 'is_default' },
  { title: 'Shared', attr: 'shared' },
  { title: 'Tags', attr: 'tags', cell: listCell },
];

const SHARE: readonly Option[] = [
  { flag: '--share', help: 'Shared with all projects', attr: 'shared', value: true, group: 'share' },
  { flag: '--no-share', help: 'Not shared', attr: 'shared', value: false, group: 'share' },
];

const DEFAULT: readonly Option[] = [
  { flag: '--default', help: 'The default pool', attr: 'is_default', value: true, group: 'default' },
  { flag: '--no-default', help: 'Not the default one', attr: 'is_default', value: false, group: 'default' },
];

const SCOPE: Option = {
  flag: '--address-scope',
  metavar: '<address-scope>',
  help: 'Address scope (name or ID)',
  attr: 'address_scope_id',
  find: addressScope,
  group: 'scope',
};

const PREFIX: Option = {
  flag: '--pool-prefix',
  metavar: '<cidr>',
  repeat: true,
  help: 'Addresses it gives (may be repeated)',
  attr: 'prefixes',
};

const CHANGEABLE: readonly Option[] = [
  {
    flag: '--default-prefix-length',
    metavar: '<length>',
    integer: true,
    help: 'Length of a subnet that asks for none',
    attr: 'default_prefixlen',
  },
  {
    flag: '--min-prefix-length',
    metavar: '<length>',
    integer: true,
    help: 'Shortest length of a subnet',
    attr: 'min_prefixlen',
  },
  {
    flag: '--max-prefix-length',
    metavar: '<length>',
    integer: true,
    help: 'Longest length of a subnet',
    attr: 'max_prefixlen',
  },
  SCOPE,
  ...DEFAULT,
  { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
  {
    flag: '--default-quota',
    metavar: '<addresses>',
    integer: true,
    help: 'How many addresses a project may have from it',
    attr: 'default_quota',
  },
];

const LISTS: readonly ListChange[] = [{ attr: 'prefixes', name: 'pool-prefix', givenFirst: true }];

/** `subnet pool …` */
export const commands: readonly Command[] = [
  {
    words: 'subnet pool create',
    help: 'Create a subnet pool: addresses that subnets get theirs from',
    example: 'subnet pool create --pool-prefix 10.20.0.0/16 --default-prefix-length 24 pool1',
    arguments: [{ name: 'name', help: 'Name', attr: 'name' }],
    options: [
      { ...PREFIX, required: true },
      ...CHANGEABLE,
      ...SHARE,
      ...projectOptions('Whose it is (name or ID)'),
      ...TAGS_FOR_CREATE,
    ],
    action: { do: 'create', resource: subnetPool },
  },
  {
    words: 'subnet pool list',
    help: 'List subnet pools',
    example: 'subnet pool list --long',
    options: [
      { flag: '--long', help: 'More columns' },
      ...SHARE,
      ...DEFAULT,
      ...projectOptions('Of this project (name or ID)'),
      { flag: '--name', metavar: '<name>', help: 'With this name', attr: 'name' },
      { ...SCOPE, help: 'In this address scope' },
      ...TAG_FILTERS,
    ],
    action: { do: 'list', resource: subnetPool, columns, long },
  },
  {
    words: 'subnet pool show',
    help: 'Show a subnet pool',
    example: 'subnet pool show pool1',
    arguments: [POOL],
    action: { do: 'show', resource: subnetPool },
  },
  {
    words: 'subnet pool set',
    help: 'Change a subnet pool; prefixes given are added to those it has',
    example: 'subnet pool set --pool-prefix 10.21.0.0/16 pool1',
    arguments: [POOL],
    options: [
      { flag: '--name', metavar: '<name>', help: 'New name', attr: 'name' },
      PREFIX,
      ...CHANGEABLE,
      {
        flag: '--no-address-scope',
        help: 'In no address scope',
        attr: 'address_scope_id',
        value: null,
        group: 'scope',
      },
      ...TAGS_FOR_SET,
    ],
    action: { do: 'set', resource: subnetPool, lists: LISTS },
  },
  {
    words: 'subnet pool unset',
    help: 'Take tags from a subnet pool',
    example: 'subnet pool unset --tag old pool1',
    arguments: [POOL],
    options: [...TAGS_FOR_UNSET],
    action: { do: 'unset', resource: subnetPool },
  },
  {
    words: 'subnet pool delete',
    help: 'Delete subnet pools',
    example: 'subnet pool delete pool1',
    arguments: [{ ...POOL, many: true }],
    action: { do: 'delete', resource: subnetPool },
  },
];
