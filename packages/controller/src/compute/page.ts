import type { FastifyRequest } from 'fastify';
import { queryText } from '../identity/request-body.ts';
import { computeBase } from './answers.ts';
import { badCompute } from './errors.ts';

/** Most items of one answer, as with Nova. */
const MOST_ITEMS = 1000;

/** A page of a list, and the link to the next one if there is more. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly links: readonly { rel: 'next'; href: string }[] | undefined;
}

/** The page that `limit` and `marker` ask for. `path` is the list's, below the API's base. Throws 400. */
export function pageOf<T extends { readonly id: string }>(
  request: FastifyRequest,
  path: string,
  all: readonly T[],
): Page<T> {
  const limit = readLimit(queryText(request.query, 'limit'));
  const marker = queryText(request.query, 'marker');
  const after = marker === undefined ? -1 : all.findIndex((item) => item.id === marker);
  if (marker !== undefined && after === -1) throw badCompute(`marker [${marker}] not found`);
  const items = all.slice(after + 1, after + 1 + limit);
  const last = items.at(-1);
  if (last === undefined || after + 1 + items.length >= all.length) return { items, links: undefined };
  const query = new URLSearchParams(request.url.split('?')[1] ?? '');
  query.set('marker', last.id);
  return { items, links: [{ rel: 'next', href: `${computeBase(request)}/${path}?${query}` }] };
}

/** 0, as with Nova, means all that one answer may hold. */
function readLimit(text: string | undefined): number {
  if (text === undefined) return MOST_ITEMS;
  if (!/^\d{1,9}$/.test(text)) throw badCompute('limit param must be an integer, not less than 0');
  const limit = Number(text);
  return limit === 0 ? MOST_ITEMS : Math.min(limit, MOST_ITEMS);
}
