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
