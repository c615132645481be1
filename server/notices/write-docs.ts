import { readFileSync, writeFileSync } from 'node:fs';
import { noticesPage } from '../licensing/notices/page.ts';

const PAGE = new URL('../../docs/notices.md', import.meta.url);

writeFileSync(PAGE, noticesPage(readFileSync(PAGE, 'utf8')));
