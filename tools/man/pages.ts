import manifest from '../../package.json' with { type: 'json' };
import { commandNames, help } from '../../src/cli/commands.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { fallbackText, type OptionName, optionNames, options, variableOf } from '../../src/config/options.ts';
import { type ErrorEntry, errorTable } from '../../src/errors/table.ts';
import { helpParts } from './help.ts';
import { RoffPage } from './roff.ts';

const standard = (name: OptionName): string => fallbackText(name);

/** The manual pages by their path below `share/man`, of the tables that the commands, options and errors are made of. */
export async function manPages(date: string): Promise<Readonly<Record<string, string>>> {
  const head = { date, version: manifest.version };
  return {
    'man1/kuryr.1': await commandsPage(new RoffPage('kuryr', 1, head)),
    'man5/kuryr.yaml.5': optionsPage(new RoffPage('kuryr.yaml', 5, head)),
    'man7/kuryr-errors.7': errorsPage(new RoffPage('kuryr-errors', 7, head)),
  };
}

async function commandsPage(page: RoffPage): Promise<string> {
  page.name('kuryr', 'Neutron addresses for the containers of an OpenStack VM');
  page.section('SYNOPSIS');
  page.usage(['kuryr COMMAND [FLAGS]', 'kuryr help [COMMAND]']);
  page.section('DESCRIPTION');
  page.paragraph(
    "Each container gets an IPVLAN or MACVLAN sub-interface of the VM's NIC, and an address that Neutron gave out: no overlay, no bridge, no NAT. The daemon (kuryr run) is Docker's network and IPAM driver; it needs a tenant's credential and no OpenStack administrator.",
  );
  page.section('COMMANDS');
  for (const name of commandNames.filter(each => each !== 'help')) {
    page.subsection(`kuryr ${name}`);
    for (const part of helpParts(await help(name))) {
      if (part.kind === 'usage') page.usage(part.lines);
      if (part.kind === 'paragraph') page.paragraph(part.text);
      if (part.kind === 'flag') page.definition(part.flag, part.text);
    }
  }
  page.section('EXIT STATUS');
  for (const { code, text } of Object.values(exitCodes)) page.definition(String(code), text);
  page.section('ENVIRONMENT');
  page.definition('KURYR_*', 'Options of the daemon: see kuryr.yaml(5).');
  page.definition(
    'OS_CLOUD, OS_CLIENT_CONFIG_FILE, OS_AUTH_URL',
    'The cloud and its credential, as the openstack client reads them; so are the other OS_ variables.',
  );
  page.section('FILES');
  page.definition(standard('config'), 'The options: see kuryr.yaml(5).');
  page.definition('/etc/kuryr/clouds.yaml', 'The credential of the daemon that systemd starts, for root alone.');
  page.definition(
    '/etc/openstack/clouds.yaml',
    'A credential as the openstack client reads it; the current folder and ~/.config/openstack come before it.',
  );
  page.definition(standard('state-dir'), `${capital(options['state-dir'].text)}.`);
  page.definition(`${standard('run-dir')}/control.sock`, 'The control socket, of which the commands ask the daemon.');
  page.definition(standard('docker-socket'), `${capital(options['docker-socket'].text)}.`);
  page.seeAlso(['kuryr.yaml(5)', 'kuryr-errors(7)', 'docker-network-create(1)', 'ip-link(8)']);
  return page.toString();
}

function optionsPage(page: RoffPage): string {
  page.name('kuryr.yaml', 'options of the Kuryr daemon');
  page.section('DESCRIPTION');
  page.paragraph(
    'Each option has one name: a key of this YAML file, a flag of kuryr run, and a variable. A flag wins over a variable, a variable over the file, the file over the default. What is unknown is an error that names the nearest. kuryr config shows each value and where it comes from.',
  );
  page.section('OPTIONS');
  for (const name of optionNames) {
    const { kind, text } = options[name];
    const key = name === 'config' ? `--config ${kind.placeholder}` : `${name}: ${kind.placeholder}`;
    const elsewhere = name === 'config' ? '' : `flag --${name}, `;
    page.definition(
      key,
      `${capital(text)}.`,
      `Default: ${fallbackText(name)}; ${elsewhere}variable ${variableOf(name)}.`,
    );
  }
  page.section('EXAMPLE');
  page.example(['cloud: mycloud', 'link: ipvlan', 'wait-seconds: 10']);
  page.section('FILES');
  page.definition(standard('config'), 'Where the file is looked for; it need not exist.');
  page.seeAlso(['kuryr(1)', 'kuryr-errors(7)']);
  return page.toString();
}

function errorsPage(page: RoffPage): string {
  page.name('kuryr-errors', 'what the errors of Kuryr mean, and what to do');
  page.section('DESCRIPTION');
  page.paragraph(
    'Each error has a code that stays, so that scripts can match on it. NAME in braces stands for a detail of the case. Errors that a command prints, those that Docker shows and those in the log are the same.',
  );
  page.section('CODES');
  const entries: readonly (readonly [string, ErrorEntry])[] = Object.entries(errorTable);
  for (const [code, { text, todo }] of entries) page.definition(code, text, todo);
  page.seeAlso(['kuryr(1)', 'kuryr.yaml(5)']);
  return page.toString();
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
