import { packagePlace, programFolder, stateFolder } from '../../src/install/place.ts';
import type { Cpu } from './natives.ts';

/** What lintian is right about, and why it stays: each reason, and the tags that it is for. */
export function lintianOverrides(cpu: Cpu): string {
  const folder = programFolder(packagePlace).slice(1);
  const node = `[${folder}/node]`;
  const koffi = `[${folder}/koffi-linux-${cpu}.node]`;
  const groups: readonly (readonly [reason: string, ...tags: readonly string[]])[] = [
    [
      'Node as its own project builds it: distributions have versions that are too old, and its parts are in it.',
      ...[`embedded-library mbedtls ${node}`, `embedded-library zlib ${node}`],
      ...[`hardening-no-pie ${node}`, `hardening-no-fortify-functions ${node}`],
    ],
    [
      'koffi as its author builds it, which npm knows by its digest.',
      ...[`hardening-no-bindnow ${koffi}`, `hardening-no-fortify-functions ${koffi}`],
    ],
    [
      "The licences of Node's parts, in their own words.",
      ...['copyright-file-contains-full-apache-2-license', 'old-fsf-address-in-copyright-file'],
    ],
    [
      'Which container has which address is for root to know.',
      `non-standard-dir-perm 0700 != 0755 [${stateFolder.slice(1)}/]`,
    ],
    [
      'deb-systemd-invoke has no reset-failed, without which one that was started too often stays down.',
      'maintainer-script-calls-systemctl [postinst:*]',
    ],
  ];
  return groups.map(([reason, ...tags]) => tags.map(tag => `# ${reason}\nkuryr: ${tag}\n`).join('')).join('\n');
}
