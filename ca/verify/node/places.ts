import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';

/** The parts of the process and its machine that decide where licenses are looked for. */
export type Surroundings = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
  /** An absolute path, from one relative to the current folder. */
  resolve(...parts: string[]): string;
};

/** Those of this process. */
export function surroundings(): Surroundings {
  const paths = pathsOf(process.platform);
  return {
    env: process.env,
    platform: process.platform,
    home: homedir(),
    resolve: (...parts) => paths.resolve(...parts),
  };
}

const pathsOf = (platform: NodeJS.Platform) => (platform === 'win32' ? win32 : posix);

/** The configuration folders of the platform, the user's own before the machine's. */
export function configurationFolders({ env, platform, home }: Surroundings): string[] {
  const paths = pathsOf(platform);
  if (platform === 'win32') {
    return [
      paths.join(env['APPDATA'] ?? paths.join(home, 'AppData', 'Roaming'), 'licet'),
      paths.join(env['PROGRAMDATA'] ?? 'C:\\ProgramData', 'licet'),
    ];
  }
  if (platform === 'darwin') {
    return [paths.join(home, 'Library', 'Application Support', 'licet'), '/Library/Application Support/licet'];
  }
  return [paths.join(env['XDG_CONFIG_HOME'] || paths.join(home, '.config'), 'licet'), '/etc/licet'];
}

/** Where licenses are kept as files, in the order in which they are tried. */
export function licenseFiles(around: Surroundings, organization: string | undefined): string[] {
  const paths = pathsOf(around.platform);
  const files = [
    around.resolve('site.lic'),
    ...configurationFolders(around).map((folder) => paths.join(folder, 'site.lic')),
  ];
  if (organization !== undefined && isFileName(organization)) {
    files.push(around.resolve('.github', 'licenses', `${organization}.lic`));
  }
  return files;
}

/** Where the agent of this machine listens. */
export function agentSocket({ env, platform }: Surroundings): string {
  const set = env['LICET_AGENT_SOCKET'];
  if (set) return set;
  if (platform === 'win32') return '\\\\.\\pipe\\licet-agent';
  return platform === 'darwin' ? '/var/run/licet/agent.sock' : '/run/licet/agent.sock';
}

// The name of an organization comes from the product and becomes part of a path.
function isFileName(name: string): boolean {
  return /^[\w][\w.-]{0,99}$/.test(name);
}
