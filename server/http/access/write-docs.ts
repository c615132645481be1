import { writeFileSync } from 'node:fs';
import { authorizationPage } from '../../licensing/access/page.ts';

writeFileSync(new URL('../../../docs/authorization.md', import.meta.url), authorizationPage());
