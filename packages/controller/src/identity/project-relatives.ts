import type { Reader } from '../store/store.ts';
import { malformed } from './errors.ts';
import { type ProjectRow, projectsOfUser } from './projects.ts';
import { queryFlag } from './request-body.ts';

type Item = Record<string, unknown>;
/** Ids within ids: null where it ends. */
type Tree = { [id: string]: Tree } | null;

/**
 * What a project's document holds of its parents and of those below it, as far as the query asks: `parents_as_ids`,
 * `parents_as_list`, `subtree_as_ids`, `subtree_as_list`. Lists hold the projects only on which the user has a role.
 * `show` makes documents. Throws 400 of a query that wants both forms.
 */
export async function projectRelatives(
  db: Reader,
  userId: string,
  project: ProjectRow,
  query: unknown,
  show: (rows: readonly ProjectRow[]) => Promise<Item[]>,
): Promise<Item> {
  const wanted = (['parents', 'subtree'] as const).filter((side) => asksFor(query, side));
  if (wanted.length === 0) return {};
  const rows = await db.selectFrom('projects').selectAll().where('domain_id', '=', project.domain_id).execute();
  const family = new Map(rows.map((row) => [row.id, row]));
  const own = new Set((await projectsOfUser(db, userId)).map(({ id }) => id));
  const listed = async (relatives: readonly ProjectRow[]) =>
    (await show(relatives.filter(({ id }) => own.has(id)))).map((item) => ({ project: item }));
  const parents = parentsOf(project, family);
  const result: Item = {};
  for (const side of wanted) {
    if (queryFlag(query, `${side}_as_list`) !== undefined) {
      result[side] = await listed(side === 'parents' ? parents : belowOf(project, rows));
    } else {
      result[side] = side === 'parents' ? chain([...parents, { id: project.domain_id }]) : treeBelow(project, rows);
    }
  }
  return result;
}

function asksFor(query: unknown, side: 'parents' | 'subtree'): boolean {
  const forms = ['ids', 'list'].filter((form) => queryFlag(query, `${side}_as_${form}`) !== undefined);
  if (forms.length > 1) {
    throw malformed(
      `Use either ${side}_as_list or ${side}_as_ids query parameters, you cannot use both at the same time.`,
    );
  }
  return forms.length > 0;
}

/** The parent, its parent, and so on; the domain at the end is none of them. */
function parentsOf(project: ProjectRow, family: ReadonlyMap<string, ProjectRow>): ProjectRow[] {
  const parent = family.get(project.parent_id ?? '');
  return parent === undefined ? [] : [parent, ...parentsOf(parent, family)];
}

const childrenOf = ({ id }: ProjectRow, rows: readonly ProjectRow[]): ProjectRow[] =>
  rows.filter((row) => row.parent_id === id);

const belowOf = (project: ProjectRow, rows: readonly ProjectRow[]): ProjectRow[] =>
  childrenOf(project, rows).flatMap((child) => [child, ...belowOf(child, rows)]);

function chain([first, ...rest]: readonly { id: string }[]): Tree {
  return first === undefined ? null : { [first.id]: chain(rest) };
}

function treeBelow(project: ProjectRow, rows: readonly ProjectRow[]): Tree {
  const children = childrenOf(project, rows);
  return children.length === 0 ? null : Object.fromEntries(children.map((child) => [child.id, treeBelow(child, rows)]));
}
