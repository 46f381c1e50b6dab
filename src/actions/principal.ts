import type { User } from '../db/schema.ts';

/** What service accounts are called in logs, after their id and account. */
const SERVICE_DOMAIN = 'sa.boatload';

/** How a user is named where it says who did something: the address of a person, an address of our making for a program. */
export const principalOf = ({
  accountId,
  id,
  email,
  serviceAccount,
}: Pick<User, 'accountId' | 'id' | 'email' | 'serviceAccount'>): string =>
  serviceAccount ? `${id}@${accountId}.${SERVICE_DOMAIN}` : email || id;
