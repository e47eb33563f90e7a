/** All cases, by concept. */
import { addressing } from './cases/addresses.ts';
import { accessRules, applicationCredentials } from './cases/application-credentials.ts';
import { bulk } from './cases/bulk.ts';
import { discovery } from './cases/discovery.ts';
import { errors } from './cases/errors.ts';
import { kuryr } from './cases/kuryr.ts';
import { filters, paging } from './cases/lists.ts';
import { networks } from './cases/networks.ts';
import { pairs } from './cases/pairs.ts';
import { policy } from './cases/policy.ts';
import { ports } from './cases/ports.ts';
import { quotas } from './cases/quotas.ts';
import { races, revisions } from './cases/revisions.ts';
import { securityGroups } from './cases/security-groups.ts';
import { subnetPools } from './cases/subnet-pools.ts';
import { subnets } from './cases/subnets.ts';
import { tags } from './cases/tags.ts';
import { tokens } from './cases/tokens.ts';
import { trunks } from './cases/trunks.ts';
import type { Case } from './trial.ts';

export const concepts: Readonly<Record<string, readonly Case[]>> = {
  addressing,
  accessRules,
  applicationCredentials,
  bulk,
  discovery,
  errors,
  kuryr,
  filters,
  paging,
  networks,
  pairs,
  policy,
  ports,
  quotas,
  races,
  revisions,
  securityGroups,
  subnetPools,
  subnets,
  tags,
  tokens,
  trunks,
};
