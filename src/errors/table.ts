/**
 * The one table of error codes. `text` says what happened and why, `todo` what to do; `{name}` stands for a detail.
 * Codes are stable: scripts and runbooks match on them. Alphabetical by code.
 */
export const errorTable = {
  ACCESS_RULES_UNKNOWN: {
    status: 401,
    text: "Neutron answers 401 to {method} {path}, which an access rule of the application credential allows: this cloud's Neutron does not judge by access rules, and refuses every call of a credential that has some.",
    todo: 'Ask the operator to set service_type = network in [keystone_authtoken] of neutron.conf. Until then Kuryr needs an application credential without rules: openstack application credential create kuryr --role member. Who gets hold of it may do all that the role may. Request id: {requestId}.',
  },
  ACCESS_RULE_MISSING: {
    status: 401,
    text: 'Neutron answers 401 to {method} {path}: no access rule of the application credential allows it. What is missing: {rule}.',
    todo: "Was the VM's NIC replaced? Rules cannot be added to a credential: make a new one on your own machine, for the ports that the VM has now (kuryr credential create NAME --server ID), and put its clouds.yaml in the place of this one. Request id: {requestId}.",
  },
  ADDRESS_FORBIDDEN: {
    status: 403,
    text: 'Neutron does not let this project choose the address {address} on network {network}, since the network belongs to another project.',
    todo: 'Leave the address out, or ask the owner of the network for a role that may choose addresses there (Neutron policy create_port:fixed_ips). Request id: {requestId}.',
  },
  ADDRESS_GONE: {
    status: 409,
    text: 'The address {address} was given back, or to another container, before the container {id} had it.',
    todo: 'Start the container again.',
  },
  ADDRESS_IN_USE: {
    status: 409,
    text: 'The address {address} is already allocated in subnet {subnet}.',
    todo: 'Choose another address, or free the Neutron port that holds it: openstack port list --fixed-ip ip-address={address}.',
  },
  ADDRESS_NOT_CHOOSABLE: {
    status: 400,
    text: 'Subnet {subnet} makes its addresses by itself (SLAAC or stateless DHCPv6), so Neutron refuses the chosen address {address}.',
    todo: 'Leave the address out (no --ip6): the container gets the one that the subnet makes.',
  },
  ADDRESS_ON_LINK: {
    status: 409,
    text: 'The kernel refused to {request}: the address {address} is on another link of the same master already ({reason}).',
    todo: 'Stop the container that holds it (kuryr status lists them), or choose another address.',
  },
  ADDRESS_OUTSIDE: {
    status: 400,
    text: 'The address {address} does not belong to the subnet.',
    todo: 'Choose an address inside the subnet, apart from its network and broadcast address: openstack subnet show.',
  },
  ATTACHMENT_UNKNOWN: {
    status: 404,
    text: 'Kuryr knows no attachment {id}.',
    todo: "Start the container again; if its network was made before Kuryr's state folder was lost, make the network again: kuryr network create NAME.",
  },
  ATTACHMENT_WITHOUT_ADDRESS: {
    status: 400,
    text: 'The attachment {id} was named without an address.',
    todo: 'Give the network an IPAM driver that gives addresses: docker network create -d kuryr --ipam-driver kuryr …, or kuryr network create NAME.',
  },
  BODY_NOT_JSON: {
    status: 400,
    text: "The request's body is not JSON.",
    todo: 'Send the body as JSON text.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    text: "The request's body is larger than {limit} bytes.",
    todo: 'No runtime sends such a body: look for what does.',
  },
  CLOUD_BAD_ANSWER: {
    status: 502,
    text: '{method} {url} answered something that is not the OpenStack API: {reason}.',
    todo: 'Check that the endpoint in the catalogue or clouds.yaml is the service itself, not a web page or proxy before it. Request id: {requestId}.',
  },
  CLOUD_CONFIG_INVALID: {
    status: 400,
    text: '{source}: {problem}.',
    todo: "Correct it; the format is that of openstacksdk's clouds.yaml.",
  },
  CLOUD_CONFIG_MISSING: {
    status: 400,
    text: 'No cloud is configured: none of {files} exists and OS_AUTH_URL is not set.',
    todo: 'Write a clouds.yaml (Horizon: Project, API Access, download) and set OS_CLOUD, or source an openrc file.',
  },
  CLOUD_TIMEOUT: {
    status: 504,
    text: '{method} {url} was not answered within {seconds} s.',
    todo: "Check that the cloud's API answers from this VM: curl the address. It is tried again when the request is repeated.",
  },
  CLOUD_UNKNOWN: {
    status: 400,
    text: 'There is no cloud {cloud} in {files}; known are: {known}.',
    todo: 'Set OS_CLOUD to one of these.',
  },
  CLOUD_UNREACHABLE: {
    status: 503,
    text: '{method} {url} got no answer: {reason}.',
    todo: 'Check address, DNS, route and proxy variables: curl the address from this VM.',
  },
  CLOUD_UNTRUSTED: {
    status: 502,
    text: '{method} {url} was not sent, since the certificate of the server is not trusted: {reason}.',
    todo: 'Set cacert in clouds.yaml (OS_CACERT) to the PEM file of the authority that signed it; where the name is another, use one of its names in auth_url and network_endpoint_override. (verify: false trusts anybody: for a trial only.)',
  },
  COMMAND_UNKNOWN: {
    status: 400,
    text: 'There is no command {command}.',
    todo: 'Correct it: {hint}.',
  },
  COMMAND_USAGE: {
    status: 400,
    text: 'The command line is not whole: {usage}.',
    todo: 'kuryr help COMMAND tells what a command takes.',
  },
  CONFIG_INVALID: {
    status: 400,
    text: 'The option {name} has the value "{value}" ({origin}), but has to be {rule}.',
    todo: 'Correct it there; kuryr help lists the options.',
  },
  CONFIG_UNKNOWN: {
    status: 400,
    text: 'There is no option {name} ({origin}).',
    todo: 'Correct it there: {hint}.',
  },
  CONFIG_UNREADABLE: {
    status: 400,
    text: 'The configuration file {file} cannot be read: {reason}.',
    todo: 'Correct the file, or name another by --config.',
  },
  CONTROL_ANSWER_INVALID: {
    status: 502,
    text: 'What answers at {socket} does not speak as the daemon does, or not in time.',
    todo: 'Use the kuryr command of the same version as the daemon, and look into the log of the daemon.',
  },
  CONTROL_BODY_INVALID: {
    status: 400,
    text: 'The control socket cannot read the request: {reason}.',
    todo: 'Use the kuryr command of the same version as the daemon.',
  },
  CONTROL_FORBIDDEN: {
    status: 403,
    text: 'The control socket {socket} is for root alone.',
    todo: 'Run the command as root (sudo kuryr …).',
  },
  CONTROL_ROUTE_UNKNOWN: {
    status: 404,
    text: 'The control socket knows no {route}.',
    todo: 'Use the kuryr command of the same version as the daemon.',
  },
  CONTROL_TOO_SLOW: {
    status: 504,
    text: 'What {route} asks for was not done in time.',
    todo: 'See the log for what was slow; kuryr doctor tells of the cloud.',
  },
  CREDENTIAL_EXISTS: {
    status: 409,
    text: 'The user has an application credential {name} already: {message}.',
    todo: 'Choose another name, or delete that one first, where no VM uses it: openstack application credential delete {name}.',
  },
  CREDENTIAL_FORBIDDEN: {
    status: 403,
    text: 'Keystone does not let this credential make an application credential: {message}.',
    todo: "Use the user's own password or token: an application credential makes others only where it was made --unrestricted. Request id: {requestId}.",
  },
  CREDENTIAL_LOST: {
    status: 504,
    text: 'The application credential {name} was asked for, but the answer, and the secret with it, was lost.',
    todo: 'Delete it if it was made (openstack application credential delete {name}), and repeat the command.',
  },
  CREDENTIAL_OF_ANOTHER_PROJECT: {
    status: 409,
    text: 'The new credential is of project {project}, the one in force of {former}: what Kuryr has in that project it could not free any more.',
    todo: 'Make the credential in the project of the VM. If the VM has moved, stop its containers and restart the daemon.',
  },
  CREDENTIAL_PORTS_MISSING: {
    status: 404,
    text: 'There is no port of a VM to write a rule for: {reason}.',
    todo: 'Name one: --port ID (openstack port list --server NAME), --server ID, or --network NAME for all VMs on it.',
  },
  CREDENTIAL_ROLE_MISSING: {
    status: 403,
    text: 'The user has no role {role} on the project; there are: {roles}.',
    todo: 'Name one that may change ports: --role NAME. member is enough where the cloud has its default policy.',
  },
  DAEMON_NOT_RUNNING: {
    status: 503,
    text: 'No daemon answers at {socket}.',
    todo: 'Start it (systemctl start kuryr, or kuryr run). One that runs listens where run-dir was when it started, until it is restarted: name that folder by --run-dir.',
  },
  DAEMON_RUNNING: {
    status: 409,
    text: 'Another Kuryr daemon works in {folder} already.',
    todo: 'Stop it first: one daemon serves all NICs of a VM.',
  },
  DAEMON_STOPPING: {
    status: 503,
    text: 'The daemon is being stopped.',
    todo: 'Repeat the request when it runs again.',
  },
  DEMO_NAMESPACES_REFUSED: {
    status: 403,
    text: 'This machine does not let this user make namespaces, in which the demo runs: {reason}.',
    todo: 'Run it as root. Or let users make them: sysctl user.max_user_namespaces above 0, kernel.unprivileged_userns_clone=1 (Debian), kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu). In a container it works only in a privileged one.',
  },
  DEMO_NEEDS_CHECKOUT: {
    status: 500,
    text: 'The demo runs from a checkout of Kuryr, not from its one-file form.',
    todo: 'Clone the repository and run ./kuryr demo there; on an OpenStack VM, kuryr demo --here works with either.',
  },
  DEMO_UNSUPPORTED: {
    status: 500,
    text: 'The demo needs guests with a kernel of their own here, and they cannot be had: {reason}.',
    todo: 'Without --docker it needs none where the kernel has ipvlan and vxlan: load them as root (modprobe -a ipvlan vxlan veth). Or run the demo on a Debian or Ubuntu machine with an x86-64 processor, apt-get, dpkg-deb and the package debian-archive-keyring, from which it fetches a guest kernel.',
  },
  DOCKER_ADDRESS_IS_GATEWAY: {
    status: 409,
    text: 'The address {address} is the gateway of subnet {subnet}.',
    todo: 'Choose another address with --ip or --ip6, or leave the choice to Neutron.',
  },
  DOCKER_ADDRESS_UNKNOWN: {
    status: 409,
    text: 'The endpoint {endpoint} names the address {address}, which is not held for its network {network}.',
    todo: 'Start the container again: an address that no endpoint names within {seconds} seconds is given back.',
  },
  DOCKER_BARE_CREATE: {
    status: 400,
    text: "This Docker engine (26 or older) cannot create a network without --subnet when the subnet is the VM's own: it would drop each answer and ask again without end.",
    todo: 'Type: {command}',
  },
  DOCKER_BODY_INVALID: {
    status: 400,
    text: 'The body of {verb} is not what Docker sends: {reason}.',
    todo: "Nothing was changed. If a Docker engine sent this, report it with the engine's version.",
  },
  DOCKER_BODY_MISSING: {
    status: 400,
    text: 'The call {verb} came without what it is about.',
    todo: 'Docker repeats a call so when the daemon ended in the midst of it. Nothing was changed: repeat the docker command.',
  },
  DOCKER_ENDPOINT_DIFFERS: {
    status: 409,
    text: 'The endpoint {endpoint} stands already, and not as this request says: {reason}.',
    todo: 'Nothing was changed. If a Docker engine sent this, remove the container and start it again.',
  },
  DOCKER_IPAM_MISSING: {
    status: 400,
    text: "The network's address pool {pool} was not given by Kuryr.",
    todo: 'Both drivers are needed: {command}',
  },
  DOCKER_MAC_CHOSEN: {
    status: 400,
    text: 'The MAC address {mac} cannot be chosen: {reason}.',
    todo: 'Leave --mac-address out.',
  },
  DOCKER_NETWORK_UNKNOWN: {
    status: 404,
    text: 'Kuryr knows no Docker network {network}.',
    todo: "Make the network again: docker network rm NAME, then kuryr network create NAME. Kuryr's state folder may have been lost.",
  },
  DOCKER_OPTION_TWIN: {
    status: 400,
    text: '{option} says {said}, but the address pool {pool} is of {is}.',
    todo: 'Give the same choice to both drivers: {command}',
  },
  DOCKER_OPTION_UNKNOWN: {
    status: 400,
    text: 'The option {option} is not known.',
    todo: 'Options are: {known}.',
  },
  DOCKER_POOL_UNKNOWN: {
    status: 404,
    text: 'Kuryr knows no address pool {pool}.',
    todo: "Make the network again: docker network rm NAME, then kuryr network create NAME. Kuryr's state folder may have been lost.",
  },
  DOCKER_PUBLISH_REFUSED: {
    status: 400,
    text: 'Publishing ports ({ports}) has no effect: the container has an address of its own that is reached directly.',
    todo: 'Leave -p out, or let the daemon start such containers: --published-ports allow.',
  },
  DOCKER_RANGE_UNSUPPORTED: {
    status: 400,
    text: "--ip-range {range} cannot be honoured: Neutron chooses addresses from the subnet's allocation pools.",
    todo: "Leave --ip-range out, choose single addresses with --ip, or set the subnet's allocation pools.",
  },
  DOCKER_VERB_TOO_SLOW: {
    status: 504,
    text: 'The work that {verb} asks for was not done in time.',
    todo: 'See the log for what was slow (kuryr status and kuryr doctor tell of the cloud), then try again.',
  },
  DOCKER_VERB_UNKNOWN: {
    status: 404,
    text: "{verb} is no verb of Docker's network or IPAM drivers.",
    todo: "Nothing to do: engines take this answer for 'not supported'.",
  },
  EMBEDDED_CLOUD_FAILED: {
    status: 500,
    text: 'The embedded cloud does not start: {reason}.',
    todo: 'Choose a free port with --port, or leave it out; a --file has to be one that an embedded cloud wrote.',
  },
  EXPLAIN_AMBIGUOUS: {
    status: 409,
    text: '{what} is the beginning of several ids: {choices}.',
    todo: 'Give more of it; kuryr explain without a name lists all.',
  },
  EXPLAIN_UNKNOWN: {
    status: 404,
    text: 'Nothing is known of {what}: it is no address, endpoint, sandbox or running container on a network of Kuryr, and none that went a short while ago.',
    todo: 'kuryr explain without a name lists what can be explained. One that has gone is found by its address or endpoint alone; of what was before the daemon last started nothing is kept.',
  },
  FILE_EXISTS: {
    status: 409,
    text: 'The file {file} is there already.',
    todo: 'Nothing was changed. Name another file, or move that one away.',
  },
  FILE_UNWRITABLE: {
    status: 500,
    text: 'The file {file} cannot be written: {reason}.',
    todo: 'Nothing was changed. Name a file in a folder that is there and that you may write to.',
  },
  FORGERIES_PASS: {
    status: 501,
    text: 'What containers on {master} forge about neighbours (ARP, router advertisements) reaches the VM: {reason}.',
    todo: 'Containers work. Load what is lacking (modprobe cls_u32 cls_flower act_gact): the daemon notices within half a minute. Until then run what you do not trust with --cap-drop NET_RAW.',
  },
  GUARD_FAILED: {
    status: 500,
    text: "The guard of {master}, which keeps the VM's own addresses and the gateways' from containers, does not stand as it should: {reason}.",
    todo: 'Containers work; but one with NET_ADMIN can take these addresses until this is mended. kuryr doctor says what the kernel lacks.',
  },
  GUARD_INCOMPLETE: {
    status: 409,
    text: 'Another ipvlan link of {master} holds {addresses}, which belong to the VM or to a gateway: a container has taken them, and the VM may be off the net.',
    todo: 'Find the container (docker ps -q | xargs -I ID docker exec ID ip addr) and stop it.',
  },
  HOST_ACCESS_BLOCKED: {
    status: 409,
    text: 'The VM and its own containers cannot reach each other: {what} stands on the master, which leaves no place for the rules that this takes.',
    todo: 'Remove it (tc qdisc show dev MASTER; tc qdisc del dev MASTER ingress), or let the program that made it use clsact. Containers are attached all the same; --host-access off silences this.',
  },
  HOST_ACCESS_LACKING: {
    status: 501,
    text: 'The VM and its own containers cannot reach each other, since this kernel has no {module} ({reason}).',
    todo: 'Load it (modprobe {module}; distributions keep it in linux-modules-extra or kernel-modules-extra where it is not in the main package): the daemon notices within half a minute. Containers are attached all the same; --host-access off silences this.',
  },
  HTTP_HOST_REFUSED: {
    status: 403,
    text: 'Metrics are read here under a name of the loopback alone, not under {host}.',
    todo: 'Ask for http://127.0.0.1 or http://localhost with the port.',
  },
  HTTP_MALFORMED: {
    status: 400,
    text: 'What came is no whole HTTP/1.1 request ({reason}).',
    todo: 'Nothing was changed. No runtime sends this: look for what else uses the socket.',
  },
  HTTP_METHOD_REFUSED: {
    status: 405,
    text: '{path} cannot be asked by {method}.',
    todo: 'Nothing was changed. Docker asks by POST; /metrics and /health are read by GET.',
  },
  HTTP_TOO_SLOW: {
    status: 408,
    text: 'The request did not arrive in time ({reason}).',
    todo: 'Nothing was changed. Send it again, without a pause in it.',
  },
  INSTALL_CREDENTIAL_UNFIT: {
    status: 400,
    text: 'The {source} is no credential for a daemon: {reason}.',
    todo: 'Make one on your own machine: kuryr credential create NAME --port ID --out clouds.yaml. Then copy it to {file} on the VM, for root alone (0600).',
  },
  INSTALL_FAILED: {
    status: 500,
    text: 'The installation failed at: {step} ({reason}). What was done is undone.',
    todo: 'journalctl -u kuryr.service tells what the daemon said, if it came to that; kuryr doctor what this VM or its cloud lacks.',
  },
  INSTALL_LINK: {
    status: 409,
    text: '{path} is a link to {target}: it is of another installation, and kuryr install does not replace it.',
    todo: 'Remove it first: npm uninstall --global kuryr, where npm made it, and systemctl unmask kuryr.socket kuryr.service, where it leads to /dev/null. kuryr install brings its own Node, and runs from a checkout (./kuryr install) or by npx.',
  },
  INSTALL_MISSING: {
    status: 404,
    text: 'Kuryr is not installed here: there is no {folder}.',
    todo: 'Nothing is left to do.',
  },
  INSTALL_NODE_UNFIT: {
    status: 501,
    text: 'The Node that runs this, {node}, needs libraries of its distribution, so that a copy of it would not run for long.',
    todo: 'Run it by the Node that comes with Kuryr: ./kuryr install in a checkout, or install the Debian package.',
  },
  INSTALL_NOT_ROOT: {
    status: 403,
    text: 'Only root may install or remove a service.',
    todo: 'Run it with sudo.',
  },
  INSTALL_NOT_UNDONE: {
    status: 500,
    text: 'The installation failed ({reason}), and this could not be done to undo it: {left}.',
    todo: 'Mend what is in the way, and run kuryr install again: it goes on with the undo. Until then the former files are beside the new ones, with kuryr-former at the end of their names.',
  },
  INSTALL_NO_CREDENTIAL: {
    status: 400,
    text: 'The daemon would have no credential: there is no {file}.',
    todo: 'Make one on your own machine (kuryr credential create NAME --port ID --out clouds.yaml) and copy it there, for root alone (0600); or name a cloud of your clouds.yaml that has an application credential: --cloud NAME.',
  },
  INSTALL_NO_SYSTEMD: {
    status: 501,
    text: 'systemd does not run this machine: there is no /run/systemd/system.',
    todo: 'Start the daemon by whatever does: kuryr run.',
  },
  INSTALL_PACKAGED: {
    status: 409,
    text: 'Kuryr is on this machine as a Debian package, or was and is not purged: {file} is there.',
    todo: 'Use the package for upgrades and removal. For kuryr install: save /etc/kuryr and /var/lib/kuryr, then apt purge kuryr, which removes them.',
  },
  INSTALL_UNDER_WAY: {
    status: 409,
    text: 'Kuryr is being installed on this machine already, by process {pid}.',
    todo: 'Wait for its end. Where it hangs, end it (kill -9 {pid}) and run this again: what it did is undone first.',
  },
  INTERNAL: {
    status: 500,
    text: 'An unexpected failure: {reason}.',
    todo: 'This is a defect of Kuryr: please report it with the log around this moment.',
  },
  KERNEL_REFUSED: {
    status: 500,
    text: 'The kernel refused to {request}: {reason}.',
    todo: "Run kuryr doctor; if it finds nothing, report this with the kernel's version.",
  },
  KERNEL_UNSUPPORTED: {
    status: 501,
    text: 'This kernel cannot {request}: {reason}.',
    todo: 'Load or install the module it needs (modprobe {kind}; Debian and Ubuntu cloud kernels carry it), or choose another link: --link macvlan or --link ipvlan. kuryr doctor tests both.',
  },
  KEYSTONE_NO_ENDPOINT: {
    status: 404,
    text: 'The catalogue has no {interface} endpoint of a network service in region {region}; it has: {known}.',
    todo: 'Set region_name and interface (OS_REGION_NAME, OS_INTERFACE) to one of these, or network_endpoint_override.',
  },
  KEYSTONE_REFUSED: {
    status: 502,
    text: 'Keystone at {authUrl} answered {status}: {message}.',
    todo: "Check the auth_url and the service's health. Request id: {requestId}.",
  },
  KEYSTONE_TOKEN_EXPIRED: {
    status: 401,
    text: 'The token that was given expired at {expiresAt}, and a token cannot renew itself.',
    todo: 'Give a new OS_TOKEN, or better an application credential, which renews by itself.',
  },
  KEYSTONE_UNAUTHORIZED: {
    status: 401,
    text: 'Keystone at {authUrl} refuses the {kind}: {message}.',
    todo: 'Check user, secret, project and domain names in {source}. A token or application credential may have expired or been deleted. Request id: {requestId}.',
  },
  LEDGER_DAMAGED: {
    status: 500,
    text: 'The ledger {file} is damaged at line {line}: the line does not match its checksum, and whole lines follow it.',
    todo: 'Nothing was changed. Check the disk, then put the file aside (mv {file} {file}.damaged) and start the daemon. kuryr gc then clears what no container has in Neutron and the kernel; make the networks again (kuryr network create). Keep the file for a report.',
  },
  LEDGER_NEWER: {
    status: 500,
    text: 'The ledger {file} has format {format}, written by a newer Kuryr; this one reads up to {known}.',
    todo: 'Nothing was changed. Run the Kuryr that wrote it, or a newer one.',
  },
  LEDGER_RECORD_UNREADABLE: {
    status: 500,
    text: "The ledger's record {key} cannot be read: {reason}.",
    todo: 'It was written by another version, or damaged: go back to that version, or move the state folder away and run kuryr gc.',
  },
  LEDGER_UNREADABLE: {
    status: 500,
    text: 'The ledger {file} cannot be read: {reason}.',
    todo: 'Check that the folder exists on a healthy disk and that the daemon runs as root.',
  },
  LEDGER_UNWRITABLE: {
    status: 503,
    text: 'The ledger {file} cannot be written: {reason}.',
    todo: 'Nothing was done that is not on record. Free space on the disk or mend it (df, dmesg); the daemon goes on by itself then.',
  },
  LINK_GONE: {
    status: 404,
    text: 'The kernel could not {request}: the link is gone ({reason}).',
    todo: 'Repeat the request; if a NIC was unplugged, name a master that stands.',
  },
  LINK_MODE_UNSUPPORTED: {
    status: 400,
    text: '{option}={value} cannot be used: {reason}.',
    todo: 'Use {instead}.',
  },
  LINK_TAKEN: {
    status: 409,
    text: 'The link that was to be {name} with ifindex {ifindex} is something else already: the {kind} link {found}.',
    todo: 'If the link is a leftover, delete it (ip link delete {found}); then start the container again, which gets another ifindex.',
  },
  MASTER_AMBIGUOUS: {
    status: 409,
    text: 'More than one NIC of this VM fits {query}: {choices}.',
    todo: 'Name one: -o parent=NAME for a network, --master NAME (KURYR_MASTER) for all, or a network or subnet by its id.',
  },
  MASTER_BUSY: {
    status: 409,
    text: 'The master {master} cannot carry the link: {holder} ({reason}).',
    todo: '{advice}',
  },
  MASTER_FLIPPED: {
    status: 409,
    text: 'All ipvlan links of {master} were set to {found} instead of {wanted} by {who}; it was put back.',
    todo: 'Run that container without NET_ADMIN, or with a user namespace of its own: mode and flag of one link are those of all.',
  },
  MASTER_UNKNOWN: {
    status: 404,
    text: 'There is no NIC {master} that can carry containers; there are: {choices}.',
    todo: 'Name one of these as --master (KURYR_MASTER) or -o parent=. A NIC must be up and have an address of a Neutron port.',
  },
  METRICS_LISTEN_FAILED: {
    status: 500,
    text: 'Metrics cannot be served at {listen}: {reason}.',
    todo: 'Name a free port: --metrics-listen 127.0.0.1:PORT. The control socket serves the same without it.',
  },
  METRICS_PAGE_UNKNOWN: {
    status: 404,
    text: 'There is no {path} here.',
    todo: '/metrics and /health are all that is served on this port; the rest is on the control socket.',
  },
  MODE_CLASH: {
    status: 409,
    text: 'The master {master} carries {kind} links in mode {standing}, so one in mode {wanted} cannot be added: the kernel would silently change all of them.',
    todo: 'Use {standing} for this network too, or remove the networks that use {standing} first; or give this network another NIC.',
  },
  NETNS_GONE: {
    status: 404,
    text: 'The network namespace {path} is gone: could not {request} ({reason}).',
    todo: 'Nothing, if its container has stopped; else start the container again.',
  },
  NETWORK_NOT_ON_VM: {
    status: 404,
    text: 'The network {network} is on no NIC of this VM; there are: {choices}.',
    todo: 'Use one of these, or plug the network into the VM: openstack server add network.',
  },
  NEUTRON_FAILED: {
    status: 503,
    text: 'Neutron failed at {method} {path} with {status}: {message}.',
    todo: 'Repeat the request later; the operator finds the reason in the log by the request id {requestId}.',
  },
  NEUTRON_FORBIDDEN: {
    status: 403,
    text: 'Neutron forbids {method} {path}: {message}.',
    todo: "The cloud's policy does not allow it to the roles of this credential; access rules have no part in it (a missing one is answered 401). Use a credential with another role, or ask the operator. Request id: {requestId}.",
  },
  NEUTRON_NOT_FOUND: {
    status: 404,
    text: 'Neutron does not have {path}: {message}.',
    todo: 'Check the id or name, and that it belongs to the project of the credential. Request id: {requestId}.',
  },
  NEUTRON_OUTCOME_UNKNOWN: {
    status: 504,
    text: '{method} {path} was sent, but its answer was lost ({reason}): it may have taken effect.',
    todo: 'Nothing: Kuryr reads again and repeats what is missing.',
  },
  NEUTRON_QUOTA: {
    status: 409,
    text: "The project's quota is used up: {message}.",
    todo: 'Delete ports that are not needed (kuryr gc --dry-run shows what Kuryr left), or ask the operator to raise the quota. Request id: {requestId}.',
  },
  NEUTRON_REFUSED: {
    status: 502,
    text: 'Neutron refused {method} {path} with {status} {type}: {message}.',
    todo: "The operator finds the reason in Neutron's log by the request id {requestId}.",
  },
  NEUTRON_STALE: {
    status: 409,
    text: 'The Neutron resource {path} was changed by somebody else meanwhile: {message}.',
    todo: 'Repeat the request.',
  },
  NEUTRON_UNAUTHORIZED: {
    status: 401,
    text: 'Neutron answers 401 to {method} {path} with a token that Keystone has just issued.',
    todo: 'Access rules do not explain it: Neutron cannot validate the token. Ask the operator (the [keystone_authtoken] of neutron.conf, and the clocks). Request id: {requestId}.',
  },
  NOT_PRIVILEGED: {
    status: 403,
    text: 'Not permitted to {request}: {reason}.',
    todo: 'Run the daemon as root, or give it CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_ADMIN.',
  },
  PAIRS_CONTENDED: {
    status: 503,
    text: 'The allowed-address-pairs of the VM port {port} were changed by somebody else at each of {attempts} attempts to write {address}: {reason}.',
    todo: 'Repeat the request. If it stays, find what else writes that port (keepalived scripts, another Kuryr, an orchestrator) and let only one do it.',
  },
  PAIRS_EXHAUSTED: {
    status: 409,
    text: 'The VM port {port} has {used} of {limit} allowed-address-pairs in use, so {address} cannot be permitted.',
    todo: 'Stop a container that is not needed (kuryr status lists them), or ask the cloud operator to raise max_allowed_address_pair in neutron.conf.',
  },
  PAIRS_FORBIDDEN: {
    status: 403,
    text: 'Neutron does not let this project write allowed-address-pairs on the VM port {port}: {message}.',
    todo: 'On a network of another project this is the default (policy update_port:allowed_address_pairs): use a network of the own project, or ask the operator to allow it. Request id: {requestId}.',
  },
  PAIRS_SUPERSEDED: {
    status: 409,
    text: 'The request for the pair {address} on the VM port {port} was overtaken by a later, opposite one.',
    todo: 'Nothing: the later request stands. Repeat this one if it is wanted again.',
  },
  PAIR_DUPLICATE: {
    status: 400,
    text: 'Neutron refuses the list of allowed-address-pairs, since one stands in it twice: {message}.',
    todo: 'Repeat the request; if it stays, report it with the output of openstack port show {port}.',
  },
  PAIR_MAC_REFUSED: {
    status: 409,
    text: "This cloud does not permit another MAC address than the port's own in an allowed-address-pair: {message}.",
    todo: "MACVLAN cannot work here (ML2/OVN of Neutron 28.0.1 and later): use ipvlan, which keeps the port's MAC.",
  },
  PORT_SECURITY_OFF: {
    status: 409,
    text: 'The port {port} has no port security, so Neutron takes no allowed-address-pairs for it.',
    todo: 'None are needed then. If port security was switched off just now, repeat the request.',
  },
  PROGRAM_MISSING: {
    status: 500,
    text: 'The program {program} cannot be run: {reason}.',
    todo: 'Install it, or run the printed command where it is.',
  },
  RELOAD_TIMEOUT: {
    status: 504,
    text: 'The reload was not done within {seconds} s. Nothing was reloaded, all is as before.',
    todo: 'Check that the auth_url of clouds.yaml answers from this VM (kuryr doctor), then reload again.',
  },
  SERVICES_CLASH: {
    status: 409,
    text: "Services do not reach containers: {range} of --services and the VM's subnet {subnet} have addresses in common.",
    todo: 'Name only virtual addresses, which no machine has: such as the service-cluster-ip-range of kube-apiserver. All else works.',
  },
  SERVICE_ANSWERS_LACKING: {
    status: 501,
    text: 'What backends on other VMs answer does not reach containers on {master}, unless it is masqueraded: {reason}.',
    todo: 'Load it (modprobe act_ct; it is in linux-modules-extra or kernel-modules-extra where the main package lacks it): the daemon notices within half a minute. Or masquerade what containers send to services, and leave --service-backends out.',
  },
  SOCKET_HANDED_OVER: {
    status: 500,
    text: 'systemd handed over a socket that this daemon cannot serve: descriptor {fd}, {reason}.',
    todo: 'The [Socket] section of kuryr.socket has to name what the options name, which is {wanted}, with SocketMode=0600: systemctl edit kuryr.socket, then restart both.',
  },
  SOCKET_TAKEN: {
    status: 409,
    text: 'Another process listens on {path} already: another Kuryr daemon, or systemd for the installed one.',
    todo: 'Stop it first (systemctl stop kuryr.socket kuryr.service), or give this one another socket.',
  },
  SUBNET_AMBIGUOUS: {
    status: 409,
    text: 'The network {network} has several IPv{family} subnets: {subnets}.',
    todo: 'Name one: --subnet CIDR, or --ipam-opt neutron.subnet.uuid=ID.',
  },
  SUBNET_EXHAUSTED: {
    status: 409,
    text: 'There is no free address left: {message}.',
    todo: 'Delete ports that are not needed, or use another subnet. Request id: {requestId}.',
  },
  SUBNET_UNKNOWN: {
    status: 404,
    text: 'The subnet {subnet} is not on the network of a NIC of this VM; there are: {choices}.',
    todo: 'Use one of these. Kuryr makes no subnets: openstack subnet create.',
  },
  UNINSTALL_ATTACHED: {
    status: 409,
    text: 'Containers have addresses of Kuryr: {count}. Without the daemon these stay in the cloud, and nobody sees to them.',
    todo: 'Stop the containers first (kuryr status lists them), or give --force.',
  },
  UNINSTALL_HELD: {
    status: 409,
    text: '{count} of the things that nobody has any more could not be given back.',
    todo: 'Try again when the cloud answers (kuryr gc tells why), or give --force: what is left is found by kuryr gc of a later installation.',
  },
  UNINSTALL_NETWORKS: {
    status: 409,
    text: 'Docker has networks of Kuryr, which it could not remove without it: {networks}.',
    todo: 'Remove them first (docker network rm), or give --force.',
  },
  VM_PORT_AMBIGUOUS: {
    status: 409,
    text: 'Several Neutron ports have the address and MAC of {master}, and neither metadata service nor config drive tells which is this one: {choices}.',
    todo: 'Make the metadata service (169.254.169.254) or a config drive reachable for this VM, or use a credential that sees only the project of the VM.',
  },
  VM_PORT_GONE: {
    status: 404,
    text: 'The VM port {port} is gone from Neutron.',
    todo: 'If the NIC was unplugged, stop its containers. If it was replaced, restart the daemon.',
  },
  VM_PORT_TAKEN: {
    status: 409,
    text: 'Another Kuryr daemon serves the VM port {port} already.',
    todo: "Stop it first: two writers would undo one another's pairs.",
  },
  VM_PORT_UNKNOWN: {
    status: 404,
    text: 'The Neutron port of {master} is not known: {reason}.',
    todo: 'Check that the credential belongs to the project of the VM (openstack port list --fixed-ip ip-address=ADDRESS), and name another master if this one is not on Neutron.',
  },
} as const satisfies Record<string, ErrorEntry>;

/** What a code stands for. */
export interface ErrorEntry {
  /** HTTP status for fronts that have one. */
  readonly status: number;
  readonly text: string;
  readonly todo: string;
}

export type ErrorCode = keyof typeof errorTable;
