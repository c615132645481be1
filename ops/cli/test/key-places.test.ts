import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireThat, requireTool } from '@licet/checks';
import {
  ACCESS_KEY,
  createSoftToken,
  PIN,
  pkcs11Module,
  SECRET_KEY,
  softHsmLibrary,
  TOKEN,
} from '@licet/keystores/testing';
import { testDatabase, type TestDatabase } from '@licet/server/test-database';
import { blocksOf, pageOf } from './page.ts';
import { requireEmptyNetwork, Room } from './room.ts';

const PAGE = pageOf('ceremony.md');
/** From the root to a first license, and nothing of what follows. */
const WAY = PAGE.slice(0, PAGE.indexOf('\n## 6. '));
const FILE_SIGNER = 'signer:\n  folder: signer\n  passphraseFile: passphrase\n';

/** What the page shows for a place, filled in for this machine. */
function wayWith(place: string, fill: (text: string) => string): string {
  const blocks = blocksOf(PAGE);
  const shown = (name: string) => {
    const block = blocks.find(({ file }) => file === name);
    assert.ok(block !== undefined, `the page shows no ${name}`);
    return fill(block.text);
  };
  const [server, ceremony] = [shown(`server-${place}`), shown(`ceremony-${place}`)];
  const parts = WAY.split(FILE_SIGNER);
  assert.equal(parts.length, 4, 'request, accept and the configuration of the server name the signer');
  return `${parts[0]}${ceremony}${parts[1]}${ceremony}${parts[2]}${server}${parts[3]}`;
}

const sh = (text: string): string => `\n\`\`\`sh\n${text.trim()}\n\`\`\`\n`;

/** The server of the page, started again. */
const START = `
licet-server --config online/licet.yaml > online/server.log 2>&1 &
server=$!
until curl -sf http://127.0.0.1:9090/readyz > online/ready; do kill -0 $server; sleep 0.2; done`;
const STOP = 'kill $server && wait $server';
/** For a license of a site; asked again, with the same request. */
const ASK = `
ask() { test -f $1.csr || openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$1 -keyout $1.key -out $1.csr 2> $1.log
  licet site create --contract "$(cat contract)" --name $1 --mode production --csr $1.csr --out $1.lic 2>&1 || true; }
licet contract list --json | jq -r '.items[0].id' > contract`;
/** A key is made for the CA of an enterprise, by the configuration of the server and while that runs. */
const ROTATE = `
key=$(licet keys list --folder online/signer | grep ' enterprise .* in use' | cut -d' ' -f1)
licet keys rotate $key -- --config online/licet.yaml
licet keys rewrap --folder online/signer --passphrase-file pin 2>&1 || true`;

type KeyFile = { readonly vault: string; readonly secret: Readonly<Record<string, string>> };
const keyFilesIn = (room: Room): KeyFile[] => {
  const folder = join(room.folder, 'online/signer/keys');
  const names = readdirSync(folder).filter((name) => name.endsWith('.key'));
  return names.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as KeyFile);
};

const FIRST = /^Usable: valid\nIssued to license:\/\/globex\.acme\/plant-0 /m;
const AWAY = 'licet: The signer cannot be used at the moment, and its log says why; ask again, with the same request.';

