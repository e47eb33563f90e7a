import { configFlags, parseFlags } from '../config/flags.ts';
import { readConfig } from '../config/read-config.ts';
import { runDoctor } from '../doctor/doctor.ts';
import { realContext } from '../doctor/real-context.ts';
import { renderReport } from '../doctor/render.ts';
import { parseLinkSpec } from '../link/link-spec.ts';
import type { Command } from './command.ts';

export const doctorCommand: Command = {
  help: () =>
    [
      'usage: kuryr doctor [--json] [FLAGS]',
      '',
      'Tells by measurement whether this VM, its NIC, its credential and its cloud can carry Kuryr, and what to do where not.',
      'Changes nothing that lasts. The exit code is 1 where something fails. Run it as root, as the daemon runs.',
      '',
      '  --json  the findings as data',
      '',
      'FLAGS, variables and the file are those of kuryr run.',
    ].join('\n'),

  async run(args, terminal, signal) {
    const { text, on } = parseFlags(args, { ...configFlags, json: 'switch' });
    const { config } = await readConfig({ flags: text, env: terminal.env, readFile: terminal.readFile });
    const { master, hostAccess, stateDir, runDir, dockerSocket } = config;
    const link = parseLinkSpec({ kind: config.link, mode: config.mode });
    const engineSocket = /^unix:\/\/(\/.+)$/.exec(terminal.env['DOCKER_HOST'] ?? '')?.[1] ?? '/var/run/docker.sock';
    const services = { ranges: config.services, backends: config.serviceBackends };
    const settings = { master, link, hostAccess, services, stateDir, runDir, dockerSocket, engineSocket };
    const context = realContext(settings, config.cloud, terminal.env);
    try {
      const report = await runDoctor(context, signal);
      terminal.out(on.has('json') ? JSON.stringify(report, undefined, 2) : renderReport(report));
      return report.counts.failure > 0 ? 1 : 0;
    } finally {
      await context.close();
    }
  },
};
