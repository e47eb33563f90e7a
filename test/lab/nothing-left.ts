import assert from 'node:assert/strict';
import type { Cloud } from './cloud/cloud.ts';

/** Kuryr has left nothing in the cloud but foreign pairs of a VM port, as the real `openstack` client shows it. */
export async function assertNothingLeft(cloud: Cloud, portId: string, foreign: readonly object[] = []): Promise<void> {
  const shown = await cloud.openstack(['port', 'list', '--long', '-f', 'json']);
  assert.match(shown, new RegExp(portId), 'it shows the VM');
  assert.doesNotMatch(shown, /kuryr/, 'no reservation');
  const port = await cloud.openstack(['port', 'show', portId, '-c', 'allowed_address_pairs', '-f', 'json']);
  assert.deepEqual(JSON.parse(port), { allowed_address_pairs: foreign });
}
