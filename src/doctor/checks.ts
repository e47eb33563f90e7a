import { accessRulesCheck } from './checks/access-rules.ts';
import { dhcpCheck, ipv6Check } from './checks/addressing.ts';
import { credentialCheck, neutronCheck } from './checks/credential.ts';
import { daemonCheck, lockCheck, runFolderCheck, stateFolderCheck } from './checks/daemon.ts';
import { dockerCheck } from './checks/docker.ts';
import { extensionsCheck } from './checks/extensions.ts';
import { gatewayCheck } from './checks/gateway.ts';
import { guardCheck } from './checks/guard.ts';
import { hostAccessCheck } from './checks/host-access.ts';
import { ipvlanCheck, macvlanCheck } from './checks/links.ts';
import { kernelCheck, privilegeCheck } from './checks/machine.ts';
import { macFilterCheck, macPairsCheck } from './checks/macvlan.ts';
import { carrierCheck, holderCheck, masterCheck } from './checks/master.ts';
import { metadataCheck, userDataCheck } from './checks/metadata.ts';
import { mtuCheck } from './checks/mtu.ts';
import { pairLimitCheck, pairRightCheck } from './checks/pair-right.ts';
import { pairsCheck } from './checks/pairs.ts';
import { orphansCheck, reservationsCheck } from './checks/reservations.ts';
import { networkCheck, portSecurityCheck, vmPortCheck } from './checks/vm-port.ts';

/** Every check, in the order of the report: the VM, its NIC, its cloud, its runtime. */
export const checks = [
  ...([kernelCheck, privilegeCheck, masterCheck, carrierCheck, holderCheck, ipvlanCheck, macvlanCheck] as const),
  ...([
    macFilterCheck,
    credentialCheck,
    accessRulesCheck,
    neutronCheck,
    extensionsCheck,
    vmPortCheck,
    networkCheck,
    mtuCheck,
  ] as const),
  ...([portSecurityCheck, pairRightCheck, pairLimitCheck, pairsCheck, macPairsCheck, gatewayCheck] as const),
  ...([
    ipv6Check,
    dhcpCheck,
    hostAccessCheck,
    guardCheck,
    metadataCheck,
    userDataCheck,
    reservationsCheck,
    orphansCheck,
  ] as const),
  ...([dockerCheck, daemonCheck, stateFolderCheck, runFolderCheck, lockCheck] as const),
] as const;

type AnyCheck = (typeof checks)[number];

/** `kernel/old`: a state that a line can be in, apart from the common ones. */
export type StateName = AnyCheck extends infer C
  ? C extends { readonly id: infer Id extends string; readonly states: infer S }
    ? `${Id}/${keyof S & string}`
    : never
  : never;
