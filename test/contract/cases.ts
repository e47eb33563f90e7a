/** All cases, by concept. */
import { addressing } from './cases/addresses.ts';
import { bulk } from './cases/bulk.ts';
import { discovery } from './cases/discovery.ts';
import { errors } from './cases/errors.ts';
import { filters, paging } from './cases/lists.ts';
import { networks } from './cases/networks.ts';
import { pairs } from './cases/pairs.ts';
import { ports } from './cases/ports.ts';
import { races, revisions } from './cases/revisions.ts';
import { subnets } from './cases/subnets.ts';
import { tags } from './cases/tags.ts';
import type { Case } from './trial.ts';

export const concepts: Readonly<Record<string, readonly Case[]>> = {
  addressing,
  bulk,
  discovery,
  errors,
  filters,
  paging,
  networks,
  pairs,
  ports,
  races,
  revisions,
  subnets,
  tags,
};
