/**
 * For a program that looks once a minute: short-lived objects get 1 MiB instead of 16, and nothing is compiled for speed,
 * which would cost 10 MB.
 */
const SMALL = '--max-semi-space-size=1 --no-opt --no-maglev --no-sparkplug';

/** A systemd unit: as its own user, with nothing but its folder to write to. */
export function systemdUnit(node: string, program: string, folder: string): string {
  return `[Unit]
Description=Licet site agent (renews the license of this site)
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=${node} ${SMALL} ${program} run --folder ${folder}
Restart=always
RestartSec=10
User=licet
Group=licet
StateDirectory=licet
RuntimeDirectory=licet
ReadWritePaths=${folder}
NoNewPrivileges=true
ProtectSystem=strict
ProtectHome=true
PrivateTmp=true
PrivateDevices=true
LimitCORE=0
MemoryMax=160M

[Install]
WantedBy=multi-user.target
`;
}
