import { writeFileSync } from 'node:fs';
import { ENDPOINTS } from '../api/index.ts';
import manifest from '../../package.json' with { type: 'json' };
import { openApiDocument } from './document.ts';

const document = openApiDocument(ENDPOINTS, manifest.version);
writeFileSync(new URL('../../../docs/openapi.json', import.meta.url), `${JSON.stringify(document, null, 1)}\n`);
