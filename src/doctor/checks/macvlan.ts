import { defineCheck } from '../check.ts';

export const macFilterCheck = defineCheck({
  id: 'mac-filter',
  title: "the NIC's MAC filter",
  states: {
    unneeded: {
      state: 'ok',
      text: 'ipvlan links have the MAC address of {master}: no limit of the NIC applies, and no promiscuous mode is needed.',
    },
    virtio: {
      state: 'ok',
      text: '{master} is a virtio NIC: for macvlan QEMU filters up to 64 MAC addresses, above that it passes everything.',
    },
    vf: {
      state: 'warning',
      text: '{master} is an SR-IOV virtual function ({driver}): frames for other MAC addresses than its own arrive only if the host trusts it, and its filter table is small.',
      todo: 'Ask the operator for a trusted port (binding:profile trusted=true), or use ipvlan.',
    },
    other: {
      state: 'skipped',
      text: 'The MAC filter of {master} ({driver}) is not known: where it has none, or a full one, the first macvlan link makes it take every frame.',
    },
    promiscuous: {
      state: 'warning',
      text: '{master} is in promiscuous mode: the VM takes every frame that arrives, which costs CPU on busy networks.',
      todo: 'Nothing, if macvlan links or a packet capture need it; ipvlan does not.',
    },
  },
  async examine(on, say) {
    const { config, readFile } = on.context;
    for (const { name: master, promiscuity } of await on.masters()) {
      const about = await readFile(`/sys/class/net/${master}/device/uevent`).catch(() => '');
      const driver = /^DRIVER=([\w-]{1,32})$/m.exec(about)?.[1] ?? 'no driver told';
      const evidence = [`driver ${driver}, promiscuity ${promiscuity}`];
      if (promiscuity > 0) say('promiscuous', { master }, evidence);
      if (config.link.kind === 'ipvlan') say('unneeded', { master }, evidence);
      else if (driver === 'virtio_net') say('virtio', { master }, evidence);
      else say(/vf$/.test(driver) ? 'vf' : 'other', { master, driver }, evidence);
    }
  },
});

export const macPairsCheck = defineCheck({
  id: 'mac-pairs',
  title: "whether the cloud takes macvlan's pairs",
  states: {
    unneeded: { state: 'ok', text: "ipvlan pairs have the port's own MAC address, which every cloud takes." },
    stands: {
      state: 'ok',
      text: "A pair with another MAC address than the port's stands on {port}: this cloud took it once.",
    },
    untold: {
      state: 'skipped',
      text: "Whether this cloud takes pairs with a container's own MAC address cannot be asked without writing one: ML2/OVN of Neutron 28.0.1 and later refuses them, everything else takes them.",
      todo: 'Start one container on a macvlan network: where the cloud refuses, it fails with PAIR_MAC_REFUSED, and nothing is left behind. ipvlan works there.',
    },
  },
  async examine(on, say) {
    if (on.context.config.link.kind === 'ipvlan') return say('unneeded');
    for (const nic of await on.nics()) {
      const port = await on.port(nic);
      const foreign = port.allowed_address_pairs.find(
        pair => pair.mac_address !== undefined && pair.mac_address.toLowerCase() !== port.mac_address.toLowerCase(),
      );
      if (foreign === undefined) say('untold', { port: port.id });
      else say('stands', { port: port.id }, [`${foreign.ip_address} ${foreign.mac_address}`]);
    }
  },
});
