import { writeFileSync } from 'node:fs';
import { ENDPOINTS } from '../api/index.ts';
import { authorizationPage } from '../../licensing/access/page.ts';

writeFileSync(new URL('../../../docs/authorization.md', import.meta.url), authorizationPage(ENDPOINTS));
