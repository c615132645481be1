export { ACCESS_KEY, isSigned, SECRET_KEY } from './aws-check.ts';
export { type SecretsEndpoint, startSecretsEndpoint } from './secrets-endpoint.ts';
export { createSoftToken, PIN, pkcs11Module, softHsmLibrary, TOKEN } from './soft-token.ts';
