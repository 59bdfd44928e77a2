import { ApiError, executionLine } from './api-error.ts';
import type { Cell, Json, JsonObject } from './cell.ts';
import { isObject } from './cell.ts';
import type { Action, Call, Column, Command, Contribution, Field, Outcome, Resource } from './command.ts';
import { ClientError, MissingError } from './errors.ts';
import { extraProperties } from './extra-properties.ts';
import type { ListOutput, ShowOutput } from './format.ts';
import { addToLists, removeFromLists } from './list-changes.ts';
import { collectionPath, find, findId, idInToken, idOf, listAll, objectPath, unwrapped, versionOf } from './resolve.ts';
import { filterTags, replaceTags } from './tags.ts';
import { type StandingObject, standing, WAIT } from './wait-option.ts';

type ActionOf<Name extends Action['do']> = Extract<Action, { do: Name }>;

/**
 * Carries out one command as its description says.
 *
 * @throws ClientError (also as ApiError) with the message for the person who typed it.
 */
export async function execute(command: Command, call: Call): Promise<Outcome> {
  try {
    return await act(command, call);
  } catch (error) {
    if (command.wordsRefusals !== true) throw error;
    if (error instanceof ApiError && error.service === 'network' && error.status !== 401) {
      throw new ClientError(executionLine(error));
    }
    if (error instanceof MissingError) throw new ClientError(`Error while executing command: ${error.message}`);
    throw error;
  }
}

async function act(command: Command, call: Call): Promise<Outcome> {
  const { action } = command;
  switch (action.do) {
    case 'call': {
      const outcome = await action.run(call);
      if (command.carriedOut === true) await waitIfAsked(call);
      return outcome;
    }
    case 'list':
      return await list(command, action, call);
    case 'show':
      return await show(command, action, call);
    case 'create':
      return await create(command, action, call);
    case 'set':
    case 'unset':
      return await change(command, action, call);
    case 'delete':
      return await remove(command, action, call);
  }
}

async function list(command: Command, action: ActionOf<'list'>, call: Call): Promise<ListOutput> {
  const { resource } = action;
  const parent = await parentId(action.parent, call);
  const query: JsonObject = await contributions(command, call);
  if (resource.tagged === true) filterTags(query, call.values);
  await action.finish?.(query, call, {});
  const columns = listColumns(action, call);
  if (action.fields === true) query.fields = columns.map(({ attr }) => attr);
  const path = await action.path?.(call);
  const items = await listAll(call.session, resource, queryOf(query), parent, path);
  return listOutput(columns, items, absentIn(resource));
}

/** What stands for an attribute that an answer lacks: the networking client says None, the others say nothing. */
function absentIn(resource: Resource): null | '' {
  return resource.service === 'network' || resource.service === 'image' ? null : '';
}

function listColumns(action: ActionOf<'list'>, call: Call): readonly Column[] {
  const long = call.values.has('--long');
  if (long && action.longOnly !== undefined) return action.longOnly;
  const columns = long ? [...action.columns, ...(action.long ?? [])] : action.columns;
  if (action.columnsAsAsked !== true || call.askedColumns.length === 0) return columns;
  return call.askedColumns.map((asked) => {
    const known = columns.find(({ title, attr }) => title === asked || attr === asked);
    return known ?? { title: asked, attr: asked };
  });
}

/** Rows of a list; `absent` stands for attributes that an item lacks. */
export function listOutput(
  columns: readonly Column[],
  items: readonly JsonObject[],
  absent: null | '' = null,
): ListOutput {
  const rows = items.map((item) =>
    columns.map(({ attr, cell, from }): Cell => {
      if (from !== undefined) return from(item);
      const value = attr in item ? (item[attr] ?? null) : absent;
      return cell === undefined ? value : cell(value);
    }),
  );
  return { kind: 'list', titles: columns.map(({ title }) => title), rows };
}

async function show(command: Command, action: ActionOf<'show'>, call: Call): Promise<ShowOutput> {
  const { resource } = action;
  const parent = await parentId(action.parent, call);
  const current = await target(command, action, call, parent);
  await action.finish?.(current, call, current);
  return showOutput(resource.fields, current);
}

/** Links are for programs; a password that a service echoes stays unprinted. */
const NEVER_SHOWN = ['links', 'password'];

