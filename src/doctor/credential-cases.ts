import { vmCloudsYaml } from '../credential/clouds-yaml.ts';
import { accessRules } from '../credential/rules.ts';
import type { Port } from '../openstack/neutron.ts';
import type { Cloud } from '../openstack/open-cloud.ts';
import { DoctorBench, never } from './doctor-bench.ts';

/** A VM of a cloud that answers by HTTP, the embedded one or a real one, and its user. */
export interface CloudVm {
  /** With a credential that may make others. */
  readonly user: Cloud;
  readonly port: Port;
  /** Opens the cloud of a clouds.yaml; it ends with the test. */
  open(yaml: string): Promise<Cloud>;
}

/** What doctor says of a VM's credential. */
export interface Diagnosis {
  /** `access-rules/missing`: what fails, and what is well. */
  readonly failures: readonly string[];
  readonly well: readonly string[];
  /** Texts, what to do, and codes of the failures, a line each. */
  readonly told: string;
}

const judged = ['credential', 'access-rules', 'neutron', 'vm-port', 'network', 'pair-right', 'pair-limit'];

let made = 0;

/**
 * Gives the VM a credential with what Kuryr needs to write to the port, but for one call.
 * @param rules `none`: it has no access rules
 * @param without `POST /v2.0/ports`
 */
export async function diagnosed(
  { user, port, open }: CloudVm,
  { rules = 'some', writes = port.id, without }: { rules?: 'some' | 'none'; writes?: string; without?: string } = {},
): Promise<Diagnosis> {
  const { endpoint } = await user.authorization(never);
  const all = accessRules(endpoint, [writes]).filter(({ method, path }) => `${method} ${path}` !== without);
  const request = { name: `doctor-${++made}`, description: '', roles: ['member'], rules: rules === 'some' ? all : [] };
  const bench = new DoctorBench();
  bench.onCloud(await open(vmCloudsYaml(user.config, await user.createCredential(request, never))), port);
  const findings = (await bench.run()).findings.filter(({ check }) => judged.includes(check));
  const failures = findings.filter(({ state }) => state === 'failure');
  const names = (of: typeof findings) => of.map(({ check, reason }) => `${check}/${reason}`);
  return {
    failures: names(failures),
    well: names(findings.filter(({ state }) => state === 'ok')),
    told: failures.map(({ text, todo, evidence }) => [text, todo, ...evidence].join(' ')).join('\n'),
  };
}
