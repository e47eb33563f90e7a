import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { type CloudVm, diagnosed } from './credential-cases.ts';

/** A VM of the cloud that is asked; on a network of the own project unless told. */
export type VmOf = (t: TestContext, on?: 'own' | 'shared') => Promise<CloudVm>;

/** What is wrong with a credential, told apart on a cloud whose Neutron judges by access rules. */
export function toldApart(vmOf: VmOf): void {
  it('a credential that is for this VM is well', async t => {
    const { failures, well } = await diagnosed(await vmOf(t));
    assert.deepEqual(failures, []);
    assert.ok(well.includes('access-rules/enough') && well.includes('pair-right/permitted'), well.join());
  });

  it('a rule that is missing is named, and the credential that is needed', async t => {
    const { failures, told } = await diagnosed(await vmOf(t), { without: 'POST /v2.0/ports' });
    assert.deepEqual(failures, ['access-rules/missing']);
    assert.match(told, /needs: POST \/v2\.0\/ports\. .*kuryr credential create/);
  });

  it('a rule that is missing for the first call already is named twice, by the call and by the rules', async t => {
    const { failures, told } = await diagnosed(await vmOf(t), { without: 'GET /v2.0/extensions' });
    assert.deepEqual(failures, ['access-rules/missing', 'neutron/rule-missing']);
    assert.match(told, /needs: GET \/v2\.0\/extensions\..*\n.*missing: GET \/v2\.0\/extensions\..*ACCESS_RULE_MISSING/);
  });

  it('a credential that is for another VM is told as one, with the port of this', async t => {
    const vm = await vmOf(t);
    const { failures, told } = await diagnosed(vm, { writes: '00000000-0000-4000-8000-00000000dead' });
    assert.deepEqual(failures, ['access-rules/port', 'pair-right/rule-missing']);
    assert.match(told, new RegExp(`missing: PUT /v2\\.0/ports/${vm.port.id}[.,].*create NAME --port ${vm.port.id}`));
  });

  it('what the policy forbids is told as policy, with rules and without', async t => {
    const vm = await vmOf(t, 'shared');
    for (const rules of ['some', 'none'] as const) {
      const { failures, told } = await diagnosed(vm, { rules });
      assert.deepEqual(failures, ['pair-right/forbidden']);
      assert.match(
        told,
        /policy update_port:allowed_address_pairs.*Access rules have no part in it.*(NEUTRON|PAIRS)_FORBIDDEN/,
      );
    }
  });
}

/** The same on a cloud whose Neutron lacks service_type. */
export function toldUnaware(vmOf: VmOf): void {
  it('a Neutron that does not judge by rules is told as one, and what its operator is to set', async t => {
    const vm = await vmOf(t);
    const { failures, told } = await diagnosed(vm);
    assert.deepEqual(failures, ['neutron/rules-unknown']);
    assert.match(told, /service_type = network in \[keystone_authtoken\].*ACCESS_RULES_UNKNOWN/);
    const { failures: none, well } = await diagnosed(vm, { rules: 'none' });
    assert.deepEqual(none, []);
    assert.ok(well.includes('pair-right/permitted'), 'without rules all is well there');
  });
}
