import { dirname } from 'node:path';
import { DEFAULT_FOLDER } from './options.ts';
import type { Settings } from './settings.ts';

/**
 * For a program that looks once a minute: short-lived objects get 1 MiB instead of 16, and nothing is compiled for speed,
 * which would cost 10 MB.
 */
const SMALL = ['--max-semi-space-size=1', '--no-opt', '--no-maglev', '--no-sparkplug'];

/** Where systemd makes folders by itself, for the user of the unit. */
const RUN = '/run/';
/** Of a path, so that there is room for it in the address of a socket (108 bytes). */
const MOST_OF_PATH = 60;

/** Below /run, one for each site of a machine. Products look in that of the usual folder (@licet/verify/node). */
const runtimeOf = (folder: string): string =>
  folder === DEFAULT_FOLDER ? 'licet' : `licet${folder.replaceAll(/[^\w.]+/g, '-').slice(-MOST_OF_PATH)}`;

/** Where the agent of this folder answers when its unit has started it and its settings name no other place. */
export const socketByUnit = (folder: string): string => `${RUN}${runtimeOf(folder)}/agent.sock`;

/** A systemd unit: as its own user, with nothing to write to but its folder and what the settings name. */
export function systemdUnit(node: string, program: string, folder: string, settings: Settings): string {
  const { metrics, pkcs11, socket } = settings;
  const runtime = runtimeOf(folder);
  const named = [metrics, socket].filter((path) => path !== undefined).map((path) => dirname(path));
  const writable = [...new Set([folder, ...named])].filter((path) => path !== RUN + runtime);
  // A token may be a device, and its library may want to write where the token lies: that is for the machine to say.
  const devices = pkcs11 === undefined ? 'PrivateDevices=true\n' : '';
  return `[Unit]
Description=Licet site agent (renews the license of this site)
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=${[node, ...SMALL, program, 'run', '--folder', folder].map(word).join(' ')}
Restart=always
RestartSec=10
User=licet
Group=licet
UMask=0022
StateDirectory=licet
RuntimeDirectory=${runtime}
ReadWritePaths=${writable.map(path).join(' ')}
NoNewPrivileges=true
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=true
ProtectKernelModules=true
ProtectKernelTunables=true
ProtectKernelLogs=true
ProtectControlGroups=true
ProtectHostname=true
PrivateTmp=true
${devices}RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
LockPersonality=true
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
LimitCORE=0
MemoryMax=160M

[Install]
WantedBy=multi-user.target
`;
}

/**
 * systemd.path(5): with each new license, units that use it load it. systemd does that and not the agent, whose user may
 * neither reload others nor become somebody who may. They have one name, by which the first starts
 * the second.
 */
export const reloadUnits = (folder: string, units: readonly string[]): { path: string; service: string } => ({
  path: `[Unit]
Description=Looks for a new license of this site

[Path]
PathChanged=${folder.replaceAll('%', '%%')}/installed

[Install]
WantedBy=multi-user.target
`,
  service: `[Unit]
Description=Has others load the new license of this site

[Service]
Type=oneshot
ExecStart=systemctl try-reload-or-restart ${units.map(word).join(' ')}
`,
});

/** systemd.service(5): `%` begins a specifier and `$` a variable; white space divides. */
const word = (text: string): string => quoted(text.replaceAll('%', '%%').replaceAll('$', '$$$$'));
/** One that is not there is no reason not to start. */
const path = (text: string): string => quoted(`-${text.replaceAll('%', '%%')}`);

const quoted = (text: string): string =>
  /[\s"'\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, (character) => `\\${character}`)}"` : text;
