import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cell } from './cell.ts';
import { dictCell, dictListCell, listCell } from './cell.ts';
import { ClientError } from './errors.ts';
import { formatList, formatShow, type OutputOptions } from './format.ts';
import { wrapped } from './table.ts';
import { yamlDocument } from './yaml-text.ts';

const PLAIN: OutputOptions = {
  format: 'table',
  columns: [],
  sortColumns: [],
  sortDescending: false,
  maxWidth: 0,
  fitWidth: false,
  printEmpty: false,
  noIndent: false,
  quote: 'nonnumeric',
  prefix: '',
};

const screen = { columns: 0, remark: (): void => {} };

const titles = ['Name', 'Port', 'Fixed IP Addresses', 'Tags', 'Open'];
const rows: Cell[][] = [
  [
    'web1',
    2222,
    dictListCell([{ subnet_id: 's1', ip_address: '192.168.2.79' }, { ip_address: '10.0.0.5' }]),
    listCell(['b', 'a']),
    true,
  ],
  [`it's "x"`, 80, dictListCell([]), listCell(null), null],
];

const names = ['admin_state_up', 'binding:profile', 'description', 'id', 'port', 'router', 'tags'];
const cells: Cell[] = [
  true,
  dictCell({ b: '2', a: { x: 1 } }),
  'café "ok"',
  '3b1f7f1c-7a2b-4f42-9d0e-8e7d8c9b0a11',
  2222,
  null,
  ['x'],
];

/** Printed for these very cells by cliff 4.0.0 with prettytable 3.6.0 and PyYAML 6.0. */
const GOLDEN: Record<string, string> = {
  'list table': `+----------+------+-------------------------------------------+------+------+
| Name     | Port | Fixed IP Addresses                        | Tags | Open |
+----------+------+-------------------------------------------+------+------+
| web1     | 2222 | ip_address='192.168.2.79', subnet_id='s1' | a, b | True |
|          |      | ip_address='10.0.0.5'                     |      |      |
| it's "x" |   80 |                                           | None | None |
+----------+------+-------------------------------------------+------+------+
`,
  'list value': `web1 2222 [{'subnet_id': 's1', 'ip_address': '192.168.2.79'}, {'ip_address': '10.0.0.5'}] ['b', 'a'] True
it's "x" 80 [] None None
`,
  'list csv': `"Name","Port","Fixed IP Addresses","Tags","Open"
"web1",2222,"[{'subnet_id': 's1', 'ip_address': '192.168.2.79'}, {'ip_address': '10.0.0.5'}]","['b', 'a']",True
"it's ""x""",80,"[]","None",""
`,
  'list json': String.raw`[
  {
    "Name": "web1",
    "Port": 2222,
    "Fixed IP Addresses": [
      {
        "subnet_id": "s1",
        "ip_address": "192.168.2.79"
      },
      {
        "ip_address": "10.0.0.5"
      }
    ],
    "Tags": [
      "b",
      "a"
    ],
    "Open": true
  },
  {
    "Name": "it's \"x\"",
    "Port": 80,
    "Fixed IP Addresses": [],
    "Tags": null,
    "Open": null
  }
]
`,
  'list yaml': `- Fixed IP Addresses:
  - ip_address: 192.168.2.79
    subnet_id: s1
  - ip_address: 10.0.0.5
  Name: web1
  Open: true
  Port: 2222
  Tags:
  - b
  - a
- Fixed IP Addresses: []
  Name: it's "x"
  Open: null
  Port: 80
  Tags: null
`,
  'list csv all': `"Name","Port","Fixed IP Addresses","Tags","Open"
"web1","2222","[{'subnet_id': 's1', 'ip_address': '192.168.2.79'}, {'ip_address': '10.0.0.5'}]","['b', 'a']","True"
"it's ""x""","80","[]","None",""
`,
  'list csv minimal': `Name,Port,Fixed IP Addresses,Tags,Open
web1,2222,"[{'subnet_id': 's1', 'ip_address': '192.168.2.79'}, {'ip_address': '10.0.0.5'}]","['b', 'a']",True
"it's ""x""",80,[],None,
`,
  'list json noindent': String.raw`[{"Name": "web1", "Port": 2222, "Fixed IP Addresses": [{"subnet_id": "s1", "ip_address": "192.168.2.79"}, {"ip_address": "10.0.0.5"}], "Tags": ["b", "a"], "Open": true}, {"Name": "it's \"x\"", "Port": 80, "Fixed IP Addresses": [], "Tags": null, "Open": null}]
`,
  'list table 50': `+----------+------+--------------------+------+------+
| Name     | Port | Fixed IP Addresses | Tags | Open |
+----------+------+--------------------+------+------+
| web1     | 2222 | ip_address='192.16 | a, b | True |
|          |      | 8.2.79',           |      |      |
|          |      | subnet_id='s1'     |      |      |
|          |      | ip_address='10.0.0 |      |      |
|          |      | .5'                |      |      |
| it's "x" |   80 |                    | None | None |
+----------+------+--------------------+------+------+
`,
  'one table': `+-----------------+--------------------------------------+
| Field           | Value                                |
+-----------------+--------------------------------------+
| admin_state_up  | True                                 |
| binding:profile | a.x='1', b='2'                       |
| description     | café "ok"                            |
| id              | 3b1f7f1c-7a2b-4f42-9d0e-8e7d8c9b0a11 |
| port            | 2222                                 |
| router          | None                                 |
| tags            | ['x']                                |
+-----------------+--------------------------------------+
`,
  'one value': `True
{'b': '2', 'a': {'x': 1}}
café "ok"
3b1f7f1c-7a2b-4f42-9d0e-8e7d8c9b0a11
2222
None
['x']
`,
  'one json': String.raw`{
  "admin_state_up": true,
  "binding:profile": {
    "b": "2",
    "a": {
      "x": 1
    }
  },
  "description": "caf\u00e9 \"ok\"",
  "id": "3b1f7f1c-7a2b-4f42-9d0e-8e7d8c9b0a11",
  "port": 2222,
  "router": null,
  "tags": [
    "x"
  ]
}
`,
  'one yaml': String.raw`admin_state_up: true
binding:profile:
  a:
    x: 1
  b: '2'
description: "caf\xE9 \"ok\""
id: 3b1f7f1c-7a2b-4f42-9d0e-8e7d8c9b0a11
port: 2222
router: null
tags:
- x
`,
  'one shell': String.raw`P_admin_state_up="True"
P_binding_profile="{'b': '2', 'a': {'x': 1}}"
P_description="café \"ok\""
P_id="3b1f7f1c-7a2b-4f42-9d0e-8e7d8c9b0a11"
P_port="2222"
P_router="None"
P_tags="['x']"
`,
  'one table 40': `+-----------------+--------------------+
| Field           | Value              |
+-----------------+--------------------+
| admin_state_up  | True               |
| binding:profile | a.x='1', b='2'     |
| description     | café "ok"          |
| id              | 3b1f7f1c-7a2b-     |
|                 | 4f42-9d0e-         |
|                 | 8e7d8c9b0a11       |
| port            | 2222               |
| router          | None               |
| tags            | ['x']              |
+-----------------+--------------------+
`,
};

