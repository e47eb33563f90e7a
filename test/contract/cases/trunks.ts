/** Trunks: a parent port and the ports below it, each with a VLAN. */
import assert from 'node:assert/strict';
import { NO_ID, refusals } from '../refusals.ts';
import { type Case, fieldsOf, refused, status, type Trial } from '../trial.ts';

const vlan = (port: { id: string }, segmentation_id: number) => ({
  port_id: port.id,
  segmentation_type: 'vlan',
  segmentation_id,
});

/** A trunk with a port below it. */
async function trunked(t: Trial) {
  const [parent, child] = [await t.bare(), await t.bare()];
  const trunk = await t.make('trunk', { port_id: parent.id, name: 'trunk', sub_ports: [vlan(child, 101)] });
  return { parent, child, trunk };
}

export const trunks: readonly Case[] = [
  {
    name: 'a new trunk has these fields and defaults',
    run: async t => {
      const parent = await t.bare();
      const rest = fieldsOf(await t.make('trunk', { port_id: parent.id, name: 'plain' }));
      const { status: state, revision_number, ...fields } = rest;
      assert.ok(['ACTIVE', 'DOWN'].includes(state), state);
      assert.equal(typeof revision_number, 'number');
      assert.deepEqual(fields, {
        name: 'plain',
        port_id: parent.id,
        admin_state_up: true,
        sub_ports: [],
        description: '',
        tags: [],
        tenant_id: t.bed.projectId,
        project_id: t.bed.projectId,
      });
    },
  },
  {
    name: 'ports come below a trunk and go, and the parent tells of them',
    run: async t => {
      const { parent, child, trunk } = await trunked(t);
      assert.deepEqual(trunk.sub_ports, [vlan(child, 101)]);
      const second = await t.bare();
      const added = await t.api('PUT', `/trunks/${trunk.id}/add_subports`, { sub_ports: [vlan(second, 102)] });
      status(added, 200);
      assert.equal(added.body.sub_ports.length, 2);
      const { sub_ports } = await t.get(`/trunks/${trunk.id}/get_subports`);
      assert.deepEqual(sub_ports.map((port: { segmentation_id: number }) => port.segmentation_id).sort(), [101, 102]);
      const { trunk_details } = (await t.get(`/ports/${parent.id}`)).port;
      assert.equal(trunk_details.trunk_id, trunk.id);
      const mine = trunk_details.sub_ports.find((port: { port_id: string }) => port.port_id === child.id);
      assert.deepEqual(mine, { ...vlan(child, 101), mac_address: child.mac_address });
      const removed = await t.api('PUT', `/trunks/${trunk.id}/remove_subports`, {
        sub_ports: [{ port_id: second.id }],
      });
      status(removed, 200);
      assert.deepEqual(removed.body.sub_ports, [vlan(child, 101)]);
    },
  },
  {
    name: 'ports of a trunk are not deleted while it stands',
    run: async t => {
      const { parent, child, trunk } = await trunked(t);
      refused(
        await t.api('DELETE', `/ports/${child.id}`),
        409,
        'PortInUseAsSubPort',
        `Port ${child.id} is currently a subport for trunk ${trunk.id}.`,
      );
      refused(
        await t.api('DELETE', `/ports/${parent.id}`),
        409,
        'PortInUseAsTrunkParent',
        `Port ${parent.id} is currently a parent port for trunk ${trunk.id}.`,
      );
      status(await t.api('DELETE', `/trunks/${trunk.id}`), 204);
      status(await t.api('DELETE', `/ports/${child.id}`), 204);
    },
  },
  {
    name: 'a port or a VLAN that is in use is refused',
    run: async t => {
      const { parent, child, trunk } = await trunked(t);
      const add = (...sub_ports: object[]) => t.api('PUT', `/trunks/${trunk.id}/add_subports`, { sub_ports });
      refused(await add(vlan(child, 102)), 409, 'TrunkPortInUse', `Port ${child.id} is in use by another trunk.`);
      const spare = await t.bare();
      refused(
        await add(vlan(spare, 101)),
        409,
        'DuplicateSubPort',
        `segmentation_type vlan and segmentation_id 101 already in use on trunk ${trunk.id}.`,
      );
      const inUse = `Port ${parent.id} is currently in use and is not eligible for use as a parent port.`;
      refused(await add(vlan(parent, 105)), 409, 'ParentPortInUse', inUse);
      refused(await t.api('POST', '/trunks', { trunk: { port_id: parent.id } }), 409, 'ParentPortInUse', inUse);
      const range = "Invalid input for operation: Segmentation ID '5000' is not in range.";
      refused(await add(vlan(spare, 5000)), 400, 'InvalidInput', range);
      const lacking = await add({ port_id: spare.id });
      const details = `Invalid subport details '{'port_id': '${spare.id}'}'`;
      const message = `Invalid input for operation: ${details}: missing segmentation information. Must specify both segmentation_id and segmentation_type.`;
      refused(lacking, 400, 'InvalidInput', message);
      const absent = await t.api('PUT', `/trunks/${trunk.id}/remove_subports`, { sub_ports: [{ port_id: spare.id }] });
      const gone = `SubPort ${spare.id} on trunk ${trunk.id} could not be found.`;
      refused(absent, 404, 'SubPortNotFound', gone);
    },
  },
  {
    name: 'a trunk can be renamed and disabled; then nothing comes below it',
    run: async t => {
      const { trunk } = await trunked(t);
      const answer = await t.api('PUT', `/trunks/${trunk.id}`, { trunk: { name: 'new', admin_state_up: false } });
      status(answer, 200);
      assert.deepEqual([answer.body.trunk.name, answer.body.trunk.admin_state_up], ['new', false]);
      const spare = await t.bare();
      const add = await t.api('PUT', `/trunks/${trunk.id}/add_subports`, { sub_ports: [vlan(spare, 103)] });
      refused(add, 409, 'TrunkDisabled', `Trunk ${trunk.id} is currently disabled.`);
    },
  },
  {
    name: 'a trunk is found by its parent, and not by another project',
    run: async t => {
      const { parent, trunk } = await trunked(t);
      const found = (await t.get(`/trunks?port_id=${parent.id}`)).trunks;
      assert.deepEqual(
        found.map(({ id }: { id: string }) => id),
        [trunk.id],
      );
      const foreign = await t.api('GET', `/trunks/${trunk.id}`, undefined, { user: 'demo2' });
      refused(foreign, 404, 'TrunkNotFound', `Trunk ${trunk.id} could not be found.`);
    },
  },
  ...refusals({
    'a trunk has a parent': () => ({
      ask: ['POST', '/trunks', { trunk: {} }],
      answer: [400, 'HTTPBadRequest', "Failed to parse request. Required attribute 'port_id' not specified"],
    }),
    'a trunk has a parent that is there': () => ({
      ask: ['POST', '/trunks', { trunk: { port_id: NO_ID } }],
      answer: [404, 'PortNotFound', `Port ${NO_ID} could not be found.`],
    }),
    'an unknown filter of trunks is refused': () => ({
      ask: ['GET', '/trunks?nonsense=1'],
      answer: [400, 'HTTPBadRequest', "['nonsense'] is invalid attribute for filtering"],
    }),
  }),
];
