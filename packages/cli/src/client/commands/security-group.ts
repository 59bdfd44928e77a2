import type { Column, Command, Option } from '../command.ts';
import { securityGroup } from '../network-resources.ts';
import { projectOptions } from '../other-resources.ts';
import { TAG_FILTERS, TAGS_FOR_CREATE, TAGS_FOR_SET, TAGS_FOR_UNSET } from '../tags.ts';

const GROUP = { name: 'group', help: 'Security group (name or ID)' };

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'Description', attr: 'description' },
  { title: 'Project', attr: 'project_id' },
  { title: 'Tags', attr: 'tags' },
];

const STATEFUL: readonly Option[] = [
  { flag: '--stateful', help: 'Answers are let through by themselves', attr: 'stateful', value: true, group: 'state' },
  { flag: '--stateless', help: 'Every packet is judged by itself', attr: 'stateful', value: false, group: 'state' },
];

/** `security group …` */
export const commands: readonly Command[] = [
  {
    words: 'security group create',
    help: 'Create a security group',
    wordsRefusals: true,
    example: 'security group create web',
    arguments: [{ name: 'name', help: 'Name', attr: 'name' }],
    options: [
      { flag: '--description', metavar: '<text>', help: 'Description (the name, if not given)', attr: 'description' },
      ...STATEFUL,
      ...projectOptions('Whose it is (name or ID)'),
      ...TAGS_FOR_CREATE,
    ],
    action: {
      do: 'create',
      resource: securityGroup,
      finish: (attrs) => {
        attrs.description ??= attrs.name ?? '';
      },
    },
  },
  {
    words: 'security group list',
    help: 'List security groups',
    example: 'security group list',
    options: [
      // The networking API shows an administrator every project's groups without being asked.
      { flag: '--all-projects', help: 'Of all projects (administrators see them anyway)' },
      ...projectOptions('Of this project (name or ID)'),
      ...TAG_FILTERS,
    ],
    action: { do: 'list', resource: securityGroup, columns, fields: true },
  },
  {
    words: 'security group show',
    help: 'Show a security group and its rules',
    wordsRefusals: true,
    example: 'security group show default',
    arguments: [GROUP],
    action: { do: 'show', resource: securityGroup },
  },
  {
    words: 'security group set',
    help: 'Change a security group',
    example: 'security group set --name web2 web',
    arguments: [GROUP],
    options: [
      { flag: '--name', metavar: '<name>', help: 'New name', attr: 'name' },
      { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
      ...STATEFUL,
      ...TAGS_FOR_SET,
    ],
    action: { do: 'set', resource: securityGroup },
  },
  {
    words: 'security group unset',
    help: 'Take tags from a security group',
    example: 'security group unset --tag old web',
    arguments: [GROUP],
    options: [...TAGS_FOR_UNSET],
    action: { do: 'unset', resource: securityGroup },
  },
  {
    words: 'security group delete',
    help: 'Delete security groups',
    example: 'security group delete web',
    arguments: [{ ...GROUP, many: true }],
    action: { do: 'delete', resource: securityGroup },
  },
];
