/**
 * What answers at 169.254.169.254: the real neutron-ovn-metadata-agent of a host, and haproxy with the agent's own
 * configuration. Only where haproxy listens is the lab's: in a namespace that is plugged as a port without port security,
 * since the lab's networks have no metadata port, and the agent's way to make one needs more of the machine's kernel.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Host } from './backend.ts';
import { ini } from './config.ts';
import type { Jail } from './jail.ts';
import type { Place } from './place.ts';

export const METADATA_ADDRESS = '169.254.169.254';

/** The agent with another way to make networks answer: it writes haproxy's configuration for one, and leaves it at that. */
const AGENT = `
import sys
from neutron.agent.ovn.metadata import agent, driver
from neutron.cmd.eventlet.agents.ovn_metadata import main

network = sys.argv.pop(1)

def sync(self):
    conf = self.conf
    haproxy = driver.HaproxyConfigurator(network, None, conf.metadata_proxy_socket, '${METADATA_ADDRESS}', 80, '0', '0',
                                         conf.state_path, conf.state_path + '/haproxy.pid')
    haproxy.create_config_file()

agent.MetadataAgent.sync = sync
agent.MetadataAgent.update_datapath = lambda *_: None
main()
`;

export interface MetadataRequest {
  readonly host: Host;
  readonly networkId: string;
  /** The namespace in which it is asked, with the address on a NIC. */
  readonly netns: string;
  /** Nova's metadata service, on the machine's loopback. */
  readonly novaPort: number;
  /** What the agent signs server ids with. */
  readonly secret: string;
}

/** Starts both; settles when they answer somebody, be it with 404. */
export async function serveMetadata(
  place: Place,
  jail: Jail,
  { host, networkId, netns, novaPort, secret }: MetadataRequest,
): Promise<void> {
  const state = `${place.dir}/metadata`;
  mkdirSync(state);
  const conf = `${place.dir}/etc/metadata.conf`;
  const settings = {
    DEFAULT: {
      ...{ state_path: state, metadata_proxy_socket: `${state}/proxy`, metadata_workers: 1 },
      ...{ nova_metadata_host: '127.0.0.1', nova_metadata_port: novaPort, metadata_proxy_shared_secret: secret },
    },
    ovs: { ovsdb_connection: `unix:${place.dir}/${host}/db.sock` },
    ovn: { ovn_sb_connection: `unix:${place.dir}/central/sb.sock` },
  };
  writeFileSync(conf, ini(settings));
  const agent = jail.serve('metadata-agent', ['python3', '-c', AGENT, networkId, '--config-file', conf]);
  const haproxyConf = `${state}/ovn-metadata-proxy/${networkId}.conf`;
  await agent.answers(() => jail.run(['cat', haproxyConf]).then(() => true));
  const haproxy = jail.serve('metadata-haproxy', ['haproxy', '-db', '-f', haproxyConf], { netns });
  const ask = [
    'curl',
    '--silent',
    '--output',
    '/dev/null',
    '--write-out',
    '%{http_code}',
    `http://${METADATA_ADDRESS}/`,
  ];
  await haproxy.answers(async () => (await jail.run(ask, { netns })) === '404');
}
