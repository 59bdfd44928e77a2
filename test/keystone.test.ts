import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { KEYSTONE_ADMIN, KeystoneServer } from './keystone-server.ts';
import { eventually } from './test-host.ts';

const PORTWARD = fileURLToPath(new URL('../bin/portward', import.meta.url));
/** Seconds that the controller of this test remembers what Keystone said. */
const CACHE_SECONDS = 2;

const ALICE = { user: 'alice', password: 'pw', project: 'alpha' };
const READER = { user: 'reader', password: 'pw', project: 'alpha' };
const BOB = { user: 'bob', password: 'pw', project: 'beta' };

/** A controller with an external Keystone, started as an operator starts it. */
class Portward {
  readonly dataDir: string;
  readonly credentials: string;
  readonly log: string[] = [];
  readonly #child: ChildProcess;
  url = '';

  static async start(keystone: KeystoneServer): Promise<Portward> {
    const portward = new Portward(keystone);
    for await (const line of createInterface(portward.#child.stderr as NonNullable<ChildProcess['stderr']>)) {
      portward.log.push(line);
      if (!line.includes('"msg":"listening"')) continue;
      portward.url = JSON.parse(line).url;
      break;
    }
    if (portward.url === '') throw new Error(`The controller ended:\n${portward.log.join('\n')}`);
    portward.#child.stderr?.on('data', (text) => portward.log.push(String(text)));
    return portward;
  }

  private constructor(keystone: KeystoneServer) {
    this.dataDir = join(keystone.directory, 'portward');
    this.credentials = join(keystone.directory, 'portward.yaml');
    this.writePassword('service-pw');
    const config = join(keystone.directory, 'config.yaml');
    const settings = {
      url: keystone.url,
      credentials: this.credentials,
      cache_seconds: CACHE_SECONDS,
      timeout_seconds: 1,
    };
    writeFileSync(config, JSON.stringify({ identity: { keystone: settings } }));
    this.#child = spawn(
      PORTWARD,
      ['controller', '--config', config, '--data-dir', this.dataDir, '--listen', '127.0.0.1:0', '--user', '0'],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
  }

  writePassword(password: string): void {
    writeFileSync(this.credentials, `username: portward\npassword: ${password}\nproject_name: service\n`, {
      mode: 0o600,
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }

  /** A request with a token. */
  async send(token: string | undefined, method: string, path: string, body?: unknown) {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(token !== undefined && { 'x-auth-token': token }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
    const parsed: any = text === '' ? undefined : JSON.parse(text);
    return { status: response.status, headers: response.headers, body: parsed };
  }

  async status(token: string, path = '/networking/v2.0/networks'): Promise<number> {
    return (await this.send(token, 'GET', path)).status;
  }
}

/** Projects, users and roles; then what an operator registers of Portward. */
async function prepare(keystone: KeystoneServer, portward: Portward): Promise<void> {
  const services = [
    ['network', 'neutron', '/networking'],
    ['compute', 'nova', '/compute/v2.1'],
    ['image', 'glance', '/image'],
  ];
  await keystone.openstack([
    ...['service', 'alpha', 'beta'].map((name) => `project create ${name}`),
    'role create service',
    'user create --password service-pw portward',
    'role add --project service --user portward service',
    ...[ALICE, READER, BOB].flatMap(({ user, password, project }) => [
      `user create --password ${password} ${user}`,
      `role add --project ${project} --user ${user} ${user === 'reader' ? 'reader' : 'member'}`,
    ]),
    ...services.flatMap(([type, name, path]) => [
      `service create --name ${name} ${type}`,
      `endpoint create --region RegionOne ${name} public ${portward.url}${path}`,
    ]),
  ]);
}

/** The pieces of JSON that several commands printed, among tables and lines of others. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
const jsonPieces = (text: string): any[] =>
  [...text.matchAll(/^\{\n[\s\S]*?^\}$|^\[\n[\s\S]*?^\]$/gm)].map(([piece]) => JSON.parse(piece));

test('an external Keystone says who tokens belong to', { timeout: 180_000 }, async (t) => {
  const keystone = await KeystoneServer.start();
  t.after(() => keystone.stop());
  const portward = await Portward.start(keystone);
  t.after(() => portward.stop());
  await prepare(keystone, portward);
  const [alice, reader, bob, admin] = await Promise.all(
    [ALICE, READER, BOB, KEYSTONE_ADMIN].map((who) => keystone.token(who)),
  );
  assert.ok(alice && reader && bob && admin);

  await t.test('the article’s steps with the openstack client', async () => {
    await keystone.openstack([
      'network create --external --provider-network-type flat --provider-physical-network public ext-net',
      'subnet create --network ext-net --subnet-range 10.11.7.0/24 --no-dhcp ext-subnet',
      'floating ip create --floating-ip-address 10.11.7.4 --project alpha --tag port_forwarding_VM1 ext-net',
    ]);
    const printed = await keystone.openstack(
      [
        'network create private',
        'subnet create --network private --subnet-range 192.168.2.0/24 private-subnet',
        'router create Router',
        'router set --external-gateway ext-net Router',
        'router add subnet Router private-subnet',
        'server create --image namespace --flavor m1.tiny --network private VM1',
        'port list --server VM1 -f json',
        'port create --network private --fixed-ip ip-address=192.168.2.79 vm-port',
        'floating ip list --any-tags port_forwarding_VM1 -f json',
        'floating ip port forwarding create --internal-ip-address 192.168.2.79 --port vm-port --protocol tcp' +
          ' --internal-protocol-port 22 --external-protocol-port 2222 10.11.7.4 -f json',
        'security group rule create --ingress --protocol tcp --dst-port 22 default -f json',
        'image list -f json',
      ],
      ALICE,
    );
    const [ports, addresses, forwarding, rule, images] = jsonPieces(printed);
    assert.equal(ports.length, 1);
    assert.equal(addresses[0]['Floating IP Address'], '10.11.7.4');
    assert.deepEqual([forwarding.external_port, forwarding.internal_port], [2222, 22]);
    assert.equal(rule.direction, 'ingress');
    assert.equal(images[0].Name, 'namespace');
  });

  await t.test('members write, readers read, what others own is 404, an admin sees all', async () => {
    const post = (token: string) =>
      portward.send(token, 'POST', '/networking/v2.0/networks', { network: { name: 'n' } });
    const made = await post(alice);
    assert.equal(made.status, 201);
    const project = (await keystone.request('GET', '/projects?name=alpha')).body.projects[0].id;
    assert.equal(made.body.network.project_id, project);
    const path = `/networking/v2.0/networks/${made.body.network.id}`;
    assert.equal(await portward.status(reader, path), 200);
    assert.equal((await post(reader)).status, 403);
    assert.equal(await portward.status(bob, path), 404);
    assert.equal((await portward.send(bob, 'DELETE', path)).status, 404);
    assert.equal(await portward.status(admin, path), 200);
    const { servers } = (await portward.send(alice, 'GET', '/compute/v2.1/servers')).body;
    const server = `/compute/v2.1/servers/${servers[0].id}`;
    assert.deepEqual(
      await Promise.all([alice, reader, bob, admin].map((token) => portward.status(token, server))),
      [200, 200, 404, 200],
    );
    assert.equal((await portward.send(reader, 'DELETE', server)).status, 403);
    const keypair = { keypair: { name: 'k' } };
    assert.equal((await portward.send(bob, 'POST', '/compute/v2.1/os-keypairs', keypair)).status, 200);
    assert.equal(await portward.status(bob, '/compute/v2.1/os-keypairs/k'), 200);
    assert.equal(await portward.status(alice, '/compute/v2.1/os-keypairs/k'), 404);
  });

  await t.test('a token without a project sees nothing and makes nothing', async () => {
    const unscoped = await keystone.token({ ...ALICE, project: undefined });
    const { status, body } = await portward.send(unscoped, 'GET', '/networking/v2.0/ports');
    assert.deepEqual([status, body], [200, { ports: [] }]);
    const made = await portward.send(unscoped, 'POST', '/networking/v2.0/networks', { network: { name: 'n' } });
    assert.equal(made.status, 403);
  });

  await t.test('who is nobody gets 401, with where tokens are to be had', async () => {
    for (const token of [undefined, '', 'nope', 'x'.repeat(5000), `${alice}x`]) {
      for (const path of ['/networking/v2.0/networks', '/compute/v2.1/servers', '/image/v2/images']) {
        const { status, headers, body } = await portward.send(token, 'GET', path);
        assert.equal(status, 401, path);
        assert.equal(headers.get('www-authenticate'), `Keystone uri="${keystone.url}"`);
        assert.equal(body.error.code, 401);
      }
    }
  });

  await t.test('nothing is served at /identity, nobody is made, and no secret is logged', async () => {
    for (const path of ['/identity', '/identity/v3', '/identity/v3/auth/tokens']) {
      const { status, body } = await portward.send(undefined, 'GET', path);
      assert.equal(status, 404);
      assert.ok(body.error.message.includes(keystone.url), body.error.message);
    }
    assert.ok(existsSync(join(portward.dataDir, 'agent.yaml')), 'agents’ credentials are ours');
    assert.ok(!existsSync(join(portward.dataDir, 'clouds.yaml')));
    const log = portward.log.join('\n');
    assert.match(log, /none is made here, and no clouds.yaml is written/);
    for (const secret of ['service-pw', alice, admin]) assert.ok(!log.includes(secret));
  });

  await t.test('a revoked token, and that of a disabled user, are refused once the answers are forgotten', async () => {
    const revoked = await keystone.token(ALICE);
    assert.equal(await portward.status(revoked), 200);
    const gone = await keystone.request('DELETE', '/auth/tokens', undefined, { 'x-subject-token': revoked });
    assert.equal(gone.status, 204);
    const { users } = (await keystone.request('GET', '/users?name=bob')).body;
    assert.equal(await portward.status(bob), 200);
    await keystone.request('PATCH', `/users/${users[0].id}`, { user: { enabled: false } });
    assert.deepEqual([await portward.status(revoked), await portward.status(bob)], [200, 200], 'still remembered');
    for (const token of [revoked, bob]) {
      await eventually(async () => (await portward.status(token)) === 401, {
        what: 'the token to be refused',
        timeoutMs: (CACHE_SECONDS + 3) * 1000,
      });
    }
    assert.equal(await portward.status(alice), 200);
  });

  await t.test('a new password of the service user counts as soon as it is in the file', async () => {
    const { users } = (await keystone.request('GET', '/users?name=portward')).body;
    await keystone.request('PATCH', `/users/${users[0].id}`, { user: { password: 'changed' } });
    const { status, body } = await portward.send(await keystone.token(ALICE), 'GET', '/networking/v2.0/networks');
    assert.equal(status, 503);
    assert.equal(
      body.NeutronError.message,
      `The token cannot be checked: Keystone at ${keystone.url} does not let Portward’s service user in.`,
    );
    portward.writePassword('changed');
    // Keystone counts in whole seconds: tokens made in the second of the change are void, too.
    const token = await keystone.token(ALICE);
    await eventually(async () => (await portward.status(token)) === 200, { what: 'the new password to count' });
  });

  await t.test('without Keystone, tokens that are remembered go on and others get 503, at once', async () => {
    const [known, unknown] = [await keystone.token(ALICE), await keystone.token(ALICE)];
    const refusals = async (reason: RegExp) => {
      const network = await portward.send(unknown, 'GET', '/networking/v2.0/networks');
      assert.deepEqual([network.status, network.body.NeutronError.type], [503, 'ServiceUnavailable']);
      assert.match(network.body.NeutronError.message, reason);
      const server = await portward.send(unknown, 'GET', '/compute/v2.1/servers');
      assert.deepEqual([server.status, server.body.serviceUnavailable.code], [503, 503]);
      const image = await portward.send(unknown, 'GET', '/image/v2/images');
      assert.deepEqual([image.status, image.body.code], [503, 503]);
    };
    assert.equal(await portward.status(known), 200);
    keystone.freeze(true);
    assert.equal(await portward.status(known), 200);
    await refusals(/^The token cannot be checked: Keystone at .* did not answer within 1 s\.$/);
    await keystone.kill();
    await refusals(/^The token cannot be checked: Keystone at .* cannot be reached \(ECONNREFUSED\)\.$/);
    await eventually(async () => (await portward.status(known)) === 503, { what: 'the answer to be forgotten' });
    await keystone.serve({ tokenSeconds: 4 });
    assert.equal(await portward.status(unknown), 200, 'back as soon as Keystone is');
  });

  await t.test('a token counts until it expires, and no longer', async () => {
    const token = await keystone.token(ALICE);
    assert.equal(await portward.status(token), 200);
    await eventually(async () => (await portward.status(token)) === 401, { what: 'the token to expire' });
  });
});
