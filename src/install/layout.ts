import { configFolder, type Place, programFolder, programOf, stateFolder } from './place.ts';
import { networkdLinkText, networkdText, networkManagerText, udevRulesText } from './snippets.ts';
import { serviceText, socketText } from './unit-texts.ts';

/** One thing of an installation. What is in a folder comes after it. */
export type Entry = {
  /** Absolute. */
  readonly path: string;
  readonly mode: number;
} & (
  | { readonly kind: 'folder' }
  /** `conffile`: the user's once it is there; an upgrade leaves what they wrote, only a purge removes it. */
  | { readonly kind: 'text'; readonly text: string; readonly conffile: boolean }
  /** A copy of a file that was built, by its name there: `kuryr.mjs`, `node`, or koffi's native half. */
  | { readonly kind: 'built'; readonly from: string }
);

/** It names no option: a file that changed with each release would have dpkg ask whose changes are to be kept, and stop where nobody answers. */
const configText = `# Options of Kuryr, a line each, as in "wait-seconds: 9". man kuryr.yaml tells what there is, "kuryr config" what is in force, and from where.
# After a change: systemctl reload kuryr, or restart for those that take one. Containers keep running in both.
`;

/** The one table of what an installation consists of. What Kuryr makes at run time is not in it. */
export function layout(place: Place, cpu: 'x64' | 'arm64'): readonly Entry[] {
  const program = programFolder(place);
  const native = `koffi-linux-${cpu}.node`;
  return [
    folder(program, 0o755),
    built('kuryr.mjs', `${program}/kuryr.mjs`, 0o644),
    built(native, `${program}/${native}`, 0o644),
    built('node', `${program}/node`, 0o755),
    text(`${place.prefix}/bin/kuryr`, wrapperText(place), 0o755),
    text(`${place.drops}/systemd/system/kuryr.service`, serviceText(place)),
    text(`${place.drops}/systemd/system/kuryr.socket`, socketText()),
    text(`${place.drops}/systemd/network/05-kuryr.network`, networkdText),
    text(`${place.drops}/systemd/network/05-kuryr.link`, networkdLinkText),
    text(`${place.drops}/NetworkManager/conf.d/90-kuryr.conf`, networkManagerText),
    text(`${place.drops}/udev/rules.d/90-kuryr.rules`, udevRulesText),
    // Others may look at the options; of the credential beside them only its name is seen.
    folder(configFolder, 0o755),
    { ...text(`${configFolder}/kuryr.yaml`, configText), conffile: true },
    folder(stateFolder, 0o700),
  ];
}

function wrapperText(place: Place): string {
  return `#!/bin/sh\nexec ${programOf(place).join(' ')} "$@"\n`;
}

function folder(path: string, mode: number): Entry & { kind: 'folder' } {
  return { kind: 'folder', path, mode };
}

function text(path: string, content: string, mode = 0o644): Entry & { kind: 'text' } {
  return { kind: 'text', path, mode, text: content, conffile: false };
}

function built(from: string, path: string, mode: number): Entry & { kind: 'built' } {
  return { kind: 'built', path, mode, from };
}