/** The fields of one object, sorted by name: those described, or all it has. */
export function showOutput(described: readonly Field[] | undefined, object: JsonObject): ShowOutput {
  const fields: readonly Field[] =
    described ??
    Object.keys(object)
      .filter((key) => !NEVER_SHOWN.includes(key))
      .map((key) => ({ name: key, attr: key }));
  const shown = fields
    .filter(({ attr, ifPresent }) => ifPresent !== true || (object[attr] ?? null) !== null)
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const cells = shown.map(({ attr, cell }): Cell => {
    const value = object[attr] ?? null;
    return cell === undefined ? value : cell(value);
  });
  return { kind: 'show', names: shown.map(({ name }) => name), cells };
}

async function create(command: Command, action: ActionOf<'create'>, call: Call): Promise<ShowOutput> {
  const { resource } = action;
  const parent = await parentId(action.parent, call);
  const attrs: JsonObject = { ...action.start, ...(await contributions(command, call)) };
  await action.finish?.(attrs, call, {});
  let created: JsonObject;
  try {
    const { body } = await call.session.request(resource.service, 'POST', collectionPath(resource, parent), {
      ...versionOf(call.session, resource),
      body: { [resource.one]: attrs },
    });
    created = unwrapped(resource, body);
  } catch (error) {
    const shows = error instanceof ApiError && error.status === 409 && call.values.has('--or-show');
    if (!shows) throw error;
    created = await find(call.session, resource, call.values.text(targetName(command)) ?? '', inDomain(attrs));
  }
  if (resource.tagged === true) created = await replaceTags(resource, created, call);
  if (resource.carriedOut === true && call.values.has(WAIT.flag)) {
    await waitIfAsked(call, standing(resource, created, parent));
    // Its state is another one now.
    const path = objectPath(resource, idOf(created), parent);
    created = unwrapped(resource, (await call.session.request(resource.service, 'GET', path)).body);
  }
  // What was asked for and the answer does not tell is as it was asked for.
  const fields = action.fields ?? resource.fields;
  return showOutput(fields, fields === undefined ? created : { ...attrs, ...created });
}

/** `--or-show` looks in the domain that the object would have been made in. */
function inDomain({ domain_id: domain }: JsonObject): Record<string, string> {
  return typeof domain === 'string' ? { domain_id: domain } : {};
}

async function change(command: Command, action: ActionOf<'set' | 'unset'>, call: Call): Promise<undefined> {
  const { resource } = action;
  const nested = action.do === 'set' ? action.parent : undefined;
  const parent = await parentId(nested, call);
  // Objects that have no name need no lookup; a wrong id is refused by the update itself.
  const name = call.values.text(targetName(command)) ?? '';
  const current = nested === undefined ? await target(command, action, call, parent) : { id: name };
  const attrs: JsonObject = await contributions(command, call);
  if (action.do === 'set') addToLists(action.lists, attrs, call, current);
  else removeFromLists(resource, action.lists, attrs, current);
  await action.finish?.(attrs, call, current);
  if (Object.keys(attrs).length > 0 || (action.do === 'set' && action.always === true)) {
    const path = objectPath(resource, idOf(current), parent);
    const method = resource.service === 'identity' ? 'PATCH' : 'PUT';
    await call.session.request(resource.service, method, path, { body: { [resource.one]: attrs } });
  }
  if (resource.tagged === true) {
    await replaceTags(resource, current, call, action.do === 'unset' ? 'remove' : 'add');
  }
  if (resource.carriedOut === true) await waitIfAsked(call, standing(resource, current, parent));
}

async function remove(command: Command, action: ActionOf<'delete'>, call: Call): Promise<undefined> {
  const { resource } = action;
  const parent = await parentId(action.parent, call);
  const names = call.values.texts(targetName(command));
  await deleteEach(resource, names, call, (name) => removeOne(resource, name, call, parent));
  if (resource.carriedOut === true) await waitIfAsked(call);
}

async function waitIfAsked(call: Call, object?: StandingObject): Promise<void> {
  if (!call.values.has(WAIT.flag)) return;
  const { waitUntilCarriedOut } = await import('./wait.ts');
  await waitUntilCarriedOut(call, object);
}

/**
 * Deletes several objects one after the other, past those that cannot be.
 *
 * @throws ClientError with how many could not; why is remarked for each.
 */
