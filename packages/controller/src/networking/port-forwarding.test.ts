import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
});
after(() => api.stop());

const body = (values: Record<string, unknown> = {}) => ({
  port_forwarding: {
    internal_port_id: cloud.vm1.id,
    internal_ip_address: '192.168.2.79',
    internal_port: 22,
    external_port: 2222,
    protocol: 'tcp',
    ...values,
  },
});
const newFloatingIp = () =>
  api.create('alice', '/floatingips', 'floatingip', { floating_network_id: cloud.external.id });
const forwardingsOf = (id: string) => `/floatingips/${id}/port_forwardings`;

test('a forwarding is created, shown, listed in its floating IP, and deleted with its router let go', async () => {
  const floatingIp = await newFloatingIp();
  const made = await api.expect('alice', 'POST', forwardingsOf(floatingIp.id), body());
  assert.deepEqual(made, {
    id: made.id,
    internal_port_id: cloud.vm1.id,
    internal_ip_address: '192.168.2.79',
    protocol: 'tcp',
    external_port: 2222,
    external_port_range: '2222:2222',
    internal_port: 22,
    internal_port_range: '22:22',
    description: '',
  });
  assert.deepEqual(
    await api.expect('alice', 'GET', `${forwardingsOf(floatingIp.id)}/${made.id}?floatingip_id=x`),
    made,
  );
  const shown = await api.expect('alice', 'GET', `/floatingips/${floatingIp.id}`);
  assert.equal(shown.router_id, cloud.router.id);
  assert.equal(shown.port_id, null);
  assert.deepEqual(shown.port_forwardings, [
    {
      id: made.id,
      protocol: 'tcp',
      internal_ip_address: '192.168.2.79',
      internal_port_id: cloud.vm1.id,
      internal_port: 22,
      external_port: 2222,
    },
  ]);
  assert.ok(shown.revision_number > floatingIp.revision_number);
  assert.equal((await api.send('alice', 'DELETE', `${forwardingsOf(floatingIp.id)}/${made.id}`)).status, 204);
  assert.equal((await api.expect('alice', 'GET', `/floatingips/${floatingIp.id}`)).router_id, null);
});

