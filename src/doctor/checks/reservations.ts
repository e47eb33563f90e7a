import { RESERVATION_OWNER, reservationDevice } from '../../ipam/ipam.ts';
import { defineCheck } from '../check.ts';

export const reservationsCheck = defineCheck({
  id: 'reservations',
  title: 'reservations of this VM',
  states: {
    none: { state: 'ok', text: 'No reservation names the VM port of {master}.' },
    known: { state: 'ok', text: 'All {count} reservations of the VM port of {master} are on record.' },
    leftover: {
      state: 'warning',
      text: '{unknown} of {count} reservations of the VM port of {master} are not on record: they were left behind.',
      todo: 'See what would go: kuryr gc --dry-run; then kuryr gc. Addresses of running containers are kept.',
    },
    unrecorded: {
      state: 'warning',
      text: 'There is no ledger in {folder}, but Neutron has reservations of the VM port of {master}: {count}.',
      todo: 'If a daemon ran here before, start it again with its state folder; if that is lost, kuryr gc clears away what no container has.',
    },
  },
  async examine(on, say) {
    const { config } = on.context;
    const recorded = await on.context.recordedReservations();
    for (const nic of await on.nics()) {
      const reservations = await on.reservations(nic);
      const unknown = reservations.filter(({ name }) => recorded?.has(name) !== true);
      const count = reservations.length;
      const details = { master: nic.master.name, count, unknown: unknown.length, folder: config.stateDir };
      const evidence = unknown.slice(0, 10).map(({ id, fixed_ips }) => `${id} ${fixed_ips[0]?.ip_address ?? ''}`);
      if (count === 0) say('none', details);
      else if (recorded === undefined) say('unrecorded', details, evidence);
      else if (unknown.length > 0) say('leftover', details, evidence);
      else say('known', details);
    }
  },
});

/** Ids in one query; a query must stay short enough for every proxy. */
const IDS_AT_ONCE = 50;

export const orphansCheck = defineCheck({
  id: 'orphans',
  title: 'reservations of VMs that are gone',
  states: {
    none: { state: 'ok', text: 'Every reservation that this credential sees names a VM port that exists.' },
    orphaned: {
      state: 'warning',
      text: "The VM port {vmPort} does not exist any more, or this credential does not see it, but it has reservations: {count}. A deleted VM leaves them behind, and they use the project's quota and addresses.",
      todo: 'If that VM is gone: openstack port list --device-id {device} -f value -c id | xargs -r openstack port delete',
    },
  },
  async examine(on, say, signal) {
    const { neutron } = await on.cloud();
    await on.extensions();
    const prefix = reservationDevice('');
    const all = await neutron.ports({ device_owner: RESERVATION_OWNER }, signal);
    const byVm = Map.groupBy(
      all.filter(({ device_id }) => device_id.startsWith(prefix)),
      ({ device_id }) => device_id.slice(prefix.length),
    );
    const ids = [...byVm.keys()];
    const standing = new Set<string>();
    for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
      for (const { id } of await neutron.ports({ id: ids.slice(at, at + IDS_AT_ONCE) }, signal)) standing.add(id);
    }
    const gone = [...byVm].filter(([vmPort]) => !standing.has(vmPort));
    for (const [vmPort, reservations] of gone) {
      const evidence = reservations.slice(0, 5).map(({ id, fixed_ips }) => `${id} ${fixed_ips[0]?.ip_address ?? ''}`);
      say('orphaned', { count: reservations.length, vmPort, device: reservationDevice(vmPort) }, evidence);
    }
    if (gone.length === 0) say('none', {}, [`${all.length} reservations of ${ids.length} VM ports`]);
  },
});
