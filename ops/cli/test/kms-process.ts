import { createServer } from 'node:http';
import { startKmsEndpoint } from '@licet/authority/test-kms';
import { ACCESS_KEY, SECRET_KEY } from '@licet/keystores/testing';

// The endpoint that speaks the API of AWS KMS, as a process: KMS on the first port, and on the second what a container
// gets as its role. SIGUSR2 makes it deny everything, and lets it serve again.
const [kms, role] = process.argv.slice(2).map(Number);
const endpoint = await startKmsEndpoint(kms);
process.on('SIGUSR2', () => {
  endpoint.failWith = endpoint.failWith === undefined ? 400 : undefined;
});
createServer((_request, response) => {
  const Expiration = new Date(Date.now() + 3_600_000).toISOString();
  response.end(JSON.stringify({ AccessKeyId: ACCESS_KEY, SecretAccessKey: SECRET_KEY, Expiration }));
}).listen(role, '127.0.0.1');
