/** A row of one of Horizon's tables. */
export interface Row {
  /** Of the object that the row shows. */
  readonly id: string;
  /** Text of the cells by the head of their column. */
  readonly cells: Readonly<Record<string, string>>;
}

/** A form as it came: where it goes, and what its fields say before anybody touches them. */
export interface Form {
  readonly action: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** What each choice field offers: the value sent, by the label shown. */
  readonly choices: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** What to enter into a form: a list for a field of several values, `null` to clear a field or a tick. */
export type Entries = Readonly<Record<string, string | readonly string[] | null>>;

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', ndash: '–' };

function decode(html: string): string {
  return html.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name] ?? whole;
  });
}

/** What a reader sees of a piece of HTML. */
function textOf(html: string): string {
  return decode(html.replace(/<script.*?<\/script>|<(?:"[^"]*"|'[^']*'|[^>"'])*>/gs, ' '))
    .replace(/\s+/g, ' ')
    .trim();
}

function attribute(tag: string, name: string): string | undefined {
  const match = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(tag);
  return match === null ? undefined : decode(match[1] ?? match[2] ?? '');
}

const has = (tag: string, name: string): boolean => new RegExp(`\\s${name}(?=[\\s=/>])`).test(tag);

/** The HTML of a table without the tables inside it, which Horizon hides in cells to show them when asked. */
function outerTable(html: string, id: string): string | undefined {
  const start = html.indexOf(`<table id="${id}"`);
  if (start === -1) return undefined;
  let depth = 0;
  let outer = '';
  for (const [piece] of html.slice(start).matchAll(/<table\b|<\/table>|.+?(?=<table\b|<\/table>|$)/gs)) {
    if (piece === '<table') depth += 1;
    if (depth === 1) outer += piece;
    if (piece === '</table>') depth -= 1;
    if (depth === 0) break;
  }
  return outer;
}

/** A page that was answered. */
export class Page {
  readonly url: string;
  readonly status: number;
  readonly html: string;

  constructor(url: string, status: number, html: string) {
    this.url = url;
    this.status = status;
    // What is meant for browsers without scripts: the forms are filled in as if scripts had run.
    this.html = html.replace(/<noscript>.*?<\/noscript>/gs, '');
  }

  /** What the page complains of: error and warning messages, and what is wrong with the fields of a form. */
  get complaints(): string[] {
    const found = this.html.matchAll(
      /<div class="alert alert-(?:danger|warning)[^>]*>(.*?)<\/div>|<span class="help-block[^>]*>(.*?)<\/span>/gs,
    );
    return [...found].map(([, message, help]) => textOf(message ?? help ?? '')).filter((text) => text !== '');
  }

  /** What went well, in the page's words. */
  get successes(): string[] {
    return [...this.html.matchAll(/<div class="alert alert-success[^>]*>(.*?)<\/div>/gs)].map(([, message]) =>
      textOf(message ?? '').replace(/^Success: /, ''),
    );
  }

  /** The rows of a table; throws when the page has no such table. */
  table(id: string): Row[] {
    const table = outerTable(this.html, id);
    if (table === undefined) throw new Error(`${this.url} has no table ${id}.`);
    const head = /<tr class="table_column_header">(.*?)<\/tr>/s.exec(table)?.[1] ?? '';
    const titles = [...head.matchAll(/<th[^>]*>(.*?)<\/th>/gs)].map(([, title]) => textOf(title ?? ''));
    const rows = [...table.matchAll(/<tr[^>]*\sdata-object-id="([^"]*)"[^>]*>(.*?)<\/tr>/gs)];
    return rows.map(([, object = '', row = '']) => {
      const texts = [...row.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map(([, cell]) => textOf(cell ?? ''));
      return { id: decode(object), cells: Object.fromEntries(titles.map((title, at) => [title, texts[at] ?? ''])) };
    });
  }

  /** The row of a table whose object has this name; throws when there is none. */
  row(table: string, name: string): Row {
    const rows = this.table(table);
    const found = rows.find(({ cells }) => Object.values(cells).includes(name));
    if (found === undefined) throw new Error(`${this.url} has no ${name}: ${JSON.stringify(rows)}`);
    return found;
  }

  /** Names and values of the definition lists that detail pages are made of; a name said twice has its first value. */
  get details(): Record<string, string> {
    const pairs = [...this.html.matchAll(/<dt[^>]*>(.*?)<\/dt>\s*<dd[^>]*>(.*?)<\/dd>/gs)].map(
      ([, name, value]) => [textOf(name ?? ''), textOf(value ?? '')] as const,
    );
    return Object.fromEntries(pairs.toReversed());
  }

  /** The limits that overviews show as charts: `Used 2 of 10`, by name. */
  get limits(): Record<string, string> {
    const charts = this.html.matchAll(
      /<div class="quota_title"[^>]*>(.*?)<\/div>\s*<div class="quota_subtitle">(.*?)<\/div>/gs,
    );
    return Object.fromEntries([...charts].map(([, name, used]) => [textOf(name ?? ''), textOf(used ?? '')]));
  }

  /** The form that is sent to this path; throws when the page has none. */
  form(path: string): Form {
    return this.#form((target) => target.split('?')[0] === path, path);
  }

  /** The form that a table's buttons send. */
  formOfTable(id: string): Form {
    return this.#form((_target, body) => body.includes(`<table id="${id}"`), `table ${id}`);
  }

  #form(isIt: (target: string, body: string) => boolean, what: string): Form {
    for (const [, tag = '', body = ''] of this.html.matchAll(/(<form\b[^>]*>)(.*?)<\/form>/gs)) {
      const target = attribute(tag, 'action')?.trim() ?? '';
      if (isIt(target, body)) return { action: target || this.url, ...fieldsOf(body) };
    }
    const actions = [...this.html.matchAll(/<form\b[^>]*>/g)].map(([tag]) => attribute(tag, 'action'));
    throw new Error(`${this.url} has no form for ${what}, only for ${actions.join(', ')}.`);
  }
}

/** What a browser would send of a form, buttons apart. */
function fieldsOf(body: string): Pick<Form, 'fields' | 'choices'> {
  const fields: [string, string][] = [];
  const choices = new Map<string, ReadonlyMap<string, string>>();
  const elements = /<input\b[^>]*>|<textarea\b[^>]*>(.*?)<\/textarea>|<select\b[^>]*>(.*?)<\/select>/gs;
  for (const [element, text, inside] of body.matchAll(elements)) {
    const tag = /^<[^>]*>/.exec(element)?.[0] ?? '';
    const name = attribute(tag, 'name');
    if (name === undefined) continue;
    if (text !== undefined) {
      fields.push([name, decode(text.replace(/^\r?\n/, ''))]);
    } else if (inside !== undefined) {
      const options = [...inside.matchAll(/(<option\b[^>]*>)(.*?)<\/option>/gs)].map(([, option = '', label]) => ({
        label: textOf(label ?? ''),
        value: attribute(option, 'value') ?? textOf(label ?? ''),
        selected: has(option, 'selected'),
      }));
      choices.set(name, new Map(options.map(({ label, value }) => [label, value])));
      const chosen = options.filter(({ selected }) => selected);
      // A list to choose one from always says something.
      const sent = chosen.length === 0 && !has(tag, 'multiple') ? options.slice(0, 1) : chosen;
      for (const { value } of sent) fields.push([name, value]);
    } else {
      const type = attribute(tag, 'type') ?? 'text';
      if (['submit', 'button', 'image', 'reset', 'file'].includes(type)) continue;
      if (['checkbox', 'radio'].includes(type) && !has(tag, 'checked')) continue;
      fields.push([name, attribute(tag, 'value') ?? (type === 'checkbox' ? 'on' : '')]);
    }
  }
  return { fields, choices };
}

/** A web browser as far as forms and cookies go; it runs no script. */
export class Browser {
  readonly #origin: string;
  readonly #cookies = new Map<string, string>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Opens a page, following redirects. */
  get(path: string): Promise<Page> {
    return this.#request('GET', path);
  }

  /** Fills in a form and sends it. Entries for fields that the form has not got are sent too, as scripts do. */
  submit(form: Form, entries: Entries = {}): Promise<Page> {
    const body = new URLSearchParams(
      form.fields.filter(([name]) => !Object.hasOwn(entries, name)).map(([name, value]) => [name, value]),
    );
    for (const [name, value] of Object.entries(entries)) {
      for (const one of value === null ? [] : typeof value === 'string' ? [value] : value) body.append(name, one);
    }
    return this.#request('POST', form.action, body);
  }

  /** A call of the kind that Horizon's scripts make: JSON both ways. */
  async script(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(new URL(path, this.#origin), {
      method,
      headers: {
        cookie: this.#cookieHeader,
        'x-requested-with': 'XMLHttpRequest',
        'x-csrftoken': this.#cookies.get('csrftoken') ?? '',
        'content-type': 'application/json',
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  get #cookieHeader(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  async #request(method: 'GET' | 'POST', path: string, body?: URLSearchParams): Promise<Page> {
    const url = new URL(path, this.#origin);
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: { cookie: this.#cookieHeader, referer: url.href },
      ...(body !== undefined && { body }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^\s*([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.#cookies.set(name, value.replace(/^"|"$/g, ''));
    }
    const html = await response.text();
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) return this.#request('GET', location);
    return new Page(`${url.pathname}${url.search}`, response.status, html);
  }
}
