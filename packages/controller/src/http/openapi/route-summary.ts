/** Parts of paths that are no things: versions, and the room itself. */
const NOTHING = /^(v\d+(\.\d+)?|auth)$/;

const isParameter = (segment: string): boolean => segment.startsWith(':');

/** Words that end like a plural and are none. */
const ONE_OF_A_KIND = /^(status|ips|metadata|defaults|details|implies)$/;

/** `policies` → `policy`, `keypairs` → `keypair`; what has no plural stays. */
function singular(word: string): string {
  if (ONE_OF_A_KIND.test(word)) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return word.endsWith('s') && !word.endsWith('ss') && word.length > 3 ? word.slice(0, -1) : word;
}

export const withArticle = (word: string): string => `${/^[aeio]/.test(word) ? 'an' : 'a'} ${word}`;

/** What a route that has no description does, as far as its method and path tell: `List roles of a user of a project`. */
export function routeSummary(method: string, path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '' && !NOTHING.test(segment));
  const detailed = segments.at(-1) === 'detail' && segments.length > 1;
  if (detailed) segments.pop();
  const [room = 'root', ...rest] = segments;
  if (rest.length === 0) return `${verbOf(method, true)} ${room === 'root' ? 'this document' : `versions of ${room}`}`;
  const one = isParameter(rest.at(-1) as string);
  const things = rest
    .filter((segment) => !isParameter(segment))
    .map((segment) => segment.replace(/^os-/, '').replaceAll('_', ' '));
  const last = things.pop() ?? 'object';
  const many = !one && singular(last) !== last;
  const object = one || (many && method === 'POST') ? withArticle(singular(last)) : last;
  if (many && method === 'PUT') return `Replace ${object}${ofParents(things)}`;
  if (many && method === 'DELETE') return `Delete all ${object}${ofParents(things)}`;
  return `${verbOf(method, many)} ${object}${ofParents(things)}${detailed ? ' in detail' : ''}`;
}

const ofParents = (things: readonly string[]): string =>
  things
    .toReversed()
    .map((thing) => ` of ${withArticle(singular(thing))}`)
    .join('');

function verbOf(method: string, many: boolean): string {
  const verbs: Readonly<Record<string, string>> = {
    GET: many ? 'List' : 'Show',
    POST: 'Create',
    PUT: 'Set',
    PATCH: 'Update',
    DELETE: 'Delete',
  };
  return verbs[method] ?? method;
}