function list(options: Partial<OutputOptions>, shown: Cell[][] = rows): string {
  return formatList({ kind: 'list', titles, rows: shown }, { ...PLAIN, ...options }, screen);
}

function show(options: Partial<OutputOptions>): string {
  return formatShow({ kind: 'show', names, cells }, { ...PLAIN, ...options }, screen);
}

for (const format of ['table', 'value', 'csv', 'json', 'yaml']) {
  test(`a list as ${format} is what cliff prints`, () => {
    assert.equal(list({ format }), GOLDEN[`list ${format}`]);
  });
}

for (const format of ['table', 'value', 'json', 'yaml', 'shell']) {
  test(`one object as ${format} is what cliff prints`, () => {
    assert.equal(show({ format, prefix: 'P_' }), GOLDEN[`one ${format}`]);
  });
}

test('options of the formats', () => {
  assert.equal(list({ format: 'csv', quote: 'all' }), GOLDEN['list csv all']);
  assert.equal(list({ format: 'csv', quote: 'minimal' }), GOLDEN['list csv minimal']);
  assert.equal(list({ format: 'json', noIndent: true }), GOLDEN['list json noindent']);
  assert.equal(list({ maxWidth: 50 }), GOLDEN['list table 50']);
  assert.equal(show({ maxWidth: 40 }), GOLDEN['one table 40']);
});

test('a table fits the terminal only when asked to, and only on a terminal', () => {
  const output = { kind: 'show', names, cells } as const;
  assert.equal(formatShow(output, { ...PLAIN, fitWidth: true }, { ...screen, columns: 40 }), GOLDEN['one table 40']);
  assert.equal(formatShow(output, PLAIN, { ...screen, columns: 40 }), GOLDEN['one table']);
  assert.equal(formatShow(output, { ...PLAIN, fitWidth: true }, screen), GOLDEN['one table']);
});

