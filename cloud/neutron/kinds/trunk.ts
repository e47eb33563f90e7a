import type { Attributes, Fields } from '../attributes.ts';
import { owns } from '../policy.ts';
import { badInput, internalError, Refusal } from '../refusal.ts';
import { type Context, changed, fresh, type PortRow, type SubPort, type TrunkRow } from '../store.ts';
import { anything, isUuid, noneToList, shown, toBoolean, uuid } from '../values.ts';
import { type Changed, common, description, type Kind, name, projectOf, shownOfAll, tagFilters } from './kind.ts';

const attributes: Attributes = {
  ...common,
  name,
  port_id: { post: true, put: false, validate: uuid, filter: true, sort: true },
  admin_state_up: { post: true, put: true, standard: { value: true }, convert: toBoolean, filter: true, sort: true },
  status: { sort: true },
  sub_ports: { post: true, put: false, standard: { value: [] }, convert: noneToList, validate: anything },
  description,
  ...tagFilters,
};

export const trunk: Kind<TrunkRow> = {
  name: 'trunk',
  plural: 'trunks',
  path: 'trunks',
  attributes,
  tags: true,
  table: tables => tables.trunks,
  missing: id => new Refusal(404, 'TrunkNotFound', `Trunk ${id} could not be found.`),
  visible: (row, context) => owns(context, row),

  create(fields, named, context) {
    const projectId = projectOf(named, context);
    const parent = portOf(String(fields['port_id']), context);
    for (const other of context.tables.trunks.values()) {
      if (other.sub_ports.some(sub => sub.port_id === parent.id)) throw inUse(parent.id);
      if (other.port_id !== parent.id) continue;
      throw asParent(parent.id);
    }
    const row: TrunkRow = {
      ...fresh(context, projectId, 1),
      name: String(fields['name']),
      description: String(fields['description']),
      tags: [],
      port_id: parent.id,
      admin_state_up: fields['admin_state_up'] === true,
      status: 'ACTIVE',
      sub_ports: [],
    };
    return { ...row, sub_ports: joining(row, fields['sub_ports'], context) };
  },

  update: (row, fields, context) => ({ row: changed(row, context, fields) }),

  remove(row, context) {
    assertUp(row);
    for (const { port_id } of row.sub_ports) release(port_id, context);
    context.tables.trunks.delete(row.id);
  },

  view: row => ({ ...row, ...shownOfAll(row) }),
};

/** `add_subports`, `remove_subports`. @throws Refusal */
export function changeSubPorts(
  row: TrunkRow,
  action: 'add' | 'remove',
  body: Fields,
  context: Context,
): Changed<TrunkRow> {
  if (body['sub_ports'] === undefined) throw internalError();
  assertUp(row);
  const [sub_ports, some] =
    action === 'add' ? added(row, body['sub_ports'], context) : left(row, body['sub_ports'], context);
  const answered = changed(row, context, { sub_ports, status: 'DOWN' });
  // What carries the traffic reports back afterwards, if it had anything to do.
  return some ? { row: changed(answered, context, { status: 'ACTIVE' }), answered } : { row: answered };
}

function added(row: TrunkRow, asked: unknown, context: Context): [SubPort[], boolean] {
  const more = joining(row, asked, context);
  return [[...row.sub_ports, ...more], more.length > 0];
}

function left(row: TrunkRow, asked: unknown, context: Context): [SubPort[], boolean] {
  if (!Array.isArray(asked)) throw badInput(`Invalid data format for subports: '${shown(asked)}' is not a list`);
  const ids = (asked as readonly unknown[]).map(given => ((given ?? {}) as Partial<SubPort>).port_id);
  for (const id of ids) {
    if (row.sub_ports.some(sub => sub.port_id === id)) continue;
    throw new Refusal(404, 'SubPortNotFound', `SubPort ${id} on trunk ${row.id} could not be found.`);
  }
  for (const id of ids) release(String(id), context);
  return [row.sub_ports.filter(sub => !ids.includes(sub.port_id)), ids.length > 0];
}

