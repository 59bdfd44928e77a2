import type { Column, Command, Option } from '../command.ts';
import { domain, IMMUTABLE, OR_SHOW } from '../other-resources.ts';

const DOMAIN = { name: 'domain', help: 'Domain (name or ID)' };

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'Enabled', attr: 'enabled' },
  { title: 'Description', attr: 'description' },
];

const CHANGEABLE: readonly Option[] = [
  { flag: '--description', metavar: '<text>', help: 'Description', attr: 'description' },
  { flag: '--enable', help: 'Enabled', attr: 'enabled', value: true, group: 'enable' },
  { flag: '--disable', help: 'Disabled', attr: 'enabled', value: false, group: 'enable' },
  ...IMMUTABLE,
];

/** `domain …` */
export const commands: readonly Command[] = [
  {
    words: 'domain create',
    help: 'Create a domain: a name space for projects and users',
    example: 'domain create partners',
    arguments: [{ name: 'domain-name', help: 'Name', attr: 'name' }],
    options: [...CHANGEABLE, OR_SHOW],
    action: { do: 'create', resource: domain, start: { enabled: true, options: {} } },
  },
  {
    words: 'domain list',
    help: 'List domains',
    example: 'domain list',
    options: [
      { flag: '--name', metavar: '<name>', help: 'With this name', attr: 'name' },
      { flag: '--enabled', help: 'Enabled ones', attr: 'enabled', value: true },
    ],
    action: { do: 'list', resource: domain, columns },
  },
  {
    words: 'domain show',
    help: 'Show a domain',
    example: 'domain show default',
    arguments: [DOMAIN],
    action: { do: 'show', resource: domain },
  },
  {
    words: 'domain set',
    help: 'Change a domain',
    example: 'domain set --disable partners',
    arguments: [DOMAIN],
    options: [{ flag: '--name', metavar: '<name>', help: 'New name', attr: 'name' }, ...CHANGEABLE],
    action: { do: 'set', resource: domain, always: true },
  },
  {
    words: 'domain delete',
    help: 'Delete domains',
    example: 'domain delete partners',
    arguments: [{ ...DOMAIN, many: true }],
    action: { do: 'delete', resource: domain },
  },
];
