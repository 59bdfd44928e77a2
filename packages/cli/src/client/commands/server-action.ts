import { setTimeout as sleep } from 'node:timers/promises';
import type { Json, JsonObject } from '../cell.ts';
import { isObject, pythonText } from '../cell.ts';
import type { Argument, Call, Command, Option } from '../command.ts';
import { ClientError } from '../errors.ts';
import { server } from '../other-resources.ts';
import { find, findId, idOf, objectPath, versionOf } from '../resolve.ts';

const SERVER: Argument = { name: 'server', help: 'Server (name or ID)' };
const POLL_MS = 1000;

async function ask(call: Call, method: string, path: string, body?: Json): Promise<Json> {
  const version = versionOf(call.session, server);
  const parts = body === undefined ? version : { ...version, body };
  return (await call.session.request('compute', method, path, parts)).body;
}

/** One action for each server named; stops at the first that cannot be found or is refused. */
function eachServer(action: (call: Call) => JsonObject): (call: Call) => Promise<undefined> {
  return async (call) => {
    const all = call.values.has('--all-projects') ? { all_tenants: 'True' } : {};
    for (const name of call.values.texts('server')) {
      const id = await findId(call.session, server, name, all);
      await ask(call, 'POST', `${objectPath(server, id)}/action`, action(call));
    }
  };
}

async function rebootServer(call: Call): Promise<undefined> {
  const id = await findId(call.session, server, call.values.text('server') ?? '');
  const type = call.values.has('--hard') ? 'HARD' : 'SOFT';
  await ask(call, 'POST', `${objectPath(server, id)}/action`, { reboot: { type } });
  if (!call.values.has('--wait')) return;
  for (;;) {
    const { status = null } = await find(call.session, server, id);
    const word = pythonText(status).toLowerCase();
    if (word === 'active') break;
    if (word === 'error') throw new ClientError(`Error rebooting server: ${id}`);
    await sleep(POLL_MS);
  }
  call.progress('Complete\n');
}

