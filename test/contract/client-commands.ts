/** Commands of the real `openstack` client that must print the same whichever cloud they are told of. */

export interface Command {
  /** `@name.key` stands for a key of what an earlier command printed. */
  readonly args: readonly string[];
  /** A name for what this one prints. */
  readonly save?: string;
  /** A list of which the embedded cloud may print less, but nothing else. */
  readonly part?: true;
}

/** A command that prints JSON. */
const show = (line: string, save?: string): Command => ({
  args: [...line.split(' '), '-f', 'json'],
  ...(save === undefined ? {} : { save }),
});

/** A command that prints nothing, or why it failed. */
const plain = (line: string): Command => ({ args: line.split(' ') });

const pair = 'ip-address=10.55.0.50';

/** In order: later ones need what earlier ones made, and the last ones take all away. */
export const commands: readonly Command[] = [
  show('catalog list'),
  show('catalog show network'),
  show('token issue', 'token'),
  { ...show('extension list --network -c Alias'), part: true },
  show('extension show trunk'),
  show('project show demo2'),

  show('network create cc-net --description d', 'net'),
  plain('network set cc-net --mtu 1400 --disable-port-security'),
  plain('network set cc-net --tag red --enable-port-security'),
  show('network show cc-net'),
  show('network list --name cc-net --long'),
  plain('network unset cc-net --tag red'),
  show('network show cc-nothing'),

  show('subnet pool create cc-pool --pool-prefix 10.77.0.0/16 --default-prefix-length 26'),
  show('subnet pool show cc-pool'),
  show('subnet pool list --name cc-pool'),
  plain('subnet pool set cc-pool --description d'),

  show(
    'subnet create cc-four --network cc-net --subnet-range 10.55.0.0/24 --gateway 10.55.0.1 --dns-nameserver 9.9.9.9',
  ),
  show('subnet create cc-six --network cc-net --ip-version 6 --subnet-range fd55::/64 --no-dhcp'),
  show('subnet create cc-bad --network cc-net --subnet-range 10.55.0.0/25'),
  plain('subnet set cc-four --host-route destination=10.99.0.0/16,gateway=10.55.0.9'),
  show('subnet show cc-four'),
  show('subnet list --network cc-net --ip-version 4 --long'),
  plain('subnet unset cc-four --dns-nameserver 9.9.9.9'),

  show('security group create cc-group --description d', 'group'),
  show('security group rule create cc-group --protocol tcp --dst-port 80:90 --remote-ip 10.0.0.0/8', 'rule'),
  show('security group rule create cc-group --protocol tcp --dst-port 80:90 --remote-ip 10.0.0.0/8'),
  show('security group rule create cc-group --ethertype IPv6 --protocol ipv6-icmp --remote-group cc-group'),
  show('security group rule list cc-group --long'),
  plain('security group set cc-group --name cc-renamed'),
  show('security group show cc-renamed'),
  show('security group list'),

  show(
    'port create cc-port --network cc-net --fixed-ip subnet=cc-four,ip-address=10.55.0.11 --security-group cc-renamed',
    'port',
  ),
  show('port create cc-child --network cc-net --no-fixed-ip --device-owner kuryr:container --tag blue'),
  show('port create cc-twice --network cc-net --fixed-ip ip-address=10.55.0.11'),
  plain(`port set cc-port --allowed-address ${pair} --allowed-address ${pair}/32,mac-address=fa:16:3e:00:00:01`),
  plain('port set cc-port --description d --disable'),
  show('port show cc-port'),
  show('port list --network cc-net --device-owner kuryr:container --long'),
  show('port list --fixed-ip ip-address=10.55.0.11,subnet=cc-four'),
  plain(`port unset cc-port --allowed-address ${pair}/32,mac-address=fa:16:3e:00:00:01`),
  plain('port set cc-port --no-security-group --no-allowed-address --disable-port-security'),
  plain(`port set cc-port --allowed-address ${pair}`),
  plain('port set cc-port --host h1'),
  show('port show cc-port'),
  plain('port delete cc-nothing'),

  show(
    'network trunk create cc-trunk --parent-port cc-port --subport port=cc-child,segmentation-type=vlan,segmentation-id=101',
  ),
  plain('network trunk set cc-trunk --description d --disable'),
  plain('network trunk set cc-trunk --enable'),
  show('network trunk show cc-trunk'),
  show('network trunk list'),
  show('network subport list --trunk cc-trunk'),
  plain('port delete cc-child'),
  plain('network trunk unset cc-trunk --subport cc-child'),
  plain('network trunk delete cc-trunk'),

  // it wants a compute service too
  show('quota show'),
  show('quota list --network --project demo2'),

  show('application credential create cc-credential --secret s3cret --role reader --expiration 2036-01-01T00:00:00'),
  show('application credential show cc-credential'),
  show('application credential list'),
  plain('application credential delete cc-credential'),
  show('application credential show cc-credential'),

  plain('security group rule delete @rule.id'),
  plain('port delete cc-port cc-child'),
  plain('network delete cc-net'),
  plain('subnet pool delete cc-pool'),
  plain('security group delete cc-renamed'),
  show('network list --name cc-net'),
  plain('token revoke @token.id'),
];
