import { missingRules } from '../../credential/rules.ts';
import type { AccessRule } from '../../openstack/access-rules.ts';
import { defineCheck } from '../check.ts';

const calls = (rules: readonly AccessRule[]): readonly string[] => rules.map(({ method, path }) => `${method} ${path}`);

export const accessRulesCheck = defineCheck({
  id: 'access-rules',
  title: 'the access rules of the credential',
  states: {
    enough: {
      state: 'ok',
      text: 'The access rules of the credential allow all that Kuryr calls, and to write to {ports}.',
    },
    none: {
      state: 'skipped',
      text: 'The credential has no access rules: who gets hold of it may do all that its role may. kuryr credential create makes one that may do less.',
    },
    missing: {
      state: 'failure',
      text: 'The credential has access rules, and none allows what Kuryr needs: {calls}.',
      todo: 'Rules cannot be added to a credential: make a new one on your own machine (kuryr credential create NAME --server ID), and put its clouds.yaml in the place of this one.',
    },
    port: {
      state: 'failure',
      text: "The credential has access rules, and none allows to write to {port}, the port of this VM's NIC {master}: no container address can be permitted. What is missing: {calls}.",
      todo: 'Was the NIC replaced, or the credential made for another VM? Make a new one on your own machine (kuryr credential create NAME --port {port}), and put its clouds.yaml in the place of this one.',
    },
  },
  /** Asks the cloud nothing for it: Keystone gives the rules with the token. */
  async examine(on, say) {
    const { rules, endpoint } = await on.credential();
    if (rules === undefined) return say('none');
    const missing = missingRules(rules, endpoint, []);
    if (missing.length > 0) say('missing', { calls: calls(missing) });
    const nics = await on.nics();
    const written: string[] = [];
    for (const { port, master } of nics) {
      const unwritten = missingRules(rules, endpoint, [port.id]).filter(({ method }) => method === 'PUT');
      if (unwritten.length > 0) say('port', { port: port.id, master: master.name, calls: calls(unwritten) });
      else written.push(port.id);
    }
    if (missing.length === 0 && written.length === nics.length) say('enough', { ports: written }, calls(rules));
  },
});
