import { FakeKernel } from '../../src/linux/fake-kernel.ts';
import { FakeNeutron } from '../../src/openstack/fake-neutron.ts';

/**
 * The VM on which the captured users would have worked: the bare creates mean the subnets of eth0, which has the default
 * route; all the ranges that were named are on eth1.
 */
export function capturedVm() {
  const neutron = new FakeNeutron();
  const kernel = new FakeKernel();
  const bare = ['10.100.0.0/24', 'fd06:7::/64'];
  const v4 = [51, 52, 54, 55, 57, 58, 59, 61, 65, 66].map(n => `10.${n}.0.0/24`);
  const named = [...v4, '10.56.0.0/16', 'fd51::/64', 'fd52::/64', 'fd64::/64'];
  const plug = (name: string, cidrs: readonly string[], own: string) => {
    const network = neutron.addNetwork({ name });
    const subnets = cidrs.map(cidr =>
      neutron.addSubnet({
        ...{ network_id: network.id, cidr },
        ...(cidr === '10.56.0.0/16' ? { gateway_ip: '10.56.255.254' } : {}),
      }),
    );
    const port = neutron.addPort({
      network_id: network.id,
      device_owner: 'compute:nova',
      fixed_ips: [{ subnet_id: subnets[0]?.id ?? '', ip_address: own }],
      allowed_address_pairs: [{ ip_address: '192.0.2.7', mac_address: 'fa:16:3e:aa:aa:aa' }],
    });
    const master = kernel.addLink('host', { name, mac: port.mac_address, mtu: 1500 });
    kernel.addAddress('host', master.ifindex, own, 24);
    return { master, port };
  };
  const { master } = plug('eth0', bare, '10.100.0.200');
  plug('eth1', named, '10.51.0.200');
  kernel.addRoute('host', { destination: 'default', gateway: '10.100.0.1', ifindex: master.ifindex });
  return { neutron, kernel };
}
