import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type StandInCloud, startStandInCloud } from './stand-in-cloud.ts';
import { IDS } from './stand-in-ids.ts';
import { type Ran, runAgainst } from './stand-in-terminal.ts';

let cloud: StandInCloud;

before(async () => {
  cloud = await startStandInCloud();
});

afterEach(() => cloud.answers.clear());

after(() => cloud[Symbol.asyncDispose]());

function run(line: string): Promise<Ran> {
  return runAgainst(cloud, line);
}

/** Runs a command that must succeed; gives what it printed. */
async function done(line: string): Promise<string> {
  const ran = await run(line);
  assert.deepEqual({ code: ran.code, err: ran.err }, { code: 0, err: '' }, line);
  return ran.out;
}

/** The request that changed something, as `METHOD path` and body. */
function written(): unknown[] {
  const changes = cloud.requests.filter(({ method, path }) => method !== 'GET' && !path.startsWith('/v3/auth'));
  return changes.map(({ method, path, body }) => [`${method} ${path}`, body]);
}

const FORWARDINGS = `/v2.0/floatingips/${IDS.floatingIp}/port_forwardings`;
const CREATE = 'floating ip port forwarding create --internal-ip-address 192.168.2.79 --port web1-port';

test('floating ip port forwarding create: single ports', async () => {
  const out = await done(
    `${CREATE} --protocol TCP --internal-protocol-port 22 --external-protocol-port 2222 --description hi 10.11.7.4`,
  );
  assert.deepEqual(written(), [
    [
      `POST ${FORWARDINGS}`,
      {
        port_forwarding: {
          internal_ip_address: '192.168.2.79',
          internal_port_id: IDS.port,
          protocol: 'tcp',
          description: 'hi',
          internal_port: 22,
          external_port: 2222,
        },
      },
    ],
  ]);
  assert.equal(
    out,
    `+---------------------+--------------------------------------+
| Field               | Value                                |
+---------------------+--------------------------------------+
| description         | hi                                   |
| external_port       | 2222                                 |
| external_port_range | 2222:2222                            |
| id                  | ${IDS.forwarding} |
| internal_ip_address | 192.168.2.79                         |
| internal_port       | 22                                   |
| internal_port_id    | ${IDS.port} |
| internal_port_range | 22:22                                |
| name                | None                                 |
| protocol            | tcp                                  |
+---------------------+--------------------------------------+
`,
  );
});

test('floating ip port forwarding create: ranges, and what they may not be', async () => {
  const ports = (inside: string, outside: string): string =>
    `${CREATE} --protocol tcp --internal-protocol-port ${inside} --external-protocol-port ${outside} 10.11.7.4`;
  await done(ports('80:90', '8080:8090'));
  const [[, body]] = written() as [[string, { port_forwarding: Record<string, unknown> }]];
  assert.equal(body.port_forwarding.internal_port_range, '80:90');
  assert.equal(body.port_forwarding.external_port_range, '8080:8090');
  assert.ok(!('internal_port' in body.port_forwarding));
  await done(ports('22', '2000:2010'));
  const refusals: [string, string, string][] = [
    ['90:80', '80:90', 'The last number in port range must be greater or equal to the first'],
    ['0', '80', 'The port number range is <1-65535>'],
    ['80', '65536', 'The port number range is <1-65535>'],
    ['ssh', '80', 'The port number range is <1-65535>'],
    ['80:81', '1:3', 'The relation between internal and external ports does not match the pattern 1:N and N:N'],
  ];
  for (const [inside, outside, message] of refusals) {
    assert.deepEqual(await run(ports(inside, outside)), { code: 1, out: '', err: `${message}\n` });
    assert.deepEqual(written(), []);
  }
});

test('floating ip port forwarding list, show, set, delete', async () => {
  const columns = '-c "External Port" -c Protocol';
  const list = await done(`floating ip port forwarding list 10.11.7.4 --port web1-port ${columns}`);
  assert.equal(
    list,
    `+---------------+----------+
| External Port | Protocol |
+---------------+----------+
|          2222 | tcp      |
|     8000:8010 | udp      |
+---------------+----------+
`,
  );
  assert.ok(cloud.calls().includes(`GET ${FORWARDINGS}?internal_port_id=${IDS.port}`));
  const shown = JSON.parse(await done(`floating ip port forwarding show 10.11.7.4 ${IDS.rangeForwarding} -f json`));
  assert.equal(shown.external_port, null);
  assert.equal(shown.internal_port_range, '80:90');
  assert.equal(
    await done(`floating ip port forwarding set --external-protocol-port 2223 10.11.7.4 ${IDS.forwarding}`),
    '',
  );
  assert.deepEqual(written(), [[`PUT ${FORWARDINGS}/${IDS.forwarding}`, { port_forwarding: { external_port: 2223 } }]]);
  const deleted = await run(`floating ip port forwarding delete 10.11.7.4 ${IDS.forwarding} ${IDS.group}`);
  assert.equal(deleted.code, 1);
  assert.equal(
    deleted.err,
    `Failed to delete floating IP port forwarding '${IDS.group}': ResourceNotFound: 404: Client Error for url: ` +
      `${cloud.url}${FORWARDINGS}/${IDS.group}, port_forwarding ${IDS.group} could not be found.\n` +
      '1 of 2 Port forwarding failed to delete.\n',
  );
});

