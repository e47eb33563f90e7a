/**
 * The names that Kuryr's links have while they are in the host's namespace: of containers, and of what doctor tries.
 * An ipvlan slave has its master's MAC, by which network managers know the VM's NIC: they would take it for that.
 */
const names = ['ky??????', 'kyd????????'];

const why = `# An ipvlan link has the MAC of the VM's NIC, by which that may be matched elsewhere: leave Kuryr's links to Kuryr.`;

export const networkdText = `${why}
[Match]
Name=${names.join(' ')}

[Link]
Unmanaged=yes
`;

export const networkdLinkText = `${why}
[Match]
OriginalName=${names.join(' ')}

[Link]
NamePolicy=keep
MACAddressPolicy=none
`;

export const networkManagerText = `${why}
[device-kuryr]
match-device=${names.map(name => `interface-name:${name}`).join(';')}
managed=0
`;

/**
 * Distributions have udev run programs for each link that comes or goes. cloud-init's, where hotplug is on, fetches the metadata
 * for it and applies the VM's network configuration anew. A later rule's list takes the place of those before, cloud-init's in
 * 10- or 90-cloud-init-hook-hotplug.rules and ifupdown's in 80-ifupdown.rules; an empty one cannot be written.
 */
export const udevRulesText = `${why}
ACTION=="add|remove", SUBSYSTEM=="net", KERNEL=="${names.join('|')}", RUN="/bin/true"
`;