function propertiesOf(texts: readonly string[]): JsonObject {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      if (equals < 1) throw new ClientError(`Expected 'key=value' type, but got: ${text}`);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

/** Refuses an option that the microversion asked for does not know. */
function needs({ session }: Call, minor: number, what: string): void {
  if (Number(session.auth.computeVersion.split('.')[1]) >= minor) return;
  throw new ClientError(`--os-compute-api-version 2.${minor} or greater is required to support the ${what} option`);
}

async function setServer(call: Call): Promise<undefined> {
  const { values, session } = call;
  if (values.has('--description')) needs(call, 19, '--description');
  if (values.has('--tag')) needs(call, 26, '--tag');
  if (values.has('--hostname')) needs(call, 90, '--hostname');
  const path = objectPath(server, await findId(session, server, values.text('server') ?? ''));
  const changed = ['name', 'description', 'hostname'].flatMap((attr) => {
    const text = values.text(`--${attr}`);
    return text === undefined ? [] : [[attr, text] as const];
  });
  if (changed.length > 0) await ask(call, 'PUT', path, { server: Object.fromEntries(changed) });
  const properties = propertiesOf(values.texts('--property'));
  if (Object.keys(properties).length > 0) await ask(call, 'POST', `${path}/metadata`, { metadata: properties });
  const state = values.text('--state');
  if (state !== undefined) await ask(call, 'POST', `${path}/action`, { 'os-resetState': { state } });
  const password = values.text('--password');
  if (password !== undefined) await ask(call, 'POST', `${path}/action`, { changePassword: { adminPass: password } });
  if (values.has('--no-password')) await ask(call, 'DELETE', `${path}/os-server-password`);
  for (const tag of values.texts('--tag')) await ask(call, 'PUT', `${path}/tags/${encodeURIComponent(tag)}`);
}

async function unsetServer(call: Call): Promise<undefined> {
  const { values, session } = call;
  if (values.has('--description')) needs(call, 19, '--description');
  if (values.has('--tag')) needs(call, 26, '--tag');
  const path = objectPath(server, await findId(session, server, values.text('server') ?? ''));
  for (const key of values.texts('--property')) {
    await ask(call, 'DELETE', `${path}/metadata/${encodeURIComponent(key)}`);
  }
  if (values.has('--description')) await ask(call, 'PUT', path, { server: { description: '' } });
  for (const tag of values.texts('--tag')) await ask(call, 'DELETE', `${path}/tags/${encodeURIComponent(tag)}`);
}

async function showConsoleLog(call: Call): Promise<undefined> {
  const lines = call.values.text('--lines');
  const id = idOf(await find(call.session, server, call.values.text('server') ?? ''));
  const length = lines === undefined ? {} : { length: Number(lines) };
  const body = await ask(call, 'POST', `${objectPath(server, id)}/action`, { 'os-getConsoleOutput': length });
  const output = isObject(body) && typeof body.output === 'string' ? body.output : '';
  call.progress(output === '' || output.endsWith('\n') ? output : `${output}\n`);
}

const ALL_PROJECTS: Option = { flag: '--all-projects', help: 'Look in all projects (by name)' };
const MANY: Argument = { ...SERVER, many: true };

function simple(word: string, help: string, options: readonly Option[], action: (call: Call) => JsonObject): Command {
  return {
    words: `server ${word}`,
    help,
    example: `server ${word} web1`,
    arguments: [MANY],
    options,
    action: { do: 'call', output: 'none', run: eachServer(action) },
  };
}

/** `server start|stop|…`, `server set|unset`, `console log …` */
export const commands: readonly Command[] = [
  simple('start', 'Start servers', [ALL_PROJECTS], () => ({ 'os-start': null })),
  simple('stop', 'Stop servers', [ALL_PROJECTS], () => ({ 'os-stop': null })),
  simple('unlock', 'Let servers be changed again', [], () => ({ unlock: null })),
  simple(
    'lock',
    'Let servers be changed by administrators only',
    [{ flag: '--reason', metavar: '<text>', help: 'Why (compute API 2.73 or newer)' }],
    (call) => {
      const reason = call.values.text('--reason');
      if (reason === undefined) return { lock: null };
      needs(call, 73, '--reason');
      return { lock: { locked_reason: reason } };
    },
  ),
  {
    words: 'server reboot',
    help: 'Reboot a server',
    example: 'server reboot --hard web1',
    arguments: [SERVER],
    options: [
      { flag: '--hard', help: 'As if its power was cut', group: 'how' },
      { flag: '--soft', help: 'As its system does it (default)', group: 'how' },
      { flag: '--wait', help: 'Return when it is active again' },
    ],
    action: { do: 'call', output: 'none', run: rebootServer },
  },
  {
    words: 'server set',
    help: 'Change a server',
    example: 'server set --name web2 web1',
    arguments: [SERVER],
    options: [
      { flag: '--name', metavar: '<name>', help: 'New name' },
      { flag: '--password', metavar: '<password>', help: 'Password of its administrator', group: 'password' },
      { flag: '--no-password', help: 'Forget the password that is kept', group: 'password' },
      { flag: '--property', metavar: '<key=value>', repeat: true, help: 'Metadata (may be repeated)' },
      { flag: '--state', metavar: '<state>', help: 'Say that it is active or error', choices: ['active', 'error'] },
      { flag: '--description', metavar: '<text>', help: 'Description (compute API 2.19 or newer)' },
      { flag: '--tag', metavar: '<tag>', repeat: true, help: 'Tag to add (compute API 2.26 or newer)' },
      { flag: '--hostname', metavar: '<name>', help: 'Host name (compute API 2.90 or newer)' },
    ],
    action: { do: 'call', output: 'none', run: setServer },
  },
  {
    words: 'server unset',
    help: 'Take metadata, description or tags from a server',
    example: 'server unset --property role web1',
    arguments: [SERVER],
    options: [
      { flag: '--property', metavar: '<key>', repeat: true, help: 'Key of the metadata (may be repeated)' },
      { flag: '--description', help: 'Its description (compute API 2.19 or newer)' },
      { flag: '--tag', metavar: '<tag>', repeat: true, help: 'Tag to remove (compute API 2.26 or newer)' },
    ],
    action: { do: 'call', output: 'none', run: unsetServer },
  },
  {
    words: 'console log show',
    help: 'Show what a server wrote to its console',
    example: 'console log show --lines 20 web1',
    arguments: [SERVER],
    options: [{ flag: '--lines', metavar: '<count>', integer: true, help: 'The last lines only' }],
    action: { do: 'call', output: 'none', run: showConsoleLog },
  },
];