test('floating ip create, list, set, unset, delete', async () => {
  await done('floating ip create public --tag b --tag a --project shop');
  assert.deepEqual(written(), [
    ['POST /v2.0/floatingips', { floatingip: { floating_network_id: IDS.public, project_id: IDS.project } }],
    [`PUT /v2.0/floatingips/${IDS.floatingIp}/tags`, { tags: ['a', 'b', 'ssh'] }],
  ]);
  assert.equal(
    await done('floating ip list --status DOWN -f csv -c "Floating IP Address" -c "Fixed IP Address"'),
    '"Floating IP Address","Fixed IP Address"\n"10.11.7.5","192.168.2.79"\n',
  );
  await done('floating ip list --tags a,b --any-tags c --not-tags d --not-any-tags e --router router1');
  const query = `router_id=${IDS.router}&tags=a,b&tags-any=c&not-tags=d&not-tags-any=e`;
  assert.equal(cloud.calls().at(-1), `GET /v2.0/floatingips?${query}`);
  await done('floating ip set --port web1-port --no-tag --tag x 10.11.7.4');
  assert.deepEqual(written(), [
    [`PUT /v2.0/floatingips/${IDS.floatingIp}`, { floatingip: { port_id: IDS.port } }],
    [`PUT /v2.0/floatingips/${IDS.floatingIp}/tags`, { tags: ['x'] }],
  ]);
  await done('floating ip unset --port --tag ssh 10.11.7.4');
  assert.deepEqual(written(), [
    [`PUT /v2.0/floatingips/${IDS.floatingIp}`, { floatingip: { port_id: null } }],
    [`PUT /v2.0/floatingips/${IDS.floatingIp}/tags`, { tags: [] }],
  ]);
  assert.deepEqual(await run('floating ip delete 10.11.7.8 10.11.7.9'), {
    code: 1,
    out: '',
    err:
      "Failed to delete floating_ip with name or ID '10.11.7.8': No FloatingIP found for 10.11.7.8\n" +
      "Failed to delete floating_ip with name or ID '10.11.7.9': No FloatingIP found for 10.11.7.9\n" +
      '2 of 2 floating_ips failed to delete.\n',
  });
});

test('what the API refuses is said in its own words; exit code 1', async () => {
  const body = {
    NeutronError: { type: 'OverQuota', message: "Quota exceeded for resources: ['floatingip'].", detail: '' },
  };
  cloud.answers.set('POST /v2.0/floatingips', { status: 409, body });
  assert.deepEqual(await run('floating ip create public'), {
    code: 1,
    out: '',
    err: 'Error while executing command: ConflictException: 409, ' + "Quota exceeded for resources: ['floatingip'].\n",
  });
});

test('port list: by server, with its own column order, and with the security groups of --long', async () => {
  const fields = 'fields=id&fields=name&fields=mac_address&fields=fixed_ips&fields=status';
  await done('port list --server web1');
  assert.equal(cloud.calls().at(-1), `GET /v2.0/ports?device_id=${IDS.server}&${fields}`);
  assert.equal(await done('port list -c Status -c ID -f value --name web1-port'), `ACTIVE ${IDS.port}\n`);
  const long = JSON.parse(await done('port list --long --name web1-port -f json'));
  assert.match(cloud.calls().at(-1) ?? '', /&fields=security_group_ids&fields=device_owner&fields=tags$/);
  assert.deepEqual(long[0]['Security Groups'], [IDS.group]);
  const table = await done('port list --router router1 --fixed-ip subnet=private-subnet,ip-substring=2.1');
  assert.match(cloud.calls().at(-1) ?? '', /fixed_ips=subnet_id=3{8}.*&fixed_ips=ip_address_substr=2\.1/);
  assert.match(table, /ip_address='192\.168\.2\.1', subnet_id='33333333-3333-4333-8333-333333333333' \| ACTIVE/);
});

