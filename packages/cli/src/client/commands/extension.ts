import type { Call, Column, Command } from '../command.ts';
import { listOutput } from '../execute.ts';
import { extension } from '../network-resources.ts';
import { listAll } from '../resolve.ts';

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

async function listExtensions({ values, session, remark }: Call): Promise<ReturnType<typeof listOutput>> {
  const all = !['--network', '--compute', '--identity'].some((flag) => values.has(flag));
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
      { flag: '--long', help: 'More columns' },
    ],
    action: { do: 'call', output: 'list', run: listExtensions },
  },
];
