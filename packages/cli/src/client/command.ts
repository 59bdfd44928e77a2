import type { Cell, CellFormat, Json, JsonObject } from './cell.ts';
import type { ListOutput, ShowOutput } from './format.ts';
import type { Service, Session } from './session.ts';

/** Values of one command line: by option flag (`--port`) and positional name (`floating-ip`). */
export interface Values {
  /** Was the option or argument given? */
  has(name: string): boolean;
  /** Its text, the last one of a repeated option. */
  text(name: string): string | undefined;
  /** All its texts. */
  texts(name: string): readonly string[];
}

/** What an option or positional argument contributes to a request. */
export interface Contribution {
  /** The attribute of the body, or the parameter of the query, that it sets. */
  readonly attr?: string;
  /** The resource it names: the name becomes an id before it is sent. */
  readonly find?: Resource;
  /** What a switch sends. */
  readonly value?: Json;
  /** Turns each text into what is sent. */
  readonly convert?: (text: string, call: Call) => Json | Promise<Json>;
}

/** A positional argument. */
export interface Argument extends Contribution {
  readonly name: string;
  readonly help: string;
  /** Takes one or more. */
  readonly many?: boolean;
  readonly optional?: boolean;
}

/** An option; a switch when it has no `metavar`. */
export interface Option extends Contribution {
  readonly flag: string;
  readonly short?: string;
  readonly metavar?: string;
  readonly help: string;
  readonly repeat?: boolean;
  readonly required?: boolean;
  readonly choices?: readonly string[];
  readonly integer?: boolean;
  /** Its text is `key=value,key=value` with these keys. */
  readonly keys?: { readonly required?: readonly string[]; readonly optional?: readonly string[] };
  /** Options of one group exclude each other. */
  readonly group?: string;
  /** Normalises a text before choices are checked. */
  readonly normalise?: (text: string) => string;
}

/** How a resource is found, shown and named in messages. */
export interface Resource {
  readonly service: Service;
  /** In messages: `No FloatingIP found for X`, `No server with a name or ID of 'X' exists.` */
  readonly label: string;
  /** In `N of M … failed to delete`. */
  readonly plainName: string;
  /** Its plural, where that is not an `s` more. */
  readonly pluralName?: string;
  /** Of a resource that holds others: the argument that names it. */
  readonly argument?: string;
  readonly collection: string;
  /** Key of one object in a body, and of the list in a list answer. */
  readonly one: string;
  readonly many: string;
  /** The attribute a name is compared with; `name` unless said otherwise. */
  readonly nameAttr?: string;
  /** Where names are looked up, if not in the collection itself, and with what beside the name. */
  readonly searchPath?: string;
  readonly searchQuery?: Readonly<Record<string, string>>;
  /** Fields of `show`; all of the answer's when absent. */
  readonly fields?: readonly Field[];
  /** Ids are always UUIDs, so a text that is none needs no lookup by id. */
  readonly uuidsOnly?: boolean;
  /** Objects have no name to look up. */
  readonly idsOnly?: boolean;
  /** The message about a missing one ends with the API's own, as openstack has it for what has no names. */
  readonly saysWhyMissing?: boolean;
  /** What the message about a failed deletion says it was named by; `name or ID` unless said otherwise. */
  readonly namedBy?: string;
  /** The part of one's own token that describes an object of this kind: who may look up no other still finds his. */
  readonly ofToken?: 'project' | 'user' | 'domain';
  readonly tagged?: boolean;
  /** Hosts have to do with it: commands that change it can wait for them. */
  readonly carriedOut?: boolean;
  /** Of the compute API: the microversion asked for when the user asks for none. */
  readonly microversion?: string;
}

/** A field of one object: its name in outputs, the attribute it shows, its cell. */
export interface Field {
  readonly name: string;
  readonly attr: string;
  readonly cell?: CellFormat;
  /** Left out of the output when the API does not give it or gives null. */
  readonly ifPresent?: boolean;
}

/**
 * A list attribute that `set` adds to and `unset` takes from: the API only knows how to replace it, so what there is
 * is read first.
 */