test('port create, set, unset', async () => {
  await done('port create --network private --no-fixed-ip --no-security-group --disable --binding-profile a=1 p2');
  const create = {
    admin_state_up: false,
    network_id: IDS.private,
    'binding:profile': { a: '1' },
    fixed_ips: [],
    security_groups: [],
    name: 'p2',
  };
  assert.deepEqual(written(), [['POST /v2.0/ports', { port: create }]]);
  await done('port set --security-group web --fixed-ip ip-address=192.168.2.99 web1-port');
  const own = { subnet_id: IDS.subnet };
  const fixedIps = [
    { ...own, ip_address: '192.168.2.79' },
    { ...own, ip_address: '192.168.2.80' },
    { ip_address: '192.168.2.99' },
  ];
  const set = { fixed_ips: fixedIps, security_groups: [IDS.group, IDS.group] };
  assert.deepEqual(written(), [[`PUT /v2.0/ports/${IDS.port}`, { port: set }]]);
  await done('port unset --fixed-ip ip-address=192.168.2.79 --security-group web --binding-profile a web1-port');
  const unset = { fixed_ips: [{ ...own, ip_address: '192.168.2.80' }], security_groups: [], 'binding:profile': {} };
  assert.deepEqual(written(), [[`PUT /v2.0/ports/${IDS.port}`, { port: unset }]]);
  const absent = await run('port unset --fixed-ip ip-address=1.1.1.1 web1-port');
  assert.deepEqual([absent.code, absent.err], [1, "Port does not contain fixed-ip {'ip_address': '1.1.1.1'}\n"]);
});

test('security groups and rules', async () => {
  await done('security group create db --stateless');
  assert.deepEqual(written(), [
    ['POST /v2.0/security-groups', { security_group: { stateful: false, name: 'db', description: 'db' } }],
  ]);
  const rule = {
    protocol: 'tcp',
    security_group_id: IDS.group,
    direction: 'ingress',
    ethertype: 'IPv4',
    port_range_min: 80,
    port_range_max: 90,
    remote_ip_prefix: '0.0.0.0/0',
  };
  await done('security group rule create --protocol TCP --dst-port 80:90 web');
  assert.deepEqual(written(), [['POST /v2.0/security-group-rules', { security_group_rule: rule }]]);
  const columns = '-c "IP Protocol" -c "IP Range" -c "Port Range" -c Direction';
  assert.equal(
    await done(`security group rule list web -f value ${columns}`),
    'tcp 0.0.0.0/0 80:90 ingress\nipv6-icmp ::/0 type=8 egress\n',
  );
  const refused = await run('security group rule create --icmp-type 8 web');
  assert.deepEqual(
    [refused.code, refused.err],
    [1, 'ICMP IP protocol required with arguments --icmp-type and --icmp-code\n'],
  );
});

test('routers: gateway, interfaces, routes, what --long shows', async () => {
  await done('router create --external-gateway public --disable-snat r2');
  const info = { network_id: IDS.public, enable_snat: false };
  assert.deepEqual(written(), [
    ['POST /v2.0/routers', { router: { admin_state_up: true, name: 'r2', external_gateway_info: info } }],
  ]);
  await done('router unset --external-gateway router1');
  assert.deepEqual(written(), [[`PUT /v2.0/routers/${IDS.router}`, { router: { external_gateway_info: {} } }]]);
  await done('router add subnet router1 private-subnet');
  const action = `PUT /v2.0/routers/${IDS.router}/add_router_interface`;
  assert.deepEqual(written(), [[action, { subnet_id: IDS.subnet }]]);
  await done('router set --route destination=10.2.0.0/16,gateway=192.168.2.8 router1');
  const routes = [
    { destination: '10.2.0.0/16', nexthop: '192.168.2.8' },
    { destination: '10.1.0.0/16', nexthop: '192.168.2.9' },
  ];
  assert.deepEqual(written(), [[`PUT /v2.0/routers/${IDS.router}`, { router: { routes } }]]);
  const [row] = JSON.parse(await done('router list --long --name router1 -f json'));
  assert.deepEqual(Object.keys(row).slice(5), [
    'Distributed',
    'HA',
    'Routes',
    'External gateway info',
    'Availability zones',
    'Tags',
  ]);
  assert.match(await done('router show router1'), /\| interfaces_info +\| \[\{"port_id": "45454545/);
});

test('networks, subnets, agents, extensions', async () => {
  assert.equal(await done('network list --external -f value -c Name'), 'public\n');
  assert.equal(cloud.calls().at(-1), 'GET /v2.0/networks?router:external=True');
  await done('network create --external --mtu 1400 n2');
  const body = { admin_state_up: true, mtu: '1400', 'router:external': true, name: 'n2' };
  assert.deepEqual(written(), [['POST /v2.0/networks', { network: body }]]);
  await done('subnet create --network private --subnet-range 10.5.0.0/24 --gateway none --no-dhcp s2');
  const subnet = {
    ip_version: 4,
    network_id: IDS.private,
    cidr: '10.5.0.0/24',
    enable_dhcp: false,
    name: 's2',
    gateway_ip: null,
  };
  assert.deepEqual(written(), [['POST /v2.0/subnets', { subnet }]]);
  assert.match(await done('network agent list'), /\| L3 agent +\| node1 \| nova +\| :-\) +\| UP +\|/);
  assert.match(await done('extension list --network -c Alias -f value'), /^floating-ip-port-forwarding\n/);
});
