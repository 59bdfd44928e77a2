import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withApiCloud } from './api-cloud.ts';
import { PROMPT, Typist } from './typist.ts';

const PORTWARD = fileURLToPath(new URL('../bin/portward', import.meta.url));
const run = promisify(execFile);

/** Runs `use` with a home directory of its own. */
async function withHome(use: (home: string) => Promise<void>): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'portward-home-'));
  try {
    await use(home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** The prompt after a whole line of a table or a message. */
const DONE = /\n[^\n]*\(portward\) /;

test('the article’s commands are typed into the interactive shell', async () => {
  await withApiCloud(async (cloud) => {
    await withHome(async (home) => {
      await cloud.reportHost('host1');
      const env = { ...cloud.environment('portward-admin'), HOME: home, XDG_STATE_HOME: home };
      const typist = new Typist(env);
      await typist.shows(PROMPT);
      const command = (line: string, shows: RegExp) =>
        typist.type(`${line}\r`, new RegExp(`${shows.source}[\\s\\S]*?\\n[^\\n]*\\(portward\\) `));
      await command('network create --external ext-net', /router:external/);
      await command('subnet create --network ext-net --subnet-range 10.11.7.0/24 ext-subnet', /subnetpool_id/);
      await command('network create private', /router:external/);
      await command('subnet create --network private --subnet-range 192.168.2.0/24 private-subnet', /subnetpool_id/);
      await command('router create Router', /external_gateway_info/);
      await command('router set --external-gateway ext-net Router', /Router/);
      await command('router add subnet Router private-subnet', /private-subnet/);
      await command('port create --network private --fixed-ip ip-address=192.168.2.79 VM1', /VM1/);
      await command(
        'floating ip create --floating-ip-address 10.11.7.4 --tag port_forwarding_VM1 ext-net',
        /10\.11\.7\.4/,
      );
      await command('floating ip list --long --any-tags port_forwarding_VM1', /DNS Domain/);
      await command(
        'floating ip port forwarding create --internal-ip-address 192.168.2.79 --port VM1 --protocol tcp ' +
          '--internal-protocol-port 22 --external-protocol-port 2222 10.11.7.4',
        /external_port[^\n]*2222/,
      );
      await command('floating ip port forwarding list 10.11.7.4', /Internal Port ID[\s\S]*192\.168\.2\.79/);
      await command('router list --name Router --long', /External gateway info/);

      await command("network show 'no such net'", /No Network found for no such net/);
      await command('network show "open', /not closed/);
      await typist.type('network sh\t', /network show /);
      await typist.type('priv\t', /private /);
      await typist.type('\r', DONE);
      await typist.type('network show gar', /gar/);
      await typist.type('\x03', /\^C[\s\S]*\(portward\) /);
      await command('user create --password sesame admin', /409|[Cc]onflict/);
      assert.equal(await typist.leave('\x04'), 1, 'the last command’s code');

      const file = join(home, 'portward', 'history');
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const history = readFileSync(file, 'utf8');
      assert.match(history, /^network create --external ext-net$/m);
      assert.doesNotMatch(history, /sesame/);
      const again = new Typist(env);
      await again.shows(PROMPT);
      await again.type('\x1b[A', /network show/);
      assert.equal(await again.leave('\x03exit\r'), 0);
    });
  });
});

test('lines of a pipe are carried out without a prompt, and an error does not stop them', async () => {
  await withApiCloud(async (cloud) => {
    const child = run(PORTWARD, [], { env: cloud.environment('portward-admin') });
    child.child.stdin?.end(
      '# first\nnetwork show nowhere\nnetwork create -f value -c name "my net"\nexit\nnetwork create x\n',
    );
    const { stdout, stderr } = await child;
    assert.equal(stdout, 'my net\n');
    assert.match(stderr, /No Network found for nowhere/);
  });
});

test('bash completes words, options and the names of the cloud with the script', async () => {
  await withApiCloud(async (cloud) => {
    const env = cloud.environment('portward-admin');
    await run(PORTWARD, ['network', 'create', 'my net'], { env });
    const complete = async (...words: string[]): Promise<string[]> => {
      const script =
        'source <("$1" complete bash); shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _portward; ' +
        'printf "%s\\n" "${' +
        'COMPREPLY[@]}"';
      const { stdout, stderr } = await run('bash', ['-c', script, 'bash', PORTWARD, PORTWARD, ...words], { env });
      assert.equal(stderr, '');
      return stdout.split('\n').filter(Boolean);
    };
    assert.deepEqual(await complete('floating', 'ip', 'por'), ['port']);
    assert.deepEqual(await complete('network', 'show', 'my'), ['my\\ net']);
    assert.deepEqual(await complete('network', 'list', '-f', 'js'), ['json']);
    assert.deepEqual(await complete('port', 'create', '--netw'), ['--network']);
    assert.deepEqual(await complete('port', 'create', '--wai'), ['--wait']);
    // Names come from the cloud that is named on the line.
    assert.deepEqual(await complete('--os-cloud', 'nowhere', 'network', 'show', 'my'), []);
    assert.deepEqual(await complete('--os-cloud', 'portward-admin', 'network', 'show', 'my'), ['my\\ net']);
  });
});

/** Each prints what the script of `portward complete` offers for the last of the words, a line each. */
const OTHER_SHELLS: Readonly<Record<string, (words: readonly string[]) => string[]>> = {
  zsh: (words) => [
    '-f',
    '-c',
    'compdef() { :; }; compadd() { print -rl -- "$' +
      '{(@P)2}"; }; source <(portward complete zsh); ' +
      'words=("$@"); CURRENT=$#; _portward',
    'zsh',
    ...words,
  ],
  fish: (words) => ['--no-config', '-c', 'portward complete fish | source; complete -C "$argv"', ...words],
};

for (const [shell, argv] of Object.entries(OTHER_SHELLS)) {
  test(`${shell} completes words, options and the names of the cloud with the script`, async () => {
    await withApiCloud(async (cloud) => {
      await withHome(async (home) => {
        const bin = fileURLToPath(new URL('../bin', import.meta.url));
        const env = { ...cloud.environment('portward-admin'), HOME: home, PATH: `${bin}:${process.env.PATH}` };
        await run(PORTWARD, ['network', 'create', 'mine'], { env });
        const complete = async (...words: string[]): Promise<string[]> => {
          const { stdout, stderr } = await run(shell, argv(['portward', ...words]), { env });
          assert.equal(stderr, '');
          return stdout.split('\n').filter(Boolean);
        };
        assert.deepEqual(await complete('floating', 'ip', 'por'), ['port']);
        assert.deepEqual(await complete('network', 'show', 'mi'), ['mine']);
        assert.deepEqual(await complete('network', 'list', '-f', 'js'), ['json']);
      });
    });
  });
}

test('without a cloud completion is quiet, and portward alone says how to begin', async () => {
  await withHome(async (home) => {
    const env = { PATH: process.env.PATH, HOME: home };
    const asked = await run(PORTWARD, ['__complete', 'network', 'show', ''], { env, cwd: home });
    assert.deepEqual([asked.stdout, asked.stderr], ['', '']);
    const alone = await run(PORTWARD, [], { env, cwd: home });
    assert.match(alone.stdout, /^portward: one public address[\s\S]*Run it/);
  });
});