/** What is wrong with a body, and the answer that Neutron's documents give: status, type, a part of the message. */
const REFUSED: [string, Record<string, unknown>, number, string, RegExp][] = [
  [
    'external port 0',
    { external_port: 0 },
    400,
    'HTTPBadRequest',
    /^Invalid input for external_port\. Reason: '0' is too small - must be at least '1'\.$/,
  ],
  ['external port 65536', { external_port: 65_536 }, 400, 'HTTPBadRequest', /no larger than '65535'/],
  ['external port text', { external_port: 'abc' }, 400, 'HTTPBadRequest', /'abc' is not an integer/],
  ['external port null', { external_port: null }, 400, 'HTTPBadRequest', /external_port/],
  ['external port fraction', { external_port: 80.5 }, 400, 'HTTPBadRequest', /is not an integer/],
  ['external port true', { external_port: true }, 400, 'HTTPBadRequest', /is not an integer/],
  ['no external port', { external_port: undefined }, 400, 'HTTPBadRequest', /external_port/],
  ['no internal port', { internal_port: undefined }, 400, 'HTTPBadRequest', /internal_port/],
  [
    'protocol in capitals',
    { protocol: 'TCP' },
    400,
    'HTTPBadRequest',
    /^Invalid input for protocol\. Reason: TCP is not in valid_values\.$/,
  ],
  ['protocol number', { protocol: '6' }, 400, 'HTTPBadRequest', /6 is not in valid_values/],
  ['protocol integer', { protocol: 6 }, 400, 'InvalidInput', /Input value 6 must be string type\.$/],
  ['protocol unknown', { protocol: 'foo' }, 400, 'InvalidInput', /IP protocol 'foo' is not supported/],
  ['no protocol', { protocol: undefined }, 400, 'HTTPBadRequest', /Required attribute 'protocol' not specified/],
  [
    'address not on the port',
    { internal_ip_address: '192.168.2.99' },
    400,
    'BadRequest',
    /192\.168\.2\.99 is not suitable/,
  ],
  ['address that is none', { internal_ip_address: 'x' }, 400, 'HTTPBadRequest', /'x' is not a valid IP address/],
  ['unknown port', { internal_port_id: '9b68c54c-2d19-4ad4-a2a1-30574c83647c' }, 404, 'PortNotFound', /9b68c54c/],
  ['port id that is none', { internal_port_id: 'xx' }, 400, 'HTTPBadRequest', /'xx' is not a valid UUID/],
  ['unknown attribute', { foo: 1, bar: 2 }, 400, 'HTTPBadRequest', /^Unrecognized attribute\(s\) 'bar, foo'$/],
  ['id in POST', { id: 'x' }, 400, 'HTTPBadRequest', /Attribute 'id' not allowed in POST/],
  ['internal state', { external_first: 1 }, 400, 'HTTPBadRequest', /Unrecognized attribute/],
  ['description too long', { description: 'x'.repeat(1025) }, 400, 'HTTPBadRequest', /exceeds maximum length of 1024/],
  ['description null', { description: null }, 400, 'HTTPBadRequest', /'None' is not a valid string/],
  [
    'range reversed',
    { external_port: undefined, external_port_range: '20:10' },
    400,
    'HTTPBadRequest',
    /First port in a port range must be lower/,
  ],
  [
    'range with 0',
    { external_port: undefined, external_port_range: '0:10' },
    400,
    'HTTPBadRequest',
    /Invalid port: 0, the port must be in the range \[1, 65535\]/,
  ],
  [
    'range beyond',
    { external_port: undefined, external_port_range: '65000:65540' },
    400,
    'HTTPBadRequest',
    /Invalid port: 65540/,
  ],
  [
    'range of letters',
    { external_port: undefined, external_port_range: 'a' },
    400,
    'HTTPBadRequest',
    /Invalid port: a/,
  ],
  [
    'range of three',
    { external_port: undefined, external_port_range: '1:2:3' },
    400,
    'HTTPBadRequest',
    /two integers separated by a colon/,
  ],
  [
    'range with a dash',
    { external_port: undefined, external_port_range: '10-20' },
    400,
    'HTTPBadRequest',
    /Invalid port: 10-20/,
  ],
  [
    'ranges of different width',
    { external_port: undefined, external_port_range: '10:20', internal_port: undefined, internal_port_range: '10:15' },
    400,
    'BadRequest',
    /N-N or 1-N/,
  ],
];

for (const [what, values, status, type, message] of REFUSED) {
  test(`refused, and nothing changed: ${what}`, async () => {
    const floatingIp = await newFloatingIp();
    const answer = await api.send('alice', 'POST', forwardingsOf(floatingIp.id), body(values));
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.equal(answer.body.NeutronError.type, type);
    assert.match(answer.body.NeutronError.message, message);
    assert.equal(answer.body.NeutronError.detail, '');
    assert.deepEqual(await api.expect('alice', 'GET', `/floatingips/${floatingIp.id}`), floatingIp);
  });
}

test('an external port serves one VM; another protocol or address may have the same', async () => {
  const [one, two] = [await newFloatingIp(), await newFloatingIp()];
  await api.expect('alice', 'POST', forwardingsOf(one.id), body({ external_port: 3000, internal_port: 3000 }));
  const taken = await api.send(
    'alice',
    'POST',
    forwardingsOf(one.id),
    body({ external_port: 3000, internal_port_id: cloud.vm2.id, internal_ip_address: '192.168.2.80' }),
  );
  assert.equal(taken.status, 400);
  assert.match(
    taken.body.NeutronError.message,
    /port collision with the external_port_range\. The following ranges collide: 3000:3000 and 3000:3000/,
  );
  const inside = await api.send(
    'alice',
    'POST',
    forwardingsOf(two.id),
    body({ external_port: 3001, internal_port: 3000 }),
  );
  assert.match(inside.body.NeutronError.message, /port collision with the internal_port_range/);
  await api.expect(
    'alice',
    'POST',
    forwardingsOf(one.id),
    body({ external_port: 3000, internal_port: 3000, protocol: 'udp' }),
  );
  await api.expect('alice', 'POST', forwardingsOf(two.id), body({ external_port: 3000, internal_port: 3002 }));
  for (const id of [one.id, two.id]) await api.expect('alice', 'DELETE', `/floatingips/${id}`);
});

