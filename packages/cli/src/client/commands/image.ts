import type { JsonObject } from '../cell.ts';
import { dictCell, isObject, listCell } from '../cell.ts';
import type { Call, Column, Command } from '../command.ts';
import { listOutput } from '../execute.ts';
import { findInDomain, flavor, image, project } from '../other-resources.ts';
import { listAll } from '../resolve.ts';

const columns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'Status', attr: 'status' },
];

const long: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'Disk Format', attr: 'disk_format' },
  { title: 'Container Format', attr: 'container_format' },
  { title: 'Size', attr: 'size' },
  { title: 'Checksum', attr: 'checksum' },
  { title: 'Status', attr: 'status' },
  { title: 'Visibility', attr: 'visibility' },
  { title: 'Protected', attr: 'protected' },
  { title: 'Project', attr: 'owner' },
  { title: 'Tags', attr: 'tags', cell: listCell },
];

const flavorColumns: readonly Column[] = [
  { title: 'ID', attr: 'id' },
  { title: 'Name', attr: 'name' },
  { title: 'RAM', attr: 'ram' },
  { title: 'Disk', attr: 'disk' },
  { title: 'Ephemeral', attr: 'OS-FLV-EXT-DATA:ephemeral' },
  { title: 'VCPUs', attr: 'vcpus' },
  { title: 'Is Public', attr: 'os-flavor-access:is_public' },
];

const flavorLong: readonly Column[] = [
  { title: 'Swap', attr: 'swap' },
  { title: 'RXTX Factor', attr: 'rxtx_factor' },
  {
    title: 'Properties',
    attr: 'extra_specs',
    from: ({ extra_specs: specs = null }) => dictCell(isObject(specs) ? specs : {}),
  },
];

async function listFlavors({ values, session }: Call): Promise<ReturnType<typeof listOutput>> {
  const query = {
    is_public: values.has('--all') ? 'None' : values.has('--private') ? false : undefined,
    minDisk: values.text('--min-disk'),
    minRam: values.text('--min-ram'),
    marker: values.text('--marker'),
    limit: values.text('--limit'),
  };
  const found = await listAll(session, flavor, query, undefined, '/flavors/detail');
  return listOutput(values.has('--long') ? [...flavorColumns, ...flavorLong] : flavorColumns, found);
}

const VISIBILITIES = ['public', 'private', 'community', 'shared', 'all'];

async function listImages(call: Call): Promise<ReturnType<typeof listOutput>> {
  const { values, session } = call;
  const owner = values.text('--project');
  const query = {
    visibility: VISIBILITIES.find((word) => values.has(`--${word}`)),
    name: values.text('--name'),
    status: values.text('--status'),
    tag: values.texts('--tag'),
    owner: owner === undefined ? undefined : await findInDomain(call, project, owner, '--project-domain'),
    os_hidden: values.has('--hidden') ? true : undefined,
    limit: values.text('--limit'),
  };
  const byName = (a: JsonObject, b: JsonObject): number => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0);
  const items = (await listAll(session, image, query)).toSorted(byName);
  return listOutput(values.has('--long') ? long : columns, items);
}

function nameOf(item: JsonObject): string {
  return typeof item.name === 'string' ? item.name : '';
}

/** `image …`, `flavor …` */
export const commands: readonly Command[] = [
  {
    words: 'image list',
    help: 'List images',
    example: 'image list',
    options: [
      ...VISIBILITIES.map((word) => ({ flag: `--${word}`, help: `Those whose visibility is ${word}`, group: 'seen' })),
      { flag: '--name', metavar: '<name>', help: 'With this name' },
      { flag: '--status', metavar: '<status>', help: 'In this status' },
      { flag: '--project', metavar: '<project>', help: 'Of this project' },
      { flag: '--project-domain', metavar: '<domain>', help: 'Domain of that project' },
      { flag: '--tag', metavar: '<tag>', repeat: true, help: 'With this tag (may be repeated)' },
      { flag: '--hidden', help: 'Hidden ones' },
      { flag: '--long', help: 'More columns' },
      { flag: '--limit', metavar: '<count>', integer: true, help: 'At most so many' },
    ],
    action: { do: 'call', output: 'list', run: listImages },
  },
  {
    words: 'flavor list',
    help: 'List flavors',
    example: 'flavor list',
    options: [
      { flag: '--public', help: 'Public ones (default)', group: 'seen' },
      { flag: '--private', help: 'Private ones', group: 'seen' },
      { flag: '--all', help: 'All', group: 'seen' },
      { flag: '--min-disk', metavar: '<GiB>', integer: true, help: 'With at least this disk' },
      { flag: '--min-ram', metavar: '<MiB>', integer: true, help: 'With at least this memory' },
      { flag: '--long', help: 'More columns' },
      { flag: '--marker', metavar: '<flavor>', help: 'Begin after this flavor (ID)' },
      { flag: '--limit', metavar: '<count>', integer: true, help: 'At most so many' },
    ],
    action: { do: 'call', output: 'list', run: listFlavors },
  },
];
