import { configFolder, localPlace, programFolder, runFolders, stateFolder, units } from '../../src/install/place.ts';

/** Is there where `kuryr install` put Kuryr: its units and this package's would stand in one another's way, over one ledger. */
const installed = `[ -e ${programFolder(localPlace)}/kuryr.mjs ]`;

/** Network managers that run read again which links they leave alone. */
const tellNetworkManagers = `  if systemctl --quiet is-active systemd-networkd.service; then networkctl reload || true; fi
  if systemctl --quiet is-active NetworkManager.service; then nmcli general reload conf || true; fi`;

/**
 * What dpkg runs, as debhelper writes it: units are enabled unless the administrator said otherwise, and started unless
 * policy-rc.d forbids it. On an upgrade the service is restarted and the sockets stay, so that nobody who connects is
 * refused. A removal gives back what no container has while the daemon is there to do it, and never fails for that: the
 * ledger stays for the next installation, and what a purge leaves in the cloud is found by the next `kuryr gc`.
 */
export const maintainerScripts: Readonly<Record<'preinst' | 'postinst' | 'prerm' | 'postrm', string>> = {
  preinst: script(`
if { [ "$1" = install ] || [ "$1" = upgrade ]; } && ${installed}; then
  echo "kuryr: kuryr install put Kuryr on this machine: kuryr uninstall it first, which keeps configuration, credential and ledger" >&2
  exit 1
fi
`),
  postinst: script(`
if [ "$1" = configure ] || [ "$1" = abort-upgrade ] || [ "$1" = abort-deconfigure ] || [ "$1" = abort-remove ]; then
  for unit in ${units.join(' ')}; do
    deb-systemd-helper unmask "$unit" >/dev/null || true
    if deb-systemd-helper --quiet was-enabled "$unit"; then
      deb-systemd-helper enable "$unit" >/dev/null || true
    else
      deb-systemd-helper update-state "$unit" >/dev/null || true
    fi
  done
fi
if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
${tellNetworkManagers}
  # One that had been started too often would not be now.
  systemctl reset-failed ${units.join(' ')} 2>/dev/null || true
  if [ -S /run/kuryr/control.sock ] && ! systemctl --quiet is-active kuryr.socket && timeout 20 kuryr status >/dev/null 2>&1; then
    # systemd would take its sockets away from it.
    echo "kuryr: a daemon runs that was started by hand: end it, then systemctl start kuryr.socket kuryr" >&2
  else
    deb-systemd-invoke start kuryr.socket >/dev/null || true
    if [ -n "\${2:-}" ]; then action=restart; else action=start; fi
    deb-systemd-invoke "$action" kuryr.service >/dev/null || true
  fi
fi
`),
  prerm: script(`
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  if systemctl --quiet is-active kuryr.service; then
    timeout 120 kuryr gc --withdraw || echo "kuryr: what it holds in the cloud stays there until the next installation and kuryr gc" >&2
  fi
  deb-systemd-invoke stop ${units.toReversed().join(' ')} >/dev/null || true
  if [ -n "$(timeout 20 docker network ls --quiet --filter driver=kuryr 2>/dev/null)" ]; then
    echo "kuryr: Docker still has networks of Kuryr, which it can only remove while Kuryr is installed" >&2
  fi
fi
`),
  postrm: script(`
if [ "$1" = remove ]; then
  # Namespaces of guards are kept by mounts.
  if [ -r /proc/mounts ]; then
    while read -r _ at _; do
      case "$at" in /run/kuryr/*) umount -l "$at" || true ;; esac
    done </proc/mounts
  fi
  rm -rf ${runFolders.join(' ')} || true
fi
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
${tellNetworkManagers}
fi
# By now they may be those of kuryr install.
if [ "$1" = purge ] && ! ${installed}; then
  if command -v deb-systemd-helper >/dev/null; then
    deb-systemd-helper purge ${units.join(' ')} >/dev/null || true
  fi
  # What dpkg does not know of: the credential, the ledger.
  rm -rf ${configFolder} ${stateFolder}
fi
`),
};

function script(body: string): string {
  return `#!/bin/sh\nset -e\n${body}`;
}
