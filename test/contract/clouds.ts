/** The two clouds that the suite judges by, and the real client for both. */
import { startCloud } from '../../cloud/index.ts';
import { Cloud } from '../lab/cloud/cloud.ts';
import { ensureTree } from '../lab/tree/tree.ts';
import { Target } from './target.ts';

export interface Opened {
  readonly target: Target;
  close(): Promise<void>;
}

const say = (line: string): void => console.log(line);

/** Keystone 22 and Neutron 21 with ML2/OVN, of the lab. */
export async function openReal(signal: AbortSignal): Promise<Opened & { readonly cloud: Cloud }> {
  const cloud = await Cloud.up({ backend: 'ovn', tree: await ensureTree('bookworm', say), say, signal });
  const target = new Target(
    { name: 'real', authUrl: cloud.authUrl, neutronUrl: cloud.neutronUrl, tidy: false },
    signal,
  );
  return { target, cloud, close: () => cloud.down() };
}

export async function openEmbedded(signal: AbortSignal): Promise<Opened> {
  const cloud = await startCloud();
  const target = new Target(
    { name: 'embedded', authUrl: cloud.authUrl, neutronUrl: cloud.neutronUrl, tidy: true },
    signal,
  );
  return { target, close: () => cloud.close() };
}
