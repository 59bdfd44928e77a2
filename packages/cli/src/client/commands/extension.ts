import type { Call, Column, Command, Field } from '../command.ts';
import { listOutput, showOutput } from '../execute.ts';
import { extension } from '../network-resources.ts';
import { find, listAll } from '../resolve.ts';

const columns: readonly Column[] = [
  { title: 'Name', attr: 'name' },
  { title: 'Alias', attr: 'alias' },
  { title: 'Description', attr: 'description' },
];

const long: readonly Column[] = [
  ...columns,
  { title: 'Namespace', attr: 'namespace', from: (item) => item.namespace ?? '' },
  { title: 'Updated', attr: 'updated', from: (item) => item.updated ?? item.updated_at ?? '' },
  { title: 'Links', attr: 'links' },
];

/** The alias is what names an extension, so it is its id. */
const FIELDS: readonly Field[] = [
  ...['alias', 'description', 'links', 'name'].map((attr) => ({ name: attr, attr })),
  { name: 'id', attr: 'alias' },
  { name: 'updated_at', attr: 'updated' },
];

async function listExtensions({ values, session, remark }: Call): Promise<ReturnType<typeof listOutput>> {
  const all = !['--network', '--compute', '--identity', '--volume'].some((flag) => values.has(flag));
  if (values.has('--identity')) remark('Extensions list not supported by Identity API');
  if (values.has('--compute')) remark('Extensions list not supported by Compute API');
  const items = all || values.has('--network') ? await listAll(session, extension, {}) : [];
  return listOutput(values.has('--long') ? long : columns, items);
}

/** `extension …` */
export const commands: readonly Command[] = [
  {
    words: 'extension list',
    help: 'List the extensions an API has',
    example: 'extension list --network -c Alias -f value',
    options: [
      { flag: '--compute', help: 'Of the compute API' },
      { flag: '--identity', help: 'Of the identity API' },
      { flag: '--network', help: 'Of the networking API' },
      { flag: '--volume', help: 'Of the block storage API' },
      { flag: '--long', help: 'More columns' },
    ],
    action: { do: 'call', output: 'list', run: listExtensions },
  },
  {
    words: 'extension show',
    help: 'Show an extension of the networking API',
    example: 'extension show floating-ip-port-forwarding',
    arguments: [{ name: 'extension', help: 'Alias of the extension' }],
    action: {
      do: 'call',
      output: 'show',
      run: async ({ values, session }) => {
        const found = await find(session, extension, values.text('extension') ?? '');
        return showOutput(FIELDS, found);
      },
    },
  },
];
