import type { Json, JsonObject } from './cell.ts';
import type { Command, Option, Values } from './command.ts';
import { ClientError } from './errors.ts';
import { keyValues } from './parse.ts';
import { canWait, WAIT } from './wait-option.ts';

/** Sets an attribute of the networking API that no option of the command knows. */
const EXTRA_PROPERTY: Option = {
  flag: '--extra-property',
  metavar: 'type=<type>,name=<name>,value=<value>',
  repeat: true,
  help: 'Any attribute of the API; type: str (default), bool, int, list (a;b) or dict (a:b;c:d)',
  keys: { required: ['name', 'value'], optional: ['type'] },
};

/**
 * The options of a command: its own and, where it writes to the networking API, the one for any attribute, and the one
 * that waits for hosts.
 */
export function optionsOf(command: Command): readonly Option[] {
  const { options = [], action } = command;
  const writes = action.do === 'create' || action.do === 'set' || action.do === 'unset';
  const any = writes && action.resource.service === 'network' ? [EXTRA_PROPERTY] : [];
  return [...options, ...any, ...(canWait(command) ? [WAIT] : [])];
}

/**
 * The attributes that `--extra-property` sets; `unset` sets them to null.
 *
 * @throws ClientError for a type that there is not, or a value not of its type.
 */
export function extraProperties(values: Values, unset: boolean): JsonObject {
  const given = values.texts(EXTRA_PROPERTY.flag).map((text) => keyValues(text));
  return Object.fromEntries(
    given.map(({ name = '', type = 'str', value = '' }) => [name, unset ? null : typed(type, value)]),
  );
}

function typed(type: string, text: string): Json {
  switch (type) {
    case 'str':
      return text;
    case 'int':
      if (!/^[-+]?\d+$/.test(text)) throw new ClientError(`invalid literal for int() with base 10: '${text}'`);
      return Number.parseInt(text, 10);
    case 'bool':
      return /^(true|1|t|yes|y|on)$/i.test(text);
    case 'list':
      return text.split(';');
    case 'dict':
      return Object.fromEntries(text.split(';').map((pair) => divided(pair)));
    default:
      throw new ClientError(
        `Type ${type} of property is not supported. It should be one of: bool, dict, list, int, str`,
      );
  }
}

function divided(pair: string): [string, string] {
  const colon = pair.indexOf(':');
  return colon < 0 ? [pair, ''] : [pair.slice(0, colon), pair.slice(colon + 1)];
}
