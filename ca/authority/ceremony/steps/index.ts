import type { CeremonyConfig } from '../config/index.ts';
import { planAccept } from './accept.ts';
import { planCrls } from './crl.ts';
import type { Plan, Setting } from './plan.ts';
import { planRequest } from './request.ts';
import { planRollover } from './rollover.ts';
import { planRoot } from './root.ts';
import { planShares } from './shares.ts';
import { planSign } from './sign.ts';

export function planOf(config: CeremonyConfig, setting: Setting): Promise<Plan> {
  switch (config.ceremony) {
    case 'root':
      return planRoot(config, setting);
    case 'request':
      return planRequest(config, setting);
    case 'sign':
      return planSign(config, setting);
    case 'accept':
      return planAccept(config, setting);
    case 'crl':
      return planCrls(config, setting);
    case 'rollover':
      return planRollover(config, setting);
    case 'shares':
      return planShares(config, setting);
    default:
      throw new TypeError(`There is no ceremony ${String(config satisfies never)}.`);
  }
}