test('ranges: N to N, N to one, one port as a range; none may overlap', async () => {
  const { id } = await newFloatingIp();
  const range = (external: string, internal: string, more = {}) =>
    body({
      external_port: undefined,
      internal_port: undefined,
      external_port_range: external,
      internal_port_range: internal,
      ...more,
    });
  const wide = await api.expect('alice', 'POST', forwardingsOf(id), range('4000:4010', '5000:5010'));
  assert.equal(wide.external_port, null);
  assert.equal(wide.external_port_range, '4000:4010');
  const manyToOne = await api.expect('alice', 'POST', forwardingsOf(id), range('4020:4030', '5020'));
  assert.equal(manyToOne.internal_port, 5020);
  assert.equal(manyToOne.internal_port_range, '5020:5020');
  for (const overlapping of ['3990:4000', '4005:4006', '4010:4015', '3000:5000']) {
    const answer = await api.send('alice', 'POST', forwardingsOf(id), range(overlapping, '7000'));
    assert.equal(answer.status, 400, overlapping);
    assert.match(answer.body.NeutronError.message, /external_port_range/);
  }
  await api.expect('alice', 'POST', forwardingsOf(id), range('4011:4019', '6011:6019'));
  const shown = await api.expect('alice', 'GET', `/floatingips/${id}`);
  assert.ok(shown.port_forwardings.every((item: object) => !('external_port' in item)));
  assert.equal((await api.expect('alice', 'GET', `${forwardingsOf(id)}?external_port_range=4000:4010`)).length, 1);
  await api.expect('alice', 'DELETE', `/floatingips/${id}`);
});

test('update: any part, merged with what is stored, checked as a whole', async () => {
  const { id } = await newFloatingIp();
  const first = await api.expect('alice', 'POST', forwardingsOf(id), body({ external_port: 100, internal_port: 100 }));
  await api.expect('alice', 'POST', forwardingsOf(id), body({ external_port: 101, internal_port: 101 }));
  const path = `${forwardingsOf(id)}/${first.id}`;
  const put = (values: object) => api.send('alice', 'PUT', path, { port_forwarding: values });
  assert.equal((await put({ description: 'mail' })).body.port_forwarding.description, 'mail');
  assert.equal((await put({ external_port: 102 })).body.port_forwarding.external_port_range, '102:102');
  const conflict = await put({ external_port: 101 });
  assert.equal(conflict.status, 400);
  assert.match(
    conflict.body.NeutronError.message,
    /Another port forwarding entry with the same attributes already exists, conflicting values are \{'floating_ip_address': '10\.11\.7\.\d+', 'external_port': 101\}/,
  );
  assert.equal((await put({ internal_port_range: '200:210' })).status, 400);
  assert.equal((await put({ internal_port_range: '200:210', external_port_range: '300:310' })).status, 200);
  assert.equal((await put({ external_port_range: '300:305' })).status, 400);
  const moved = await put({ internal_port_id: cloud.vm2.id });
  assert.equal(moved.body.port_forwarding.internal_ip_address, '192.168.2.80');
  assert.equal((await put({ project_id: 'x' })).status, 400);
  assert.equal((await put({ internal_ip_address: '192.168.2.79' })).status, 400);
  await api.expect('alice', 'DELETE', `/floatingips/${id}`);
});

test('a port with a floating IP gets no forwarding, and a floating IP with a port has none', async () => {
  const [shared, plain] = [await newFloatingIp(), await newFloatingIp()];
  await api.expect('alice', 'PUT', `/floatingips/${plain.id}`, { floatingip: { port_id: cloud.vm2.id } });
  const onPlain = await api.send('alice', 'POST', forwardingsOf(plain.id), body());
  assert.equal(onPlain.status, 409);
  assert.equal(onPlain.body.NeutronError.type, 'FloatingIPPortAlreadyAssociated');
  const toBound = await api.send(
    'alice',
    'POST',
    forwardingsOf(shared.id),
    body({ internal_port_id: cloud.vm2.id, internal_ip_address: '192.168.2.80' }),
  );
  assert.equal(toBound.status, 409);
  assert.equal(toBound.body.NeutronError.type, 'PortHasBindingFloatingIP');
  await api.expect('alice', 'POST', forwardingsOf(shared.id), body());
  const associated = await api.send('alice', 'PUT', `/floatingips/${shared.id}`, {
    floatingip: { port_id: cloud.vm1.id },
  });
  assert.equal(associated.status, 409);
  assert.equal(associated.body.NeutronError.type, 'FipInUseByPortForwarding');
  for (const { id } of [shared, plain]) await api.expect('alice', 'DELETE', `/floatingips/${id}`);
});

