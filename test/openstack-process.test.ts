import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ApiCloud, withApiCloud } from './api-cloud.ts';
import { OpenstackShell, openstackOnce } from './openstack-shell.ts';

/** Password of a user, from the clouds.yaml that the controller wrote. */
function passwordOf(cloud: ApiCloud, user: string): string {
  const clouds = readFileSync(join(cloud.directory, 'data', 'clouds.yaml'), 'utf8');
  return new RegExp(`username: "${user}"\n +password: "([^"]+)"`).exec(clouds)?.[1] ?? '';
}

test('openstack ends with 0, 1 or 2, and says what is wrong on its error output', async () => {
  await withApiCloud(async (cloud) => {
    const run = (...words: string[]) => openstackOnce(cloud, 'portward-admin', words);
    assert.deepEqual(await run('network', 'list'), { code: 0, stdout: '\n', stderr: '' });
    const missing = await run('network', 'show', 'nope');
    assert.deepEqual([missing.code, missing.stdout], [1, '']);
    assert.match(missing.stderr, /No Network found for nope\n$/);
    const several = await run('floating', 'ip', 'delete', 'one', 'two');
    assert.equal(several.code, 1);
    assert.match(several.stderr, /\n2 of 2 floating_ips failed to delete\.\n$/);
    const mistyped = await run('floating', 'ip', 'list', '--bogus');
    assert.equal(mistyped.code, 2);
    assert.match(mistyped.stderr, /unrecognized arguments: --bogus/);
    const wrong = await run('--os-password', 'wrong', 'token', 'issue');
    assert.equal(wrong.code, 1);
    assert.match(
      wrong.stderr,
      /^The request you have made requires authentication\. \(HTTP 401\) \(Request-ID: req-[0-9a-f-]{36}\)\n$/,
    );
  });
});

test('openstack signs in by options, by environment, by token and by application credential', async () => {
  await withApiCloud(async (cloud) => {
    const { OS_CLOUD: _cloud, OS_CLIENT_CONFIG_FILE: _file, ...bare } = cloud.environment('portward-demo');
    const issue = async (env: NodeJS.ProcessEnv, ...words: string[]) => {
      const ending = await openstackOnce(cloud, env, [...words, 'token', 'issue', '-f', 'json']);
      assert.equal(ending.code, 0, ending.stderr);
      return JSON.parse(ending.stdout);
    };
    const shell = new OpenstackShell(cloud, 'portward-demo');
    const credential = JSON.parse(await shell.run(['application', 'credential', 'create', 'robot', '-f', 'json']));
    await shell.close();
    const authUrl = `${cloud.url}/identity/v3`;
    const password = passwordOf(cloud, 'demo');

    const byEnvironment = await issue({
      ...bare,
      ...{ OS_AUTH_URL: authUrl, OS_USERNAME: 'demo', OS_PASSWORD: password, OS_PROJECT_NAME: 'demo' },
      ...{ OS_USER_DOMAIN_NAME: 'Default', OS_PROJECT_DOMAIN_NAME: 'Default', OS_IDENTITY_API_VERSION: '3' },
    });
    assert.equal(byEnvironment.user_id, credential.user_id);
    const byOptions = await issue(
      bare,
      ...['--os-auth-url', `${cloud.url}/identity`, '--os-username', 'demo', '--os-password', password],
      ...['--os-project-name', 'demo', '--os-user-domain-id', 'default', '--os-project-domain-id', 'default'],
    );
    assert.equal(byOptions.project_id, credential.project_id);
    const byToken = await issue({
      ...bare,
      ...{ OS_AUTH_TYPE: 'v3token', OS_AUTH_URL: authUrl, OS_TOKEN: byOptions.id },
      ...{ OS_PROJECT_NAME: 'demo', OS_PROJECT_DOMAIN_ID: 'default', OS_IDENTITY_API_VERSION: '3' },
    });
    assert.deepEqual([byToken.user_id, byToken.expires], [byOptions.user_id, byOptions.expires]);
    const byCredential = await issue({
      ...bare,
      ...{ OS_AUTH_TYPE: 'v3applicationcredential', OS_AUTH_URL: authUrl, OS_IDENTITY_API_VERSION: '3' },
      ...{ OS_APPLICATION_CREDENTIAL_ID: credential.id, OS_APPLICATION_CREDENTIAL_SECRET: credential.secret },
    });
    assert.equal(byCredential.project_id, credential.project_id);
    const nothing = await openstackOnce(cloud, bare, ['network', 'list']);
    assert.equal(nothing.code, 1);
    assert.match(nothing.stderr, /^Missing value auth-url required for auth plugin password\n$/);
  });
});

test('openstack formats what it is answered', async () => {
  await withApiCloud(async (cloud) => {
    const shell = new OpenstackShell(cloud, 'portward-admin');
    const run = (line: string) => shell.run(line.split(' '));
    try {
      await run('network create --tag a --tag b net');
      await run('network create --disable other');
      const columns = '-c Name -c State -c Tags --sort-column Name --long';
      assert.equal(
        await run(`network list ${columns} -f csv`),
        '"Name","State","Tags"\n"net","True","[\'a\', \'b\']"\n"other","False","[]"',
      );
      assert.equal(
        await run(`network list ${columns} -f csv --quote minimal`),
        "Name,State,Tags\nnet,True,\"['a', 'b']\"\nother,False,[]",
      );
      assert.equal(
        await run(`network list ${columns} -f value --sort-descending`),
        "other False []\nnet True ['a', 'b']",
      );
      assert.equal(
        await run(`network list ${columns} -f yaml`),
        '- Name: net\n  State: true\n  Tags:\n  - a\n  - b\n- Name: other\n  State: false\n  Tags: []',
      );
      assert.equal(
        await run(`network list ${columns}`),
        '+-------+-------+------+\n| Name  | State | Tags |\n+-------+-------+------+\n| net   | UP    | a, b |\n| other | DOWN  |      |\n+-------+-------+------+',
      );
      assert.equal(
        await run('network show net -f shell -c name -c tags -c mtu -c qos_policy_id --prefix net_'),
        'net_mtu="1500"\nnet_name="net"\nnet_qos_policy_id="None"\nnet_tags="[\'a\', \'b\']"',
      );
      assert.equal(await run('network show net -f value -c router:external -c admin_state_up'), 'True\nFalse');
    } finally {
      await shell.close();
    }
  });
});
