import { cloudAnswers } from './cloud-answers.ts';
import { cloudBytes } from './cloud-bytes.ts';
import { cloudsYaml, configurationFile } from './configuration.ts';
import { controlBodies } from './control-bodies.ts';
import { dockerBodies } from './docker-bodies.ts';
import { frames } from './frames.ts';
import { kernelMessages } from './kernel-messages.ts';
import { ledgerFile } from './ledger-file.ts';
import { neighbours } from './neighbours.ts';
import type { Target } from './target.ts';

/** Everything that hostile input can reach. */
export const targets: readonly Target[] = [
  ...[dockerBodies, controlBodies, frames],
  ...[cloudAnswers, cloudBytes],
  ...[cloudsYaml, configurationFile, ledgerFile],
  ...[kernelMessages, neighbours],
];
