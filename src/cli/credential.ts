import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { parseFlags } from '../config/flags.ts';
import { cloudName, type Kind, wholeNumber } from '../config/kinds.ts';
import { vmCloudsYaml } from '../credential/clouds-yaml.ts';
import { roleFor } from '../credential/role.ts';
import { accessRules } from '../credential/rules.ts';
import { vmPorts } from '../credential/vm-ports.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import { silentLogger } from '../observe/logger.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import { systemRandom } from '../time/random.ts';
import { systemClock } from '../time/system-clock.ts';
import type { Command } from './command.ts';
import { secretFile } from './secret-file.ts';
import { shown } from './table.ts';

const DAY_MS = 86_400_000;
const usage = 'kuryr credential create NAME --port ID|--server ID|--network NAME [FLAGS]';

const flags = {
  cloud: 'text',
  days: 'text',
  network: 'list',
  out: 'text',
  port: 'list',
  role: 'text',
  server: 'list',
} as const;

export const credentialCommand: Command = {
  help: () =>
    [
      `usage: ${usage}`,
      '',
      "Makes an application credential that may do what Kuryr needs and no more, with the user's own credential, and prints the",
      "clouds.yaml for the VM that gets it. Run it on the user's machine. What is named may come again.",
      '',
      "  --port ID        the port of a VM's NIC: of all ports of the project, only those are written to",
      '  --server ID      all ports of a server',
      '  --network NAME   the ports of all VMs on that network (name or id), as they are now: one credential for a fleet',
      '  --days N         it ends by itself after so many days [never]',
      '  --role NAME      the role that it has [member]',
      '  --out FILE       writes the clouds.yaml there, for its owner alone, instead of printing it',
      '  --cloud NAME     the cloud of clouds.yaml that makes it [OS_CLOUD, or OS_* variables]',
    ].join('\n'),

  async run(args, terminal, signal) {
    const { text, list, positionals } = parseFlags(args, flags);
    const [verb, name, ...rest] = positionals;
    if (verb !== 'create' || name === undefined || rest.length > 0) throw new KuryrError('COMMAND_USAGE', { usage });
    const wanted = { ports: list.port ?? [], servers: list.server ?? [], networks: list.network ?? [] };
    const days = readText('--days', wholeNumber('N', 1, 36_500), text.days);
    const cloud = await openCloud({
      ...{ cwd: process.cwd(), home: homedir(), env: terminal.env, readFile: path => readFile(path, 'utf8') },
      ...{ clock: systemClock, random: systemRandom, logger: silentLogger },
      cloud: text.cloud,
    });
    try {
      const { roles, endpoint } = await cloud.authorization(signal);
      const role = roleFor(roles, text.role);
      const ports = await vmPorts(cloud.neutron, wanted, signal);
      const request = {
        name: readText('NAME', cloudName, name) ?? name,
        description: `Kuryr on ${ports.length === 1 ? 'one VM' : `the VMs of ${ports.length} ports`}`,
        roles: [role],
        rules: accessRules(
          endpoint,
          ports.map(({ id }) => id),
        ),
        ...(days === undefined ? {} : { expires: new Date(systemClock.now() + days * DAY_MS).toISOString() }),
      };
      const file = text.out === undefined ? undefined : await secretFile(text.out);
      try {
        const yaml = vmCloudsYaml(cloud.config, await cloud.createCredential(request, signal));
        if (file === undefined) terminal.out(yaml.trimEnd());
        else await file.write(yaml);
      } catch (error) {
        await file?.discard();
        throw error;
      }
      for (const port of ports)
        terminal.err(
          `may write ${port.id}: ${port.fixed_ips.map(({ ip_address }) => ip_address).join(', ')} ${shown(port.name)}`,
        );
    } finally {
      await cloud.close();
    }
    return 0;
  },
};

/** @throws CONFIG_INVALID */
function readText<Value>(name: string, kind: Kind<Value>, text: string | undefined): Value | undefined {
  if (text === undefined) return undefined;
  const parsed = kind.parse(text);
  if ('value' in parsed) return parsed.value;
  throw new KuryrError('CONFIG_INVALID', { name, value: text, origin: 'the command line', rule: parsed.rule });
}
