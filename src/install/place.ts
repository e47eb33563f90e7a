/** Where an installation's files go. The Debian package's are the distribution's; those of `kuryr install` are the machine's own. */
export interface Place {
  /** `/usr` or `/usr/local`: the program. */
  readonly prefix: string;
  /** `/usr/lib` or `/etc`: units and snippets, in the folders of the programs that read them. */
  readonly drops: string;
}

export const packagePlace: Place = { prefix: '/usr', drops: '/usr/lib' };

export const localPlace: Place = { prefix: '/usr/local', drops: '/etc' };

export const configFolder = '/etc/kuryr';

/** The credential: never shipped, made by `kuryr credential create` and put there by the user, for root alone. */
export { CREDENTIAL as credentialFile } from '../openstack/clouds-file.ts';

/** The credential where it is sealed to the VM; a drop-in of the user's has the units take it. */
export const sealedFile = `${configFolder}/clouds.cred`;

export const stateFolder = '/var/lib/kuryr';

/** Folders that systemd makes when the daemon starts. */
export const runFolders = ['/run/kuryr', '/run/lock/kuryr'] as const;

/** The units in the order in which they start. */
export const units = ['kuryr.socket', 'kuryr.service'] as const;

export const unitFile = (unit: (typeof units)[number]): string => `${localPlace.drops}/systemd/system/${unit}`;

export const programFolder = ({ prefix }: Place): string => `${prefix}/lib/kuryr`;

/** Names, a line each, the folders that were not there before an installation: they go with it, where nobody uses them by then. */
export const madeFile = (place: Place): string => `${programFolder(place)}/folders-made`;

/** Tells what `kuryr install` does, as long as it is under way: in a folder that every machine has, so that none is made for it. */
export const recordFile = '/var/lib/kuryr-install';

/** The command line that starts Kuryr of that place, as words. */
export const programOf = (place: Place): readonly [node: string, script: string] => [
  `${programFolder(place)}/node`,
  `${programFolder(place)}/kuryr.mjs`,
];