export async function deleteEach(
  resource: Resource,
  names: readonly string[],
  call: Call,
  removeNamed: (name: string) => Promise<void>,
): Promise<void> {
  let failed = 0;
  for (const name of names) {
    try {
      await removeNamed(name);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      failed += 1;
      call.remark(failedToDelete(resource, name, error.message));
    }
  }
  if (failed > 0) throw new ClientError(`${failed} of ${names.length} ${pluralName(resource)} failed to delete.`);
}

async function removeOne(resource: Resource, name: string, call: Call, parent: string | undefined): Promise<void> {
  const query = domainFilter(resource, call);
  const id = parent === undefined ? idOf(await find(call.session, resource, name, await query)) : name;
  const path = objectPath(resource, id, parent);
  await call.session.request(resource.service, 'DELETE', path, versionOf(call.session, resource));
}

/** `--domain` narrows the names of projects and users. */
async function domainFilter(resource: Resource, call: Call): Promise<Record<string, string>> {
  const inDomains = resource.service === 'identity' && resource.collection !== '/domains';
  const name = inDomains ? call.values.text('--domain') : undefined;
  if (name === undefined) return {};
  const { domain } = await import('./other-resources.ts');
  return { domain_id: await findId(call.session, domain, name) };
}

function failedToDelete(resource: Resource, name: string, message: string): string {
  if (resource.idsOnly === true && resource.collection.includes('{parent}')) {
    return `Failed to delete ${resource.plainName} '${name}': ${message}`;
  }
  return `Failed to delete ${resource.plainName} with ${resource.namedBy ?? 'name or ID'} '${name}': ${message}`;
}

function pluralName(resource: Resource): string {
  return resource.pluralName ?? `${resource.plainName}s`;
}

/** The object a command is about: named by the argument after the parent's. */
async function target(
  command: Command,
  action: ActionOf<'show' | 'set' | 'unset'>,
  call: Call,
  parent: string | undefined,
): Promise<JsonObject> {
  const { resource } = action;
  const typed = call.values.text(targetName(command)) ?? '';
  const name = idInToken(call.session, resource, typed);
  if (parent === undefined) return await find(call.session, resource, name, await domainFilter(resource, call));
  try {
    const { body } = await call.session.request(resource.service, 'GET', objectPath(resource, name, parent));
    return unwrapped(resource, body);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    throw new ClientError(`No ${resource.label} found for ${name}`);
  }
}

function targetName(command: Command): string {
  return command.arguments?.at(-1)?.name ?? '';
}

/** The object that holds the others is named by the first argument. */
async function parentId(parent: Resource | undefined, call: Call): Promise<string | undefined> {
  if (parent === undefined) return undefined;
  return await findId(call.session, parent, call.values.text(parent.argument ?? '') ?? '');
}

/** What the options and arguments given set in a body or query, names turned into ids. */
export async function contributions(command: Command, call: Call): Promise<JsonObject> {
  const attrs: JsonObject = {};
  for (const option of command.options ?? []) {
    if (option.attr === undefined || !call.values.has(option.flag)) continue;
    if (option.metavar === undefined) attrs[option.attr] = option.value ?? null;
    else attrs[option.attr] = await sent(option, option.flag, option.repeat === true, call, option.integer === true);
  }
  for (const argument of command.arguments ?? []) {
    if (argument.attr === undefined || !call.values.has(argument.name)) continue;
    attrs[argument.attr] = await sent(argument, argument.name, argument.many === true, call, false);
  }
  Object.assign(attrs, extraProperties(call.values, command.action.do === 'unset'));
  return attrs;
}

async function sent(source: Contribution, name: string, many: boolean, call: Call, integer: boolean): Promise<Json> {
  const values: Json[] = [];
  for (const text of many ? call.values.texts(name) : [call.values.text(name) ?? '']) {
    if (source.find !== undefined) values.push(await findId(call.session, source.find, text));
    else if (source.convert !== undefined) values.push(await source.convert(text, call));
    else values.push(integer ? Number.parseInt(text, 10) : text);
  }
  return many ? values : (values[0] ?? null);
}

/** Query parameters of the attributes collected; values that are no plain ones are not sent. */
function queryOf(attrs: JsonObject): Record<string, string | number | boolean | (string | number | boolean)[]> {
  const plain = (value: Json): (string | number | boolean)[] => {
    if (Array.isArray(value)) return value.flatMap(plain);
    if (typeof value === 'bigint') return [String(value)];
    return value === null || isObject(value) ? [] : [value];
  };
  return Object.fromEntries(Object.entries(attrs).map(([name, value]) => [name, plain(value)]));
}