function assertUp(row: TrunkRow): void {
  if (!row.admin_state_up) throw new Refusal(409, 'TrunkDisabled', `Trunk ${row.id} is currently disabled.`);
}

const asParent = (portId: string): Refusal =>
  new Refusal(
    409,
    'ParentPortInUse',
    `Port ${portId} is currently in use and is not eligible for use as a parent port.`,
  );

const inUse = (portId: string): Refusal =>
  new Refusal(409, 'TrunkPortInUse', `Port ${portId} is in use by another trunk.`);

function portOf(id: string, context: Context): PortRow {
  const row = context.tables.ports.get(id);
  if (row === undefined || !owns(context, row))
    throw new Refusal(404, 'PortNotFound', `Port ${id} could not be found.`);
  return row;
}

/** Checks new sub-ports, and marks their ports as such. @throws Refusal */
function joining(row: TrunkRow, asked: unknown, context: Context): SubPort[] {
  if (!Array.isArray(asked)) throw badInput(`Invalid data format for subports: '${shown(asked)}' is not a list`);
  const added: SubPort[] = [];
  for (const given of asked as readonly unknown[]) {
    const entry = (given ?? {}) as Partial<SubPort>;
    if (!isUuid(entry.port_id)) throw badInput('A valid port UUID must be specified');
    if (
      entry.segmentation_type !== 'inherit' &&
      (entry.segmentation_type === undefined || entry.segmentation_id === undefined)
    ) {
      throw badInput(
        `Invalid subport details '${shown(entry)}': missing segmentation information. Must specify both segmentation_id and segmentation_type`,
      );
    }
    const port = portOf(String(entry.port_id), context);
    // A network's own kind of segment is none that a trunk can carry.
    const kind =
      entry.segmentation_type === 'inherit'
        ? context.tables.networks.get(port.network_id)?.['provider:network_type']
        : entry.segmentation_type;
    if (kind !== 'vlan') throw badInput(`Unknown segmentation_type '${kind}'`);
    const id = Number(entry.segmentation_id);
    if (!(id >= 1 && id <= 4094)) throw badInput(`Segmentation ID '${entry.segmentation_id}' is not in range`);
    const others = [...context.tables.trunks.values()];
    if (others.some(other => other.port_id === port.id)) throw asParent(port.id);
    if (others.some(other => other.sub_ports.some(sub => sub.port_id === port.id))) throw inUse(port.id);
    if ([...row.sub_ports, ...added].some(sub => sub.segmentation_id === id)) {
      const text = `segmentation_type vlan and segmentation_id ${id} already in use on trunk ${row.id}.`;
      throw new Refusal(409, 'DuplicateSubPort', text);
    }
    judgeMtu(row, port, context);
    added.push({ port_id: port.id, segmentation_type: kind, segmentation_id: id });
  }
  for (const { port_id } of added) {
    const port = portOf(port_id, context);
    context.tables.ports.set(port_id, changed(port, context, { device_owner: 'trunk:subport' }));
  }
  return added;
}

function judgeMtu(row: TrunkRow, port: PortRow, { tables }: Context): void {
  const mtuOf = (portId: string) => tables.networks.get(tables.ports.get(portId)?.network_id ?? '')?.mtu ?? 0;
  const [sub, parent] = [mtuOf(port.id), mtuOf(row.port_id)];
  if (sub <= parent) return;
  const text = `MTU ${sub} of subport ${port.id} cannot be greater than MTU ${parent} of trunk ${row.id}.`;
  throw new Refusal(409, 'SubPortMtuGreaterThanTrunkPortMtu', text);
}

function release(portId: string, context: Context): void {
  const port = context.tables.ports.get(portId);
  if (port !== undefined) context.tables.ports.set(portId, changed(port, context, { device_owner: '' }));
}
