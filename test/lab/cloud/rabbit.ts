/** RabbitMQ without its package's wrappers: nothing outside the lab's folder, nothing off the loopback. */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Place } from './place.ts';

/** Writes RabbitMQ's files, and returns the environment that makes the server use them. */
export function rabbitEnvironment({ dir, ports: { rabbit } }: Place): Record<string, string> {
  const folder = `${dir}/rmq`;
  mkdirSync(`${folder}/home`, { recursive: true });
  writeFileSync(`${folder}/plugins`, '[].');
  writeFileSync(`${folder}/env`, '');
  const conf = [
    `listeners.tcp.1 = 127.0.0.1:${rabbit}`,
    'disk_free_limit.absolute = 10MB',
    'vm_memory_high_watermark.absolute = 512MB',
    'log.console = true',
    'log.console.level = warning',
    'log.file = false',
  ];
  writeFileSync(`${folder}/rabbitmq.conf`, `${conf.join('\n')}\n`);
  return {
    HOME: `${folder}/home`,
    RABBITMQ_NODENAME: 'lab@localhost',
    RABBITMQ_MNESIA_BASE: `${folder}/mnesia`,
    RABBITMQ_LOG_BASE: `${folder}/log`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: `${rabbit}`,
    RABBITMQ_DIST_PORT: `${rabbit + 1}`,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: `${rabbit + 2}`,
    RABBITMQ_CONFIG_FILE: `${folder}/rabbitmq.conf`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${folder}/plugins`,
    RABBITMQ_CONF_ENV_FILE: `${folder}/env`,
    // one scheduler that never spins: the machine has other work
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none',
  };
}