test('a port on no router, and a second router, are refused', async () => {
  const { id } = await newFloatingIp();
  const lonely = await api.create('alice', '/networks', 'network', { name: 'lonely' });
  const subnet = await api.create('alice', '/subnets', 'subnet', {
    network_id: lonely.id,
    ip_version: 4,
    cidr: '10.9.0.0/24',
  });
  const port = await api.create('alice', '/ports', 'port', { network_id: lonely.id });
  const values = { internal_port_id: port.id, internal_ip_address: port.fixed_ips[0].ip_address };
  const unreachable = await api.send('alice', 'POST', forwardingsOf(id), body(values));
  assert.equal(unreachable.status, 400);
  assert.match(
    unreachable.body.NeutronError.message,
    /External network .* is not reachable from subnet .*\. Cannot set Port forwarding for port/,
  );
  const other = await api.create('alice', '/routers', 'router', {
    external_gateway_info: { network_id: cloud.external.id },
  });
  await api.send('alice', 'PUT', `/routers/${other.id}/add_router_interface`, { subnet_id: subnet.id });
  await api.expect('alice', 'POST', forwardingsOf(id), body());
  const second = await api.send('alice', 'POST', forwardingsOf(id), body({ ...values, external_port: 2223 }));
  assert.equal(second.status, 400);
  assert.match(second.body.NeutronError.message, /had been set on router/);
  await api.expect('alice', 'DELETE', `/floatingips/${id}`);
});

test('another project sees nothing: 404 on every verb', async () => {
  const { id } = await newFloatingIp();
  const made = await api.expect('alice', 'POST', forwardingsOf(id), body());
  const attempts: [string, string, object?][] = [
    ['GET', forwardingsOf(id)],
    ['POST', forwardingsOf(id), body()],
    ['GET', `${forwardingsOf(id)}/${made.id}`],
    ['PUT', `${forwardingsOf(id)}/${made.id}`, { port_forwarding: { description: 'x' } }],
    ['DELETE', `${forwardingsOf(id)}/${made.id}`],
  ];
  for (const [method, path, payload] of attempts) {
    const answer = await api.send('bob', method, path, payload as never);
    assert.equal(answer.status, 404, `${method} ${path}`);
    assert.equal(answer.body.NeutronError.type, 'FloatingIPNotFound');
  }
  const foreign = await api.create('bob', '/floatingips', 'floatingip', { floating_network_id: cloud.external.id });
  const stolen = await api.send('bob', 'POST', forwardingsOf(foreign.id), body());
  assert.equal(stolen.status, 404);
  assert.equal(stolen.body.NeutronError.type, 'PortNotFound');
  const elsewhere = await api.send('bob', 'GET', `${forwardingsOf(foreign.id)}/${made.id}`);
  assert.equal(elsewhere.body.NeutronError.type, 'PortForwardingNotFound');
  const reader = await api.send('reader', 'POST', forwardingsOf(id), body({ external_port: 9 }));
  assert.equal(reader.status, 403);
  await api.expect('alice', 'DELETE', `/floatingips/${id}`);
});