test('an empty list is an empty line, or an empty table when asked for', () => {
  assert.equal(list({}, []), '\n');
  assert.equal(list({ format: 'json' }, []), '[]\n');
  assert.equal(list({ format: 'value' }, []), '');
  assert.equal(list({ format: 'yaml' }, []), '[]\n');
  assert.equal(
    list({ printEmpty: true, columns: ['Port', 'Name'] }, []),
    '+------+------+\n| Name | Port |\n+------+------+\n+------+------+\n',
  );
});

test('columns keep the order of the output; unknown ones are an error that names the known', () => {
  assert.equal(list({ format: 'value', columns: ['Port', 'Name'] }), 'web1 2222\nit\'s "x" 80\n');
  assert.throws(
    () => list({ columns: ['nope'] }),
    new ClientError(
      "No recognized column names in ['nope']. Recognized columns are ('Name', 'Port', 'Fixed IP Addresses', 'Tags', 'Open').",
    ),
  );
});

test('sorting: several columns, nulls last, ascending or descending', () => {
  const options = { format: 'value', columns: ['Port'] };
  assert.equal(list({ ...options, sortColumns: ['Port'] }), '80\n2222\n');
  assert.equal(list({ ...options, sortColumns: ['Port'], sortDescending: true }), '2222\n80\n');
  assert.equal(list({ ...options, sortColumns: ['Open', 'nope'] }), '2222\n80\n');
});

test('what cannot be sorted stays as it is, with a remark', () => {
  const remarks: string[] = [];
  const mixed = { kind: 'list', titles: ['A'], rows: [['x'], [1]] } as const;
  const noted = { columns: 0, remark: (line: string) => remarks.push(line) };
  assert.equal(formatList(mixed, { ...PLAIN, format: 'value', sortColumns: ['A'] }, noted), 'x\n1\n');
  assert.deepEqual(remarks, ["Could not sort on field 'A'; unsortable types"]);
});

test('YAML quotes what would be read as something else, as PyYAML does', () => {
  const value = { a: 'yes', b: '80', c: '', d: 'a: b', e: '- x', f: '0x1f', g: '80:90', h: 'x\ny', i: 'tcp', j: {} };
  assert.equal(
    yamlDocument(value),
    "a: 'yes'\nb: '80'\nc: ''\nd: 'a: b'\ne: '- x'\nf: '0x1f'\ng: 80:90\nh: 'x\n\n  y'\ni: tcp\nj: {}\n",
  );
});

test('lines break at spaces, after hyphens between letters, or where they must', () => {
  assert.deepEqual(wrapped('hello well-known world', 12), ['hello well-', 'known world']);
  assert.deepEqual(wrapped('abcdefghij', 4), ['abcd', 'efgh', 'ij']);
});

test('a table has lines and a bold head at a terminal, and is plain ASCII elsewhere', () => {
  const output = { kind: 'list' as const, titles: ['Name', 'Size'], rows: [['a', 1] as const] };
  const table = (style?: { bold: boolean }) =>
    formatList(
      output,
      {
        ...{ format: 'table', columns: [], sortColumns: [], sortDescending: false, maxWidth: 0, fitWidth: false },
        ...{ printEmpty: false, noIndent: false, quote: 'nonnumeric', prefix: '' },
      },
      { columns: style === undefined ? 0 : 80, ...(style === undefined ? {} : { style }), remark: () => {} },
    );
  assert.equal(table(), '+------+------+\n| Name | Size |\n+------+------+\n| a    |    1 |\n+------+------+\n');
  assert.equal(
    table({ bold: false }),
    '┌──────┬──────┐\n│ Name │ Size │\n├──────┼──────┤\n│ a    │    1 │\n└──────┴──────┘\n',
  );
  assert.ok(table({ bold: true }).includes('│ \u001b[1mName\u001b[22m │'));
});

test('integers that no number holds are printed digit by digit', () => {
  const output = { kind: 'list' as const, titles: ['Total IPs'], rows: [[18446744073709551614n] as const] };
  const options = {
    ...{ columns: [], sortColumns: ['Total IPs'], sortDescending: false, maxWidth: 0, fitWidth: false },
    ...{ printEmpty: false, noIndent: true, quote: 'nonnumeric', prefix: '' },
  };
  const printed = (format: string) => formatList(output, { ...options, format }, { columns: 0, remark: () => {} });
  assert.equal(printed('json'), '[{"Total IPs": 18446744073709551614}]\n');
  assert.equal(printed('value'), '18446744073709551614\n');
  assert.equal(printed('csv'), '"Total IPs"\n18446744073709551614\n');
  assert.equal(printed('yaml'), '- Total IPs: 18446744073709551614\n');
});