describe('The keys of CAs, by what the page of the ceremony says, up to a license of the server', function () {
  this.timeout(240_000);
  let room: Room;
  let database: TestDatabase;
  // PostgreSQL by its socket: the embedded one costs seconds at each of the ten starts, and ceremony.test.ts walks with it.
  let surroundings: NodeJS.ProcessEnv;
  beforeEach(async function () {
    requireEmptyNetwork(this);
    requireTool(this, 'openssl', 'jq', 'curl');
    database = await testDatabase(this);
    surroundings = { LICET_DATABASE_URL: database.url };
    room = new Room();
    writeFileSync(join(room.folder, 'pin'), PIN, { mode: 0o600 });
  });
  afterEach(async () => {
    room?.remove();
    await database?.close();
  });

  it('are born in a PKCS#11 token and never leave it, also with a signer that stands alone', function () {
    requireTool(this, 'softhsm2-util', 'p11tool');
    const [module, library] = [pkcs11Module(), softHsmLibrary()];
    requireThat(this, [
      ...(module === undefined ? ['the package pkcs11js'] : []),
      ...(library === undefined ? ['libsofthsm2.so'] : []),
    ]);
    createSoftToken(room.folder);
    const way = wayWith('pkcs11', (text) =>
      text
        .replace('/opt/pkcs11js/node_modules/pkcs11js', module!)
        .replace('/usr/lib/softhsm/libsofthsm2.so', library!)
        .replace('token: acme', `token: ${TOKEN}`)
        .replace('pinFile: pin', 'pinFile: ../pin'),
    );
    const vault = { kind: 'pkcs11', module, library, token: TOKEN, pinFile: 'pin' };
    const launch = { folder: 'online/signer', socket: 'socket', vault };
    writeFileSync(join(room.folder, 'signer.json'), JSON.stringify(launch));
    const told = room.walk(
      way +
        sh(`${START}${ASK}${ROTATE}
          ask plant-1
          ${STOP}
          sed -i '/^signer:/,/^data:/{/^data:/!d}' online/licet.yaml
          printf 'signer:\\n  socket: ../socket\\n' >> online/licet.yaml
          (until grep -q 'no signer answers yet' online/server.log; do kill -0 $$; sleep 0.1; done
            exec licet-signer signer.json > signer.log) & alone=$!
          ${START}
          echo "$(grep -c 'no signer answers yet' online/server.log) warning"
          ask plant-2
          kill -9 $alone
          ask plant-3
          licet-signer signer.json > signer.log & signer=$!
          for try in $(seq 30); do ask plant-4; test -f plant-4.lic && break; sleep 0.5; done
          ${STOP}
          kill $signer && wait $signer
          echo wrong > pin
          licet-signer signer.json || echo "exit $?"
          p11tool --provider ${library} --login --set-pin ${PIN} --list-all-privkeys 2>&1`),
      { network: false },
      surroundings,
    );
    assert.match(told, FIRST);
    assert.match(told, /^\w{32} {2}enterprise +P-256 +generation 2$/m);
    assert.match(
      told,
      /lie in "pkcs11" and are not sealed here: change the PIN or the access there\. \[SIGNER_REFUSED\]/,
    );
    for (const name of ['plant-1', 'plant-2', 'plant-4'])
      assert.match(told, new RegExp(`^The license is in ${name}`, 'm'));
    assert.match(told, /^1 warning$/m);
    assert.ok(told.includes(AWAY), told.slice(-3000));
    assert.match(told, /^\{"error":\{"code":"KEY_LOCKED","message":"The token does not take the PIN: .*\nexit 1$/m);
    const keys = told.split(/^Object \d+:$/m).slice(1);
    assert.ok(keys.length >= 6, `${keys.length} keys`);
    assert.equal(keyFilesIn(room).length, keys.length);
    for (const key of keys) assert.match(key, /CKA_NEVER_EXTRACTABLE; CKA_SENSITIVE/);
    assert.ok(
      keyFilesIn(room).every(({ vault: kind, secret }) => kind === 'pkcs11' && Object.keys(secret).join() === 'label'),
    );
  });

  it('are made in AWS KMS and sign there; where it denies, nothing is lost and its reason is in the log alone', () => {
    const credentials = `[default]\naws_access_key_id = ${ACCESS_KEY}\naws_secret_access_key = ${SECRET_KEY}\n`;
    writeFileSync(join(room.folder, 'aws-credentials'), credentials, { mode: 0o600 });
    const way = wayWith('aws-kms', (text) =>
      text
        .replace('credentialsFile: aws-credentials', 'credentialsFile: ../aws-credentials')
        .replace('region: eu-central-1', 'region: eu-central-1\n    endpoint: http://127.0.0.1:4599/'),
    );
    const kms = `"${process.execPath}" "${join(import.meta.dirname, 'kms-process.ts')}" 4599 4600 & kms=$!`;
    const told = room.walk(
      sh(kms) +
        way +
        sh(`${START}${ASK}${ROTATE}
          ask plant-1
          kill -USR2 $kms
          ask plant-2
          grep 'licet signer' online/server.log
          kill -USR2 $kms
          ask plant-2
          ${STOP}
          sed -i '/credentialsFile/d' online/licet.yaml
          export AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:4600/role
          ${START}
          ask plant-3
          ${STOP}
          kill $kms
          licet-server --config online/licet.yaml 2>&1 || echo "exit $?"`),
      { network: false },
      surroundings,
    );
    assert.match(told, FIRST);
    assert.match(told, /^\w{32} {2}enterprise +P-256 +generation 2$/m);
    assert.match(told, /lie in "aws-kms" and are not sealed here/);
    for (const name of ['plant-1', 'plant-2', 'plant-3'])
      assert.match(told, new RegExp(`^The license is in ${name}`, 'm'));
    assert.ok(told.includes(AWAY), told.slice(-3000));
    assert.match(
      told,
      /^licet signer: AWS kms did not do Sign: 400 .*AccessDeniedException.* \[SIGNER_UNAVAILABLE\]$/m,
    );
    assert.equal(told.match(/AccessDenied/g)?.length, 1, 'whoever asked for a license does not hear it');
    assert.match(told, /^licet: .* gives no AWS credentials: connect ECONNREFUSED .*\nexit 69$/m);
    const files = keyFilesIn(room);
    assert.ok(files.length >= 6, `${files.length} keys`);
    assert.ok(files.every(({ vault, secret }) => vault === 'aws-kms' && Object.keys(secret).join() === 'arn'));
  });
});
