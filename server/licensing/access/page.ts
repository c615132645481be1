import { markdownTable } from '../markdown-table.ts';
import { ROLES } from '../model/principal.ts';
import { ACTIONS, DANGEROUS, isOfOrganization, type Action, type Reach } from './actions.ts';

const SIGN: Readonly<Record<Reach, string>> = { all: 'yes', enterprise: 'own enterprise', site: 'own site', none: '' };

const INTRODUCTION = `# Who may do what

<!-- Made from server/licensing/access/actions.ts by \`npm run docs:authorization\`: change the table there. -->

Everybody who asks is a principal of one organization with one or more roles. What this table does not allow is refused
(403, \`NOT_ALLOWED\`). What exists but lies outside the reach of a role (another organization, another enterprise,
another site) is answered like what does not exist (404, \`NOT_FOUND\`), word for word. An API token can be limited
further, to an enterprise and to a list of actions. Actions with a * wait for a second person when the organization says so:
somebody else with the right \`approval.decide\`, and never whoever made the token that asks. Who is limited to one
enterprise has, of what its roles may do everywhere, what concerns that one and is refused the rest; those with a † are about
the organization as a whole, and it has none of them.
`;

const CALLS = `
## Which call needs which

A call that is not here is not served. Open calls are for anyone: what they answer is no secret, or they are how one comes
in. Some calls look closer: changing the status of a site needs the right to suspend, reinstate or retire it, a
site with its request the right to issue a license, and an import the right to create what its lines are.
`;

type Call = { readonly method: string; readonly path: string; readonly action: string };

/** docs/authorization.md: the table of rights, and that of the calls. */
export function authorizationPage(calls: readonly Call[]): string {
  const head = ['action', 'what it is', ...ROLES];
  const rows = (Object.keys(ACTIONS) as Action[]).map((action) => {
    const { does, may } = ACTIONS[action];
    const mark = `${isDangerous(action) ? ' *' : ''}${isOfOrganization(action) ? ' †' : ''}`;
    return [`\`${action}\`${mark}`, does, ...may.map((reach: Reach) => SIGN[reach])];
  });
  const isRight = (action: string): boolean => Object.hasOwn(ACTIONS, action);
  const lines = calls.map(({ method, path, action }) => [
    `\`${method} ${path}\``,
    isRight(action) ? `\`${action}\`` : 'open',
  ]);
  return `${INTRODUCTION}\n${markdownTable(head, rows)}${CALLS}\n${markdownTable(['call', 'right'], lines)}`;
}

const isDangerous = (action: Action): boolean => (DANGEROUS as readonly Action[]).includes(action);
