/** All cases, by concept. */
import { discovery } from './cases/discovery.ts';
import { errors } from './cases/errors.ts';
import { networks } from './cases/networks.ts';
import { subnets } from './cases/subnets.ts';
import type { Case } from './trial.ts';

export const concepts: Readonly<Record<string, readonly Case[]>> = { discovery, errors, networks, subnets };
