export { AwsClient, type AwsService } from './aws/client.ts';
export {
  type AwsCredentials,
  type CredentialSource,
  fileCredentials,
  parseCredentials,
  surroundingCredentials,
} from './aws/credentials.ts';
export { signAwsRequest } from './aws/signature.ts';
export { KeystoreError, type KeystoreCode } from './errors.ts';
export { ecPublicKey } from './pkcs11/ec-public-key.ts';
export { derToRaw, rawToDer } from './pkcs11/ecdsa-signature.ts';
export { Token, type TokenOptions } from './pkcs11/token.ts';
