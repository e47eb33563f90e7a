import fc from 'fast-check';
import { askControl } from '../wire/raw-http.ts';
import { assertControlAnswer } from './answers.ts';
import { assertSound, type Bed, livedIn } from './bed.ts';
import { hastyClock } from './hasty-clock.ts';
import { changed, changes } from './mutate.ts';
import { target } from './target.ts';

const good = [
  { method: 'GET', path: '/v1/version', body: undefined },
  { method: 'GET', path: '/v1/status', body: undefined },
  { method: 'GET', path: '/v1/lives', body: undefined },
  { method: 'POST', path: '/v1/explain', body: { what: '10.30.0.2' } },
  { method: 'POST', path: '/v1/gc', body: { dryRun: true } },
  {
    ...{ method: 'POST', path: '/v1/network-plan' },
    body: { name: 'net', network: 'lab', subnets: ['10.30.0.0/24'], ipv6: true, master: 'eth0', options: {} },
  },
];

const asked = fc
  .record({ template: fc.constantFrom(...good), list: changes, path: fc.option(fc.constantFrom('', '/', '?a', '%2e')) })
  .map(({ template: { method, path, body }, list, path: more }) => ({
    method,
    path: path + (more ?? ''),
    text: body === undefined ? '' : JSON.stringify(changed(body, list)),
  }));

type Asked = typeof asked extends fc.Arbitrary<infer T> ? T : never;

export const controlBodies = target<Bed, Asked>({
  name: 'the control socket answers requests, changed in any way, by success or a code',
  runs: 100,
  open: () => livedIn(() => ({ clock: hastyClock })),
  inputs: () => asked,
  async check({ rig }, { method, path, text }) {
    assertControlAnswer(await askControl(rig.control, method, path, text), `${method} ${path} ${text.slice(0, 300)}`);
  },
  finish: bed => assertSound(bed),
});