export interface ListChange {
  readonly attr: string;
  /** The option that forgets what there is before anything is added. */
  readonly clear?: string;
  /** In the message about an item that is not there: `Subnet does not contain dns-nameserver 10.0.0.1`. */
  readonly name: string;
  /** What is added comes before what there is. */
  readonly givenFirst?: boolean;
  /** Does an item given to `unset` name one that is there? Both are compared whole unless said otherwise. */
  readonly names?: (given: Json, item: Json) => boolean;
}

/** A column of a list. */
export interface Column {
  readonly title: string;
  readonly attr: string;
  readonly cell?: CellFormat;
  /** Computes the cell from the whole object. */
  readonly from?: (item: JsonObject) => Cell;
}

/** A command being carried out. */
export interface Call {
  readonly values: Values;
  readonly session: Session;
  /** Columns asked for with `-c`. */
  readonly askedColumns: readonly string[];
  /** Prints a line on stderr. */
  readonly remark: (line: string) => void;
  /** Writes on stdout at once: what openstack prints there of its own `--wait`. */
  readonly progress: (text: string) => void;
  /** Shows what is under way, on a terminal only; empty: nothing any more. */
  readonly status: (text: string) => void;
}

/** What is printed in the end; undefined for commands that print nothing. */
export type Outcome = ListOutput | ShowOutput | undefined;

type Finish = (attrs: JsonObject, call: Call, current: JsonObject) => void | Promise<void>;

/**
 * What a command does. The data describes the requests; `finish` adds to the body or query what no single option
 * decides.
 */
export type Action =
  | {
      readonly do: 'list';
      readonly resource: Resource;
      readonly columns: readonly Column[];
      /** Columns added by `--long`; `longOnly` replaces the others. */
      readonly long?: readonly Column[];
      readonly longOnly?: readonly Column[];
      /** Parameters always sent; `fields` asks the API for the columns' attributes only. */
      readonly fields?: boolean;
      /** Columns in the order of `-c`, attributes' names accepted. */
      readonly columnsAsAsked?: boolean;
      readonly parent?: Resource;
      /** Where the list is, if not in the collection itself. */
      readonly path?: (call: Call) => string | undefined | Promise<string | undefined>;
      readonly finish?: Finish;
    }
  | { readonly do: 'show'; readonly resource: Resource; readonly parent?: Resource; readonly finish?: Finish }
  | {
      readonly do: 'create';
      readonly resource: Resource;
      readonly parent?: Resource;
      readonly start?: JsonObject;
      /** Fields shown, where they are not those of `show`. */
      readonly fields?: readonly Field[];
      readonly finish?: Finish;
    }
  | {
      readonly do: 'set';
      readonly resource: Resource;
      readonly parent?: Resource;
      readonly lists?: readonly ListChange[];
      readonly finish?: Finish;
      /** The update is sent even when it changes nothing. */
      readonly always?: boolean;
    }
  | {
      readonly do: 'unset';
      readonly resource: Resource;
      readonly lists?: readonly ListChange[];
      readonly finish?: Finish;
    }
  | { readonly do: 'delete'; readonly resource: Resource; readonly parent?: Resource }
  | { readonly do: 'call'; readonly output: 'list' | 'show' | 'none'; readonly run: (call: Call) => Promise<Outcome> };

/** One command: everything the parser, the help and the engine need to know of it. */
export interface Command {
  readonly words: string;
  readonly help: string;
  readonly example: string;
  readonly arguments?: readonly Argument[];
  readonly options?: readonly Option[];
  /** Refusals by the networking API are worded `Error while executing command: …`, as openstack does for some. */
  readonly wordsRefusals?: boolean;
  /** Of an action `call`: whether hosts carry it out, so that they can be waited for. */
  readonly carriedOut?: boolean;
  readonly action: Action;
}

/** What kind of output a command has, which decides its format options. */
export function outputKind(command: Command): 'list' | 'show' | 'none' {
  const { action } = command;
  switch (action.do) {
    case 'list':
      return 'list';
    case 'show':
    case 'create':
      return 'show';
    case 'call':
      return action.output;
    default:
      return 'none';
  }
}
