import type { Delivery } from '../model/delivery.ts';

/** What a webhook gets: the same bytes in every attempt, because the fields stand in this order and nothing is added. */
export const bodyOf = ({
  type,
  at,
  organization,
  payload,
}: Pick<Delivery, 'type' | 'at' | 'organization' | 'payload'>) =>
  JSON.stringify({ type, timestamp: at.toISOString(), organization, data: payload });