test('deleting the port, or dropping its address, deletes its forwardings', async () => {
  const { id } = await newFloatingIp();
  const port = await api.create('alice', '/ports', 'port', {
    network_id: cloud.network.id,
    fixed_ips: [{ ip_address: '192.168.2.90' }, { ip_address: '192.168.2.91' }],
  });
  const to = (address: string, external: number) =>
    body({ internal_port_id: port.id, internal_ip_address: address, external_port: external });
  await api.expect('alice', 'POST', forwardingsOf(id), to('192.168.2.90', 1));
  await api.expect('alice', 'POST', forwardingsOf(id), to('192.168.2.91', 2));
  await api.expect('alice', 'PUT', `/ports/${port.id}`, { port: { fixed_ips: [{ ip_address: '192.168.2.91' }] } });
  assert.deepEqual(
    (await api.expect('alice', 'GET', forwardingsOf(id))).map((item: { external_port: number }) => item.external_port),
    [2],
  );
  assert.equal((await api.send('alice', 'DELETE', `/ports/${port.id}`)).status, 204);
  const left = await api.expect('alice', 'GET', `/floatingips/${id}`);
  assert.deepEqual([left.port_forwardings, left.router_id, left.status], [[], null, 'DOWN']);
  await api.expect('alice', 'DELETE', `/floatingips/${id}`);
});

test('what carries forwardings stays: router interface and gateway', async () => {
  const { id } = await newFloatingIp();
  await api.expect('alice', 'POST', forwardingsOf(id), body());
  const removed = await api.send('alice', 'PUT', `/routers/${cloud.router.id}/remove_router_interface`, {
    subnet_id: cloud.subnet.id,
  });
  assert.equal(removed.status, 409);
  assert.equal(removed.body.NeutronError.type, 'RouterInterfaceInUseByFloatingIP');
  const cleared = await api.send('alice', 'PUT', `/routers/${cloud.router.id}`, {
    router: { external_gateway_info: {} },
  });
  assert.equal(cleared.status, 409);
  assert.equal(cleared.body.NeutronError.type, 'RouterExternalGatewayInUseByFloatingIp');
  await api.expect('alice', 'DELETE', `/floatingips/${id}`);
});

test('bulk creation is all or nothing', async () => {
  const { id } = await newFloatingIp();
  const item = (external: number) => ({ ...body().port_forwarding, external_port: external, internal_port: external });
  const refused = await api.send('alice', 'POST', forwardingsOf(id), {
    port_forwardings: [item(700), item(701), item(700)],
  });
  assert.equal(refused.status, 400);
  assert.deepEqual(await api.expect('alice', 'GET', forwardingsOf(id)), []);
  const made = await api.send('alice', 'POST', forwardingsOf(id), { port_forwardings: [item(700), item(701)] });
  assert.deepEqual(
    made.body.port_forwardings.map((row: { external_port: number }) => row.external_port),
    [700, 701],
  );
  await api.expect('alice', 'DELETE', `/floatingips/${id}`);
});

test('of many that want overlapping ports at once, one wins', async () => {
  const { id } = await newFloatingIp();
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      api.send(
        'alice',
        'POST',
        forwardingsOf(id),
        body({ external_port: undefined, external_port_range: `${8000 + i}:${8040 + i}`, internal_port: 10_000 + i }),
      ),
    ),
  );
  assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
  assert.equal((await api.expect('alice', 'GET', forwardingsOf(id))).length, 1);
  await api.expect('alice', 'DELETE', `/floatingips/${id}`);
});

test('deleting a floating IP with forwardings: the article’s cascade, or Neutron’s 409', async () => {
  const cascade = await newFloatingIp();
  await api.expect('alice', 'POST', forwardingsOf(cascade.id), body());
  assert.equal((await api.send('alice', 'DELETE', `/floatingips/${cascade.id}`)).status, 204);
  assert.equal((await api.send('alice', 'GET', forwardingsOf(cascade.id))).status, 404);

  const strict = await TestApi.start({ floating_ip_delete: 'refuse' });
  try {
    const its = await aliceCloud(strict);
    const values = { internal_port_id: its.vm1.id, internal_port: 22, external_port: 2222, protocol: 'tcp' };
    const made = await strict.create('alice', forwardingsOf(its.floatingIp.id), 'port_forwarding', values);
    const refused = await strict.send('alice', 'DELETE', `/floatingips/${its.floatingIp.id}`);
    assert.equal(refused.status, 409);
    assert.equal(refused.body.NeutronError.type, 'FipInUseByPortForwarding');
    await strict.expect('alice', 'DELETE', `${forwardingsOf(its.floatingIp.id)}/${made.id}`);
    assert.equal((await strict.send('alice', 'DELETE', `/floatingips/${its.floatingIp.id}`)).status, 204);
  } finally {
    await strict.stop();
  }
});
