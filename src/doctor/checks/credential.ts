import { defineCheck } from '../check.ts';
import { ownError } from '../unmet.ts';

/** A token that cannot renew itself should last for a working day. */
const SOON_MS = 8 * 60 * 60 * 1000;

export const credentialCheck = defineCheck({
  id: 'credential',
  title: 'the credential',
  states: {
    accepted: { state: 'ok', text: 'Keystone accepts the {kind} of {source}, for the project {project}.' },
    configuration: { state: 'failure', text: '{text}', todo: '{todo}' },
    refused: { state: 'failure', text: '{text}', todo: '{todo}' },
    unreachable: { state: 'failure', text: '{text}', todo: '{todo}' },
    unscoped: {
      state: 'failure',
      text: 'The token of {source} belongs to no project, so it can do nothing in Neutron.',
      todo: 'Name the project of this VM: project_name and project_domain_name in clouds.yaml, or OS_PROJECT_NAME and OS_PROJECT_DOMAIN_NAME.',
    },
    admin: {
      state: 'warning',
      text: 'The credential has the role {role}: whoever gets hold of this VM gets hold of more than its project.',
      todo: 'Use one with the role member and few access rules: kuryr credential create NAME --server ID, on your own machine.',
    },
    ends: {
      state: 'warning',
      text: 'The token ends at {expires} and cannot renew itself: from then on no container starts.',
      todo: 'Use an application credential: it renews by itself.',
    },
    password: {
      state: 'warning',
      text: "The credential of {source} is a user's password, which opens all that the user may do.",
      todo: 'Use an application credential: kuryr credential create NAME --server ID, on your own machine.',
    },
  },
  async examine(on, say) {
    const got = await on.credential().catch((thrown: unknown) => ownError(thrown, 'credential'));
    if (got instanceof Error) {
      const { code, text, todo } = got;
      if (code.startsWith('CLOUD_CONFIG_') || code === 'CLOUD_UNKNOWN')
        return say('configuration', { text, todo }, [code]);
      if (code.startsWith('KEYSTONE_')) return say('refused', { text, todo }, [code]);
      if (code.startsWith('CLOUD_')) return say('unreachable', { text, todo }, [code]);
      throw got;
    }
    const { kind, source, projectId: project, expires, endsInMs, roles } = got;
    if (project === undefined) return say('unscoped', { source });
    const role = roles.find(name => name.toLowerCase() === 'admin');
    say('accepted', { kind, source, project }, [
      `the token ends at ${expires}`,
      `roles: ${roles.join(', ') || 'none'}`,
    ]);
    if (role !== undefined) say('admin', { role });
    if (kind === 'password') say('password', { source });
    if (kind === 'token' && endsInMs < SOON_MS) say('ends', { expires });
  },
});

export const neutronCheck = defineCheck({
  id: 'neutron',
  title: 'Neutron',
  states: {
    answers: { state: 'ok', text: 'Neutron answers.' },
    unauthorized: { state: 'failure', text: '{text}', todo: '{todo}' },
    'rule-missing': { state: 'failure', text: '{text}', todo: '{todo}' },
    'rules-unknown': { state: 'failure', text: '{text}', todo: '{todo}' },
    forbidden: { state: 'failure', text: '{text}', todo: '{todo}' },
    unreachable: { state: 'failure', text: '{text}', todo: '{todo}' },
    refuses: { state: 'failure', text: '{text}', todo: '{todo}' },
  },
  async examine(on, say) {
    await on.credential();
    const start = on.context.clock.monotonic();
    const got = await on.extensions().catch((thrown: unknown) => ownError(thrown, 'neutron'));
    if (!(got instanceof Error)) {
      const ms = Math.round(on.context.clock.monotonic() - start);
      return say('answers', {}, [`listed ${got.size} extensions within ${ms} ms`]);
    }
    const { code, text, todo } = got;
    const details = { text, todo };
    if (code === 'NEUTRON_UNAUTHORIZED') return say('unauthorized', details, [code]);
    if (code === 'ACCESS_RULE_MISSING') return say('rule-missing', details, [code]);
    if (code === 'ACCESS_RULES_UNKNOWN') return say('rules-unknown', details, [code]);
    if (code === 'NEUTRON_FORBIDDEN') return say('forbidden', details, [code]);
    if (code === 'KEYSTONE_NO_ENDPOINT' || code.startsWith('CLOUD_')) return say('unreachable', details, [code]);
    return say('refuses', details, [code]);
  },
});
