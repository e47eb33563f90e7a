import manifest from '../../package.json' with { type: 'json' };
import type { Cpu } from './natives.ts';

/** What Debian calls a processor. */
export const architectures: Readonly<Record<Cpu, string>> = { x64: 'amd64', arm64: 'arm64' };

const maintainer = 'The Kuryr authors <kuryr@example.org>';

/** As Debian orders versions: what comes before a release has a tilde. */
export function debianVersion(version: string = manifest.version): string {
  return version.replace('-', '~');
}

/** @param installedKiB what it takes on the disk */
export function control(cpu: Cpu, installedKiB: number): string {
  const fields: Readonly<Record<string, string>> = {
    Package: 'kuryr',
    Version: debianVersion(),
    Architecture: architectures[cpu],
    Maintainer: maintainer,
    'Installed-Size': String(installedKiB),
    // What Node and koffi are linked with, and what its units need.
    Depends: 'libatomic1 (>= 4.8), libc6 (>= 2.28), libgcc-s1 (>= 3.0), libstdc++6 (>= 6), systemd (>= 249)',
    'Pre-Depends': 'init-system-helpers (>= 1.54~)',
    Recommends: 'docker.io (>= 20.10) | docker-ce',
    Section: 'net',
    Priority: 'optional',
    Description: `Neutron addresses for the containers of an OpenStack VM
 Each container gets an IPVLAN or MACVLAN sub-interface of the VM's own NIC and
 an address of the VM's Neutron network: no overlay inside the overlay, no
 bridge, no NAT. It is a network and IPAM driver of Docker, and needs a tenant's
 credential and no OpenStack administrator.
 .
 Node.js is inside: nothing depends on the one of the distribution.`,
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
}

/** @param date of the sources */
export function changelog(date: Date): string {
  const when = date.toUTCString().replace('GMT', '+0000');
  return `kuryr (${debianVersion()}) unstable; urgency=medium

  * Kuryr ${manifest.version}.

 -- ${maintainer}  ${when}
`;
}
