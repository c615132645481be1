import { markdownTable } from '../markdown-table.ts';
import { EVENTS } from './catalog.ts';

const TITLE = '\n## All events\n';

/** docs/notices.md with the list of all events as the catalog has it; the rest of the page is written by hand. */
export function noticesPage(page: string): string {
  const at = page.indexOf(TITLE);
  if (at < 0) throw new Error(`The page has no place for the events: "${TITLE.trim()}".`);
  const rows = Object.entries(EVENTS).map(([type, says]) => [`\`${type}\``, says]);
  return `${page.slice(0, at)}${TITLE}${INTRODUCTION}${markdownTable(['event', 'what happened'], rows)}`;
}

const INTRODUCTION = `
<!-- Made from server/licensing/notices/catalog.ts by \`npm run docs:notices\`: change the table there. -->

A receiver names types, kinds of types (\`license.*\`), or all (\`*\`).

`;
